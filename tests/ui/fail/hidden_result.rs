//! A `Result` whose name does not say so.

type Res<T> = Result<T, farcall::Error>;

#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> Res<u32>;
    #[rpc(result)]
    async fn told(&self) -> Res<u32>;
    #[rpc(plain)]
    async fn meant(&self) -> Res<u32>;
}

fn main() {}
