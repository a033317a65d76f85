//! What works within one process only, and what does in its place.

use tokio::sync::mpsc;

#[farcall::service]
pub trait Inventory {
    async fn each(&self, found: impl Fn(u32) + Send) -> farcall::Result<()>;
    async fn boxed(&self, found: Box<dyn FnMut(u32) + Send>) -> farcall::Result<()>;
    async fn plain(&self, found: fn(u32)) -> farcall::Result<()>;
    async fn send(&self, rows: mpsc::Sender<u32>) -> farcall::Result<()>;
    async fn receive(&self) -> farcall::Result<mpsc::UnboundedReceiver<u32>>;
    async fn once(&self, row: tokio::sync::oneshot::Sender<u32>) -> farcall::Result<()>;
    async fn follow(&self) -> farcall::Result<tokio::sync::watch::Receiver<u32>>;
    async fn block(&self, rows: std::sync::mpsc::Sender<u32>) -> farcall::Result<()>;
}

fn main() {}
