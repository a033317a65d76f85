//! The future of a default body holds `&self`, so code over the trait says that the implementation can be shared.

#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> u32;
    async fn twice(&self) -> u32 {
        self.stock().await * 2
    }
}

async fn anywhere<I: Inventory>(inventory: &I) -> u32 {
    inventory.stock().await + inventory.twice().await
}

fn main() {}
