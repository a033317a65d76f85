//! A client for programs that are not asynchronous: `main` has no runtime, and no call has an `await`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error, sync::mpsc, thread, time::Duration};

use farcall::{Address, Server};
use tokio::sync::oneshot;

/// Handlers may be synchronous as well. When all are, the blocking client implements the trait.
#[farcall::service]
trait Inventory {
    fn stock(&self, sku: &str) -> Result<u32, String>;
    /// Runs on a thread where it may block.
    #[rpc(blocking)]
    fn count_by_hand(&self, sku: &str) -> Result<u32, String>;
}

struct Warehouse;

impl Inventory for Warehouse {
    fn stock(&self, sku: &str) -> Result<u32, String> {
        match sku {
            "apple" => Ok(7),
            _ => Err(format!("no shelf for {sku}")),
        }
    }

    fn count_by_hand(&self, sku: &str) -> Result<u32, String> {
        let count = self.stock(sku)?;
        thread::sleep(Duration::from_millis(10) * count);
        Ok(count)
    }
}

/// Takes a warehouse in this process and one far away alike.
fn report(inventory: &impl Inventory, place: &str) -> Result<(), String> {
    println!("{place}: {} apples in the books", inventory.stock("apple")?);
    println!("{place}: {} apples counted", inventory.count_by_hand("apple")?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (sender, address) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let server = thread::spawn(move || serve(&sender, stopped));
    let address = address.recv()?;

    let inventory = InventoryBlockingClient::connect(address)?;
    report(&Warehouse, "here")?;
    report(&inventory, "there")?;

    let error = inventory.stock("plum").err().ok_or("there are no plums")?;
    println!("there: {error}");
    assert_eq!(error, "no shelf for plum");

    let hurried = inventory.with_timeout(Duration::from_millis(5));
    let late = hurried.count_by_hand("apple").err().ok_or("counting takes 70 ms")?;
    println!("there: {late}");

    stop.send(()).map_err(|()| "the server has stopped by itself")?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}

/// The server needs a runtime; it has one in a thread of its own, and would usually be another program.
#[tokio::main]
async fn serve(address: &mpsc::Sender<Address>, stopped: oneshot::Receiver<()>) -> Result<(), farcall::Error> {
    let server = Server::new()
        .service(InventoryServer::new(Warehouse))
        .listen("tcp://127.0.0.1:0")
        .await?;
    // Both only fail when the client's side is gone; then it is time to stop, too.
    let _ = address.send(server.local_addr());
    let _ = stopped.await;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
