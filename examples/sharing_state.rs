//! A program that shares the state of its service, and a service of which each connection has one for itself.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use farcall::Server;

#[farcall::service]
trait Inventory {
    async fn stock(&self) -> farcall::Result<u32>;
}

#[farcall::service]
trait Basket {
    async fn take(&self, count: u32) -> farcall::Result<u32>;
}

#[derive(Default)]
struct Warehouse {
    apples: AtomicU32,
}

impl Inventory for Warehouse {
    async fn stock(&self) -> farcall::Result<u32> {
        Ok(self.apples.load(Ordering::Relaxed))
    }
}

/// Of one connection; the warehouse is everybody's.
struct Mine {
    taken: AtomicU32,
    warehouse: Arc<Warehouse>,
}

impl Basket for Mine {
    async fn take(&self, count: u32) -> farcall::Result<u32> {
        self.warehouse.apples.fetch_sub(count, Ordering::Relaxed);
        Ok(self.taken.fetch_add(count, Ordering::Relaxed) + count)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let warehouse = Arc::new(Warehouse::default());
    let behind = Arc::clone(&warehouse);
    let server = Server::new()
        // An `Arc` of an implementation is an implementation.
        .service(InventoryServer::new(Arc::clone(&warehouse)))
        .service_per_connection(move |peer| {
            println!("{peer} gets a basket");
            BasketServer::new(Mine {
                taken: AtomicU32::new(0),
                warehouse: Arc::clone(&behind),
            })
        })
        .listen("tcp://127.0.0.1:0")
        .await?;

    warehouse.apples.store(100, Ordering::Relaxed);
    let ann = BasketClient::connect(server.local_addr()).await?;
    let bob = BasketClient::connect(server.local_addr()).await?;
    ann.take(10).await?;
    let (ann, bob) = (ann.take(10).await?, bob.take(5).await?);
    println!("Ann has {ann} apples, Bob has {bob}");
    assert_eq!((ann, bob), (20, 5));

    let inventory = InventoryClient::connect(server.local_addr()).await?;
    println!(
        "the client sees {}, the program {}",
        inventory.stock().await?,
        warehouse.stock().await?
    );
    assert_eq!(inventory.stock().await?, warehouse.stock().await?);
    Ok(())
}
