//! What is said about a method is said with `rpc`.

#[farcall::service]
pub trait Inventory {
    #[farcall(idempotent)]
    async fn stock(&self) -> farcall::Result<u32>;
    #[service(oneway)]
    async fn note(&self);
    #[farcall::rpc(oneway)]
    async fn hint(&self);
}

fn main() {}
