//! Authentication: the client sends a token with each call, the server looks at it before a handler starts.
//!
//! Over plain TCP anyone who listens in can read a token: encrypt the connection, or keep it on a network that you
//! trust.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error as StdError;

use farcall::{Channel, Code, Context, Error, Outcome, Server};

#[farcall::service]
trait Ledger {
    async fn balance(&self) -> farcall::Result<i64>;
}

struct Accounts;

impl Ledger for Accounts {
    async fn balance(&self) -> farcall::Result<i64> {
        // What the interceptor found out reaches the handler as metadata.
        match Context::current().metadata().value("user") {
            Some("ada") => Ok(1815),
            Some(user) => Err(Error::not_found(format!("{user} has no account"))),
            None => Err(Error::internal("the caller is unknown")),
        }
    }
}

/// Who holds which token.
fn user(authorization: Option<&str>) -> Result<&'static str, Error> {
    match authorization {
        Some("Bearer engine") => Ok("ada"),
        Some("Bearer guest") => Ok("bob"),
        Some(_) => Err(Error::unauthenticated("the token is not valid")),
        None => Err(Error::unauthenticated("there is no token: send `authorization`")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let server = Server::new()
        .service(LedgerServer::new(Accounts))
        .intercept(async |mut request, next| {
            let user = user(request.metadata.value("authorization"))?;
            // A caller cannot name itself: what it sent under this key is gone.
            request.metadata.remove("user");
            request.metadata.append("user", user)?;
            next.run(request).await
        })
        .listen("tcp://127.0.0.1:0")
        .await?;

    for (token, expected) in [
        ("engine", None),
        ("guest", Some(Code::NotFound)),
        ("stolen", Some(Code::Unauthenticated)),
    ] {
        // A real token would be fetched and renewed in here.
        let channel = Channel::builder().intercept(async move |mut request, next| {
            request.metadata.append("authorization", format!("Bearer {token}"))?;
            next.run(request).await
        });
        let ledger = LedgerClient::new(channel.connect(server.local_addr()).await?);
        let balance = ledger.balance().await;
        println!("with `{token}`: {balance:?}");
        assert_eq!(balance.err().map(|error| error.code()), expected);
    }

    let anonymous = LedgerClient::connect(server.local_addr())
        .await?
        .with_metadata("user", "ada");
    let error = anonymous
        .balance()
        .await
        .err()
        .ok_or("nobody may read the ledger without a token")?;
    println!("without one:  {error}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    Ok(())
}
