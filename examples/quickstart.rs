//! A trait becomes a service: one process serves it, another one calls it over TCP.
//!
//! `cargo run --example quickstart` is the client; it starts itself a second time as the server.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{collections::HashMap, env, error::Error, process::Stdio, sync::Mutex, time::Duration};

use farcall::Server;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

/// The service is an ordinary trait; the attribute makes `InventoryClient` and `InventoryServer` beside it.
#[farcall::service]
trait Inventory {
    /// How many of `sku` are on the shelf.
    async fn stock(&self, sku: &str) -> Result<u32, String>;
    /// Takes `count` of `sku` off the shelf and says how many are left.
    async fn reserve(&self, sku: &str, count: u32) -> Result<u32, String>;
    /// Who answers, and to whom.
    async fn about(&self) -> String;
}

/// The implementation is an ordinary implementation.
struct Warehouse {
    shelves: Mutex<HashMap<String, u32>>,
}

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> Result<u32, String> {
        let shelves = self.shelves.lock().map_err(|error| error.to_string())?;
        shelves.get(sku).copied().ok_or_else(|| format!("no shelf for {sku}"))
    }

    async fn reserve(&self, sku: &str, count: u32) -> Result<u32, String> {
        let mut shelves = self.shelves.lock().map_err(|error| error.to_string())?;
        let left = shelves.get_mut(sku).ok_or_else(|| format!("no shelf for {sku}"))?;
        *left = left.checked_sub(count).ok_or_else(|| format!("only {left} left"))?;
        Ok(*left)
    }

    async fn about(&self) -> String {
        let peer = farcall::Context::current().peer().map(ToString::to_string);
        let caller = peer.unwrap_or_else(|| "nobody".to_owned());
        format!("process {} speaking to {caller}", std::process::id())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1).as_deref() {
        Some("serve") => serve().await,
        _ => call().await,
    }
}

/// The server's process: listens, says where, and stops when its standard input ends.
async fn serve() -> Result<(), Box<dyn Error>> {
    let shelves = HashMap::from([("apple".to_owned(), 7), ("pear".to_owned(), 2)]);
    let warehouse = Warehouse {
        shelves: Mutex::new(shelves),
    };
    let server = Server::new()
        .service(InventoryServer::new(warehouse))
        .listen("tcp://127.0.0.1:0")
        .await?;
    println!("{}", server.local_addr());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}

/// The client's process.
async fn call() -> Result<(), Box<dyn Error>> {
    let mut server = Command::new(env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let address = BufReader::new(output).lines().next_line().await?;
    let address = address.ok_or("the server ended before it listened")?;
    println!(
        "client: I am process {}, the server listens on {address}",
        std::process::id()
    );

    let inventory = InventoryClient::connect(address).await?;
    println!("server: I am {}", inventory.about().await?);

    println!("client: how many apples?          {:?}", inventory.stock("apple").await);
    println!(
        "client: I take 5 of them, left:   {:?}",
        inventory.reserve("apple", 5).await
    );
    println!(
        "client: and another 5, left:      {:?}",
        inventory.reserve("apple", 5).await
    );
    println!("client: how many plums?           {:?}", inventory.stock("plum").await);
    assert_eq!(
        inventory.stock("apple").await,
        Ok(2),
        "the server keeps its state between calls"
    );

    drop(server.stdin.take());
    let status = server.wait().await?;
    println!("client: the server has stopped ({status})");
    assert!(status.success());
    Ok(())
}
