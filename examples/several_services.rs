//! Several services and named instances behind one server, which listens on several addresses.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error, time::Duration};

use farcall::{Channel, Server};

#[farcall::service]
trait Inventory {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
}

#[farcall::service]
trait Clock {
    async fn uptime_is_known(&self) -> bool;
}

/// A warehouse that has the same number of everything.
struct Warehouse(u32);

impl Inventory for Warehouse {
    async fn stock(&self, _: &str) -> farcall::Result<u32> {
        Ok(self.0)
    }
}

struct WallClock;

impl Clock for WallClock {
    async fn uptime_is_known(&self) -> bool {
        false
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new()
        .service(InventoryServer::new(Warehouse(1)))
        .named_service("warehouse/eu", InventoryServer::new(Warehouse(20)))
        .named_service("warehouse/us", InventoryServer::new(Warehouse(300)))
        .service(ClockServer::new(WallClock))
        .listen("tcp://127.0.0.1:0")
        .await?;
    server.listen("tcp://127.0.0.1:0").await?;
    server.listen("mem://several-services").await?;
    for address in server.local_addrs() {
        println!("listening on {address}");
    }

    // One connection carries any number of services and clients.
    let channel = Channel::connect(server.local_addr()).await?;
    let inventory = InventoryClient::new(channel.clone());
    let clock = ClockClient::new(channel);
    println!("apples: {}", inventory.stock("apple").await?);
    println!("does the clock know its uptime? {}", clock.uptime_is_known().await?);

    // The path of an address chooses a named instance.
    for (instance, expected) in [("warehouse/eu", 20), ("warehouse/us", 300)] {
        for address in server.local_addrs() {
            let address = address.with_instance(instance);
            let inventory = InventoryClient::connect(&address).await?;
            let apples = inventory.stock("apple").await?;
            println!("apples at {address}: {apples}");
            assert_eq!(apples, expected);
        }
    }

    // A wrong name is told apart from a dead server, and the error lists what there is.
    let nowhere = InventoryClient::connect("mem://several-services/warehouse/asia").await?;
    let error = nowhere.stock("apple").await.err().ok_or("there is no such instance")?;
    println!("{error}");
    assert_eq!(error.code(), farcall::Code::NotFound);

    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
