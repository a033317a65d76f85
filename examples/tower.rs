//! Layers of tower: the server sheds what is too much for it, and the client tries again what was certainly not
//! executed.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error as StdError, future::Future, pin::Pin, time::Duration};

use farcall::{
    Channel, Error, Server,
    layer::{Request, Response},
};
use tower::{
    ServiceBuilder,
    retry::{Policy, RetryLayer},
};

#[farcall::service]
trait Oven {
    async fn bake(&self, dough: &str) -> farcall::Result<String>;
}

struct Bakery;

impl Oven for Bakery {
    async fn bake(&self, dough: &str) -> farcall::Result<String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(format!("{dough} bread"))
    }
}

/// Tries again, at most so many times, with a growing wait.
#[derive(Clone)]
struct Patient {
    left: u32,
    wait: Duration,
}

impl Policy<Request, Response, Error> for Patient {
    type Future = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(&mut self, request: &mut Request, result: &mut Result<Response, Error>) -> Option<Self::Future> {
        // Either it certainly did not run, or running it twice does no harm.
        let again = |error: &Error| error.is_retryable() || request.method.idempotent;
        self.left = self.left.checked_sub(1).filter(|_| result.as_ref().is_err_and(again))?;
        self.wait *= 2;
        Some(Box::pin(tokio::time::sleep(self.wait)))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let sheds = ServiceBuilder::new().load_shed().concurrency_limit(1);
    let server = Server::new()
        .service(OvenServer::new(Bakery))
        .layer(sheds)
        .listen("tcp://127.0.0.1:0")
        .await?;

    // One loaf at a time: a call meanwhile fails at once, and says that nothing was done.
    let hasty = OvenClient::connect(server.local_addr()).await?;
    let (one, other) = tokio::join!(hasty.bake("rye"), hasty.bake("wheat"));
    let (Ok(bread), Err(error)) = (one, other) else {
        return Err("one of the two should have been shed".into());
    };
    println!("{bread}, and: {error}");
    assert!(error.is_retryable());

    let patient = Patient {
        left: 20,
        wait: Duration::from_millis(1),
    };
    let channel = Channel::builder()
        .layer(RetryLayer::new(patient))
        .connect(server.local_addr())
        .await?;
    let oven = OvenClient::new(channel);
    let breads = tokio::try_join!(oven.bake("rye"), oven.bake("wheat"), oven.bake("spelt"))?;
    println!("{breads:?}");
    assert_eq!(breads.2, "spelt bread");
    Ok(())
}
