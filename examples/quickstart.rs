//! quick
use std::time::Duration;

/// Stock.
#[farcall::service]
pub trait Inventory {
    /// How many.
    async fn stock(&self, sku: &str) -> Result<u32, String>;
    /// Ping.
    async fn ping(&self) -> u64;
    /// sync.
    fn version(&self) -> String;
    /// bytes.
    async fn echo(&self, blob: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> Result<u32, String> {
        if sku == "slow" {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        if sku == "panic" {
            panic!("boom");
        }
        if sku == "apple" {
            Ok(7)
        } else {
            Err(format!("no {sku}"))
        }
    }
    async fn ping(&self) -> u64 {
        1
    }
    fn version(&self) -> String {
        "1.0".into()
    }
    async fn echo(&self, blob: &[u8]) -> farcall::Result<Vec<u8>> {
        tokio::task::yield_now().await;
        Ok(blob.to_vec())
    }
}

#[tokio::main]
async fn main() -> farcall::Result<()> {
    let server = farcall::Server::new()
        .service(InventoryServer::new(Warehouse))
        .listen("tcp://127.0.0.1:0")
        .await?;
    println!("listening on {}", server.local_addr());
    let inventory = InventoryClient::connect(server.local_addr()).await?;
    println!("{:?}", inventory.stock("apple").await);
    println!("{:?}", inventory.stock("pear").await);
    println!("{:?}", inventory.ping().await);
    println!("{:?}", inventory.version().await);
    println!(
        "{:?}",
        inventory.with_timeout(Duration::from_millis(50)).stock("slow").await
    );
    println!("{:?}", inventory.stock("panic").await);
    println!("{:?}", inventory.echo(&vec![7; 10_000_000]).await.map(|v| v.len()));
    println!("{:?}", inventory.echo(&vec![7; 20_000_000]).await.map(|v| v.len()));
    println!("{:?}", InventoryClient::loopback(Warehouse).version().await);
    let address = server.local_addr();
    println!(
        "{:?}",
        tokio::task::spawn_blocking(move || InventoryBlockingClient::connect(address)?.stock("apple")).await
    );
    println!(
        "{:?}",
        InventoryBlockingClient::connect(server.local_addr()).map(|_| ())
    );
    server.shutdown(Duration::from_secs(1)).await;
    println!("{:?}", inventory.ping().await);
    Ok(())
}
