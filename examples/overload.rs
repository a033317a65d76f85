//! Ten times as many calls as a server can answer: with an adaptive limit it answers as many as ever, and those that
//! matter most. Time is tokio's paused clock, so the seconds pass at once.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error, time::Duration};

use farcall::{Channel, Outcome, Server, layer::AdaptiveLimit, service::Priority};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, interval, sleep},
};

#[farcall::service]
trait Shop {
    #[rpc(priority = "high")]
    async fn pay(&self) -> farcall::Result<()>;
    async fn browse(&self) -> farcall::Result<()>;
}

/// Every call needs one of ten connections to a database for 20 ms: 500 calls in a second.
struct Store {
    connections: Semaphore,
}

const CAPACITY: u32 = 500;
const SECONDS: u32 = 4;

impl Store {
    async fn ask_database(&self) -> farcall::Result<()> {
        let connection = self.connections.acquire().await;
        let _connection = connection.map_err(|_| farcall::Error::unavailable("the database is closed"))?;
        sleep(Duration::from_millis(20)).await;
        Ok(())
    }
}

impl Shop for Store {
    async fn pay(&self) -> farcall::Result<()> {
        self.ask_database().await
    }
    async fn browse(&self) -> farcall::Result<()> {
        self.ask_database().await
    }
}

/// How many of the calls were answered and refused, of those that pay and of all others.
#[derive(Debug, Default)]
struct Seen {
    paid: usize,
    not_paid: usize,
    browsed: usize,
    refused: usize,
}

/// Ten times as many calls as the server can answer, of which one in fifty pays. Callers wait for half a second.
async fn rush(server: Server) -> Result<Seen, Box<dyn Error>> {
    let store = Store {
        connections: Semaphore::new(10),
    };
    let server = server.service(ShopServer::new(store));
    let shop = ShopClient::new(Channel::builder().timeout(Duration::from_millis(500)).loopback(server));
    // A caller that can wait says so; nobody can ask for more than the trait gives.
    let browsing = shop.with_metadata(Priority::KEY, "low");
    let (mut calls, mut ticks) = (JoinSet::new(), interval(Duration::from_secs(1) / (10 * CAPACITY)));
    for number in 0..10 * CAPACITY * SECONDS {
        ticks.tick().await;
        let (shop, browsing) = (shop.clone(), browsing.clone());
        calls.spawn(async move {
            let begun = Instant::now();
            let (pays, result) = match number % 50 {
                0 => (true, shop.pay().await),
                _ => (false, browsing.browse().await),
            };
            (pays, result, begun.elapsed())
        });
    }
    let mut seen = Seen::default();
    for (pays, result, took) in calls.join_all().await {
        let refused = result
            .as_ref()
            .is_err_and(|error| error.outcome() == Outcome::NotExecuted);
        if refused {
            assert!(took < Duration::from_millis(10), "nobody waits for a refusal");
            seen.refused += 1;
        }
        match (pays, result.is_ok()) {
            (true, true) => seen.paid += 1,
            (true, false) => seen.not_paid += 1,
            (false, true) => seen.browsed += 1,
            (false, false) => {}
        }
    }
    Ok(seen)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let without = rush(Server::new()).await?;
    println!("without a limit: {without:?}");

    let limit = AdaptiveLimit::new();
    let with = rush(Server::new().layer(limit.clone())).await?;
    println!("with a limit, now of {} calls: {with:?}", limit.limit());

    let most = (CAPACITY * SECONDS) as usize;
    assert!(without.paid + without.browsed < most / 2);
    assert!(with.paid + with.browsed > most * 7 / 10);
    assert!(with.paid > with.not_paid * 9, "nearly everyone who wants to pay can");
    Ok(())
}
