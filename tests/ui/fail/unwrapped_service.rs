//! An implementation is no service before it is wrapped.

#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> farcall::Result<u32>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self) -> farcall::Result<u32> {
        Ok(1)
    }
}

fn main() {
    let _ = farcall::Server::new().service(Warehouse);
}
