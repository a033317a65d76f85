//! An implementation of the service.

use std::pin::Pin;

use futures_core::Stream;

use crate::inventory::{Inventory, InventoryServer};

/// A warehouse without walls.
#[derive(Debug)]
pub struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> farcall::Result<u32> {
        let count = sku.len() as u32;
        Ok(count)
    }

    async fn put(&self, _sku: &str, _count: u32) -> farcall::Result<()> {
        Ok(())
    }

    fn watch(&self, _sku: &str) -> impl Stream<Item = farcall::Result<u32>> {
        Nothing
    }
}

struct Nothing;

impl Stream for Nothing {
    type Item = farcall::Result<u32>;

    fn poll_next(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(None)
    }
}

/// A server of it.
pub fn server() -> InventoryServer<Warehouse> {
    InventoryServer::new(Warehouse)
}
