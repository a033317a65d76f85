//! Text and lists by value.

#[farcall::service]
pub trait Inventory {
    async fn stock(&self, sku: str) -> farcall::Result<u32>;
    async fn put(&self, rows: [u8]) -> farcall::Result<()>;
    async fn watch(&self, items: impl farcall::stream::Stream<Item = str>) -> farcall::Result<()>;
}

fn main() {}
