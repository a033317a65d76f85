//! Authentication: a tower layer adds a token on the client, another one checks it on the server.
//!
//! Over plain TCP whoever listens in can read a token: encrypt the connection, or keep it on a network that you trust.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

use farcall::{
    Channel, Code, Context, Error, Outcome, Server,
    layer::{Next, Request, Response},
};
use tower_layer::layer_fn;
use tower_service::Service;

#[farcall::service]
trait Ledger {
    async fn balance(&self) -> farcall::Result<i64>;
}

struct Accounts;

impl Ledger for Accounts {
    async fn balance(&self) -> farcall::Result<i64> {
        // What the layer found out reaches the handler as metadata.
        match Context::current().metadata().value("user") {
            Some("ada") => Ok(1815),
            Some(user) => Err(Error::not_found(format!("{user} has no account"))),
            None => Err(Error::internal("no layer has said who calls")),
        }
    }
}

/// Changes each request, or refuses it, and passes it on.
#[derive(Clone)]
struct Edit<F> {
    next: Next,
    edit: F,
}

impl<F: FnMut(&mut Request) -> Result<(), Error>> Service<Request> for Edit<F> {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        self.next.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match (self.edit)(&mut request) {
            Ok(()) => Box::pin(self.next.call(request)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

/// On the server: who holds which token. A refusal comes before the handler starts.
fn admit(request: &mut Request) -> Result<(), Error> {
    let refusal = |message| Error::unauthenticated(message).with_outcome(Outcome::NotExecuted);
    let user = match request.metadata.value("authorization") {
        Some("Bearer engine") => "ada",
        Some("Bearer guest") => "bob",
        Some(_) => return Err(refusal("the token is not valid")),
        None => return Err(refusal("there is no token: send `authorization`")),
    };
    // A caller cannot name itself: what it sent under this key is gone.
    request.metadata.remove("user");
    request.metadata.append("user", user)
}

/// On the client: sends a token with each call. A real one would be fetched and renewed here.
fn bearer(token: &'static str) -> impl Fn(&mut Request) -> Result<(), Error> + Clone {
    move |request| request.metadata.append("authorization", format!("Bearer {token}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let server = Server::new()
        .service(LedgerServer::new(Accounts))
        .layer(layer_fn(|next| Edit { next, edit: admit }))
        .listen("tcp://127.0.0.1:0")
        .await?;

    for (token, expected) in [
        ("engine", None),
        ("guest", Some(Code::NotFound)),
        ("stolen", Some(Code::Unauthenticated)),
    ] {
        let channel = Channel::builder().layer(layer_fn(move |next| Edit {
            next,
            edit: bearer(token),
        }));
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
