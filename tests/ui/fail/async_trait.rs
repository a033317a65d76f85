//! A service needs no `async_trait`, and works with none.

#[farcall::service]
#[async_trait::async_trait]
pub trait Below {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
}

#[async_trait::async_trait]
#[farcall::service]
pub trait Above {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
}

#[farcall::service]
pub trait Inventory {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
}

struct Warehouse;

#[async_trait::async_trait]
impl Inventory for Warehouse {
    async fn stock(&self, _: &str) -> farcall::Result<u32> {
        Ok(1)
    }
}

fn main() {}
