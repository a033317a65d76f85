//! A service.

use futures_core::Stream;

/// What is in a warehouse.
#[farcall::service]
pub trait Inventory {
    /// How many of `sku` are on the shelf.
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;

    /// Puts `count` of `sku` on the shelf.
    async fn put(&self, sku: &str, count: u32) -> farcall::Result<()>;

    /// Whether there are `count` of `sku`.
    async fn suffices(&self, sku: &str, count: u32) -> farcall::Result<bool> {
        let there = self.stock(sku).await?;
        Ok(count <= there)
    }

    /// The stock of `sku` whenever it changes.
    fn watch(&self, sku: &str) -> impl Stream<Item = farcall::Result<u32>>;
}
