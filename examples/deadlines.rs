//! Deadlines and cancellation through a chain: client -> kitchen -> oven. No method has an argument for either.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error, future::pending, time::Duration};

use farcall::{Code, Context, Server};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[farcall::service]
trait Kitchen {
    /// Lets the oven bake, which takes as long as it takes.
    async fn dinner(&self) -> farcall::Result<String>;
    /// The milliseconds that the oven has.
    async fn time_left(&self) -> farcall::Result<u128>;
}

#[farcall::service]
trait Oven {
    async fn bake(&self) -> farcall::Result<String>;
    async fn time_left(&self) -> farcall::Result<u128>;
}

struct Cook {
    oven: OvenClient,
}

impl Kitchen for Cook {
    async fn dinner(&self) -> farcall::Result<String> {
        self.oven.bake().await
    }

    async fn time_left(&self) -> farcall::Result<u128> {
        // This call may take 10 s by itself, and gets no more than what is left of the caller's time.
        self.oven.with_timeout(Duration::from_secs(10)).time_left().await
    }
}

/// Never done; tells when it starts to bake and when it is stopped.
struct SlowOven(UnboundedSender<&'static str>);

impl Oven for SlowOven {
    async fn bake(&self) -> farcall::Result<String> {
        let _stopped = OnDrop(self.0.clone());
        tell(&self.0, "the oven bakes");
        pending().await
    }

    async fn time_left(&self) -> farcall::Result<u128> {
        let remaining = Context::current().remaining();
        remaining
            .map(|left| left.as_millis())
            .ok_or_else(|| farcall::Error::failed_precondition("the call has no deadline"))
    }
}

struct OnDrop(UnboundedSender<&'static str>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        tell(&self.0, "the oven was switched off");
    }
}

fn tell(events: &UnboundedSender<&'static str>, event: &'static str) {
    // There is no receiver any more once the example has ended.
    let _ = events.send(event);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (sender, mut events) = unbounded_channel();
    let oven = Server::new()
        .service(OvenServer::new(SlowOven(sender)))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let cook = Cook {
        oven: OvenClient::connect(oven.local_addr()).await?,
    };
    let kitchen = Server::new()
        .service(KitchenServer::new(cook))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = KitchenClient::connect(kitchen.local_addr()).await?;

    let left = client.with_timeout(Duration::from_secs(2)).time_left().await?;
    println!("of 2000 ms, {left} reached the oven, two calls away");
    assert!(left <= 2000);

    println!("a dinner within 50 ms:");
    let late = client.with_timeout(Duration::from_millis(50)).dinner().await;
    let error = late.err().ok_or("dinner cannot be ready")?;
    println!("  {error}");
    assert_eq!(error.code(), Code::DeadlineExceeded);
    for expected in ["the oven bakes", "the oven was switched off"] {
        assert_eq!(events.recv().await, Some(expected));
        println!("  {expected}");
    }

    println!("a dinner that nobody waits for any more:");
    tokio::select! {
        dinner = client.dinner() => return Err(format!("dinner cannot be ready: {dinner:?}").into()),
        event = events.recv() => println!("  {}", event.ok_or("the oven is gone")?),
    }
    // `select!` has dropped the call, which cancels both handlers.
    let event = events.recv().await.ok_or("the oven is gone")?;
    println!("  {event}");
    assert_eq!(event, "the oven was switched off");
    Ok(())
}
