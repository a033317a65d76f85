//! Testing code that uses a service, from the cheapest to the harshest: a mock, a loopback, a seeded network.
//!
//! Time is paused, so the waits below take none.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    error::Error,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use farcall::{Code, Outcome, Server, testing::Network};
use tokio::time::Instant;

/// Every method is async and returns a `Result` that can hold a `farcall::Error`: the client implements the trait.
#[farcall::service]
trait Inventory {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    async fn order(&self, sku: &str, count: u32) -> farcall::Result<()>;
}

/// The code under test: fills the shelf up to ten. It does not know whether the inventory is far away.
async fn restock(inventory: &impl Inventory, sku: &str) -> farcall::Result<u32> {
    let missing = 10_u32.saturating_sub(inventory.stock(sku).await?);
    if missing > 0 {
        inventory.order(sku, missing).await?;
    }
    Ok(missing)
}

/// A mock is any implementation of the trait.
#[derive(Default)]
struct Mock {
    stock: u32,
    ordered: AtomicU32,
}

impl Inventory for Mock {
    async fn stock(&self, _: &str) -> farcall::Result<u32> {
        Ok(self.stock)
    }

    async fn order(&self, _: &str, count: u32) -> farcall::Result<()> {
        self.ordered.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mock = Mock {
        stock: 7,
        ..Mock::default()
    };
    assert_eq!(restock(&mock, "apple").await?, 3);
    assert_eq!(mock.ordered.load(Ordering::Relaxed), 3);
    println!("mock:      3 ordered, no wire at all");

    // The same with the real frames, codec, limits and deadlines, and still without a socket.
    let inventory = InventoryClient::loopback(mock);
    assert_eq!(restock(&inventory, "apple").await?, 3);
    println!("loopback:  3 ordered through encoded calls");

    // A network with 30 to 50 ms of delay that loses every tenth segment; the same each time for the same seed.
    let server = Server::new()
        .service(InventoryServer::new(Mock::default()))
        .listen("mem://mock-and-loopback")
        .await?;
    let network = Network::seeded(42).delay(30..50).loss(0.1);
    let inventory = InventoryClient::new(network.connect(&server).await?);
    let start = Instant::now();
    assert_eq!(restock(&inventory, "pear").await?, 10);
    println!("network:   10 ordered in {:?} of simulated time", start.elapsed());

    // Nothing gets through for longer than the call may take.
    network.partition();
    let hurried = inventory.with_timeout(Duration::from_secs(5));
    let start = Instant::now();
    let error = restock(&hurried, "pear").await.err().ok_or("nothing can get through")?;
    println!("partition: {error}, after {:?}", start.elapsed());
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::DeadlineExceeded, Outcome::Unknown)
    );

    // The call that meets a lost connection fails, and knows that it did not run. The channel outlives it and dials
    // again.
    network.heal();
    network.reset();
    let error = restock(&inventory, "pear")
        .await
        .err()
        .ok_or("the connection is lost")?;
    println!("reset:     {error}");
    assert!(error.is_retryable());
    assert_eq!(restock(&inventory, "pear").await?, 10);
    println!("again:     10 ordered over a new connection");
    Ok(())
}
