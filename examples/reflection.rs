//! A server that tells its callers what it offers, so that the command line can call it without the trait.
//!
//! Run with an address, it goes on until ctrl-c, for the `farcall` program to try:
//!
//! ```text
//! cargo run --example reflection -- tcp://127.0.0.1:7401
//! farcall describe tcp://127.0.0.1:7401
//! farcall call tcp://127.0.0.1:7401 Inventory.stock '{"sku":"apple"}'
//! ```
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{env, error::Error};

use farcall::{Server, reflection::ReflectionClient};
use futures::Stream;

/// Stock of one warehouse.
#[farcall::service]
trait Inventory {
    /// How many of `sku` are on the shelf.
    #[rpc(idempotent)]
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;

    /// Counts everything, shelf by shelf.
    fn count(&self, shelves: u32) -> impl Stream<Item = u32>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> farcall::Result<u32> {
        match sku {
            "apple" => Ok(7),
            _ => Err(farcall::Error::not_found(format!("no shelf for {sku}"))),
        }
    }

    fn count(&self, shelves: u32) -> impl Stream<Item = u32> {
        futures::stream::iter((0..shelves).map(|shelf| shelf * 3))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let server = Server::new()
        .service(InventoryServer::new(Warehouse))
        .reflection()
        .listen(address.as_deref().unwrap_or("tcp://127.0.0.1:0"))
        .await?;
    println!("listening on {}", server.local_addr());

    // What `farcall ls` and `farcall describe` ask.
    let reflection = ReflectionClient::connect(server.local_addr()).await?;
    for offered in reflection.services().await? {
        println!("{} with {} methods: {}", offered.service, offered.methods, offered.docs);
    }
    let told = reflection.describe("Inventory", None).await?;
    println!("{}", told.contract);
    assert_eq!(told.contract, InventoryClient::contract());
    assert_eq!(told.method_docs["stock"], "How many of `sku` are on the shelf.");
    for (method, docs) in &told.method_docs {
        println!("{method}: {docs}");
    }
    if address.is_some() {
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}
