//! Who may call what, by JSON Web Tokens: the client's tokens are renewed by themselves, the server verifies them, and
//! rules say what their scopes are good for.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

mod hmac;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Code, Context, Error, Outcome, Result, Server,
    auth::{BearerToken, Callers, Grant, Principal, Rules},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp};
use serde::{Deserialize, Serialize};

#[farcall::service]
trait Ledger {
    #[rpc(requires = "ledger.read")]
    async fn balance(&self) -> Result<i64>;
    #[rpc(requires = "ledger.write")]
    async fn pay(&self, amount: i64) -> Result<()>;
}

struct Accounts;

impl Ledger for Accounts {
    async fn balance(&self) -> Result<i64> {
        let context = Context::current();
        match context.principal().map(Principal::subject) {
            Some("ada") => Ok(1815),
            _ => Err(Error::not_found("the caller has no account")),
        }
    }

    async fn pay(&self, _amount: i64) -> Result<()> {
        Ok(())
    }
}

/// What the tokens say.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    scope: String,
    exp: u64,
}

/// Both sides of this example know the key. A real issuer keeps a private key, and servers have its public one.
const KEY: &[u8] = b"32 bytes that only two can know.";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "ledger";
const LIFE: Duration = Duration::from_secs(300);

/// The issuer. A real one is somewhere else, and asked over the network.
fn issue(subject: &str, scope: &str) -> Result<BearerToken> {
    let claims = Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: subject.into(),
        scope: scope.into(),
        exp: get_current_timestamp() + LIFE.as_secs(),
    };
    let token = EncodingKey::from_secret(KEY)
        .and_then(|key| encode(&Header::new(Algorithm::HS256), &claims, &key))
        .map_err(|error| Error::internal(format!("no token: {error}")))?;
    Ok(BearerToken::new(token).valid_for(LIFE))
}

/// What the server makes of a token: signature, issuer, audience and end are looked at.
fn verify(token: &BearerToken) -> Result<Principal> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = 0;
    let decoded = DecodingKey::from_secret(KEY)
        .and_then(|key| decode::<Claims>(token.secret(), &key, &validation))
        .map_err(|error| Error::unauthenticated(error.to_string()))?;
    let claims = decoded.claims;
    let left = claims.exp.saturating_sub(get_current_timestamp());
    Ok(Principal::new(claims.sub)
        .scopes(claims.scope.split(' '))
        .valid_for(Duration::from_secs(left)))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    hmac::install();
    let server = Server::new()
        .service(LedgerServer::new(Accounts))
        .verify_tokens(async |token| verify(&token))
        .authorize(Rules::new().allow(Callers::known(), Grant::scopes()))
        .listen("tcp://127.0.0.1:0")
        .await?;

    let issued = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&issued);
    let channel = Channel::builder()
        .bearer(async move || {
            counted.fetch_add(1, Ordering::Relaxed);
            issue("ada", "ledger.read")
        })
        .connect(server.local_addr())
        .await?;
    let ledger = LedgerClient::new(channel);
    println!("the balance is {}", ledger.balance().await?);
    let error = ledger.pay(1).await.err().ok_or("the token lacks a scope")?;
    println!("{error}");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::PermissionDenied, Outcome::NotExecuted)
    );
    assert_eq!(issued.load(Ordering::Relaxed), 1, "the token is kept");

    // Without a token, and with one that somebody has changed.
    let stranger = LedgerClient::connect(server.local_addr()).await?;
    let forged = format!("Bearer {}x", issue("ada", "ledger.write")?.secret());
    for ledger in [stranger.clone(), stranger.with_metadata("authorization", &forged)] {
        let error = ledger.balance().await.err().ok_or("nobody vouches for the caller")?;
        println!("{error}");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unauthenticated, Outcome::NotExecuted)
        );
    }
    Ok(())
}
