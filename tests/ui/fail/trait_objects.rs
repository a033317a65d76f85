//! A service's trait is for generic code: its methods return futures, which have no place behind a `dyn`.

use std::sync::Arc;

#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> farcall::Result<u32>;
}

pub fn take(_: Arc<dyn Inventory>) {}

fn main() {}
