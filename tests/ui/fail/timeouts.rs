#[farcall::service]
pub trait Inventory {
    #[rpc(timeout = "2 seconds")]
    async fn words(&self) -> u32;
    #[rpc(timeout = "1.5s")]
    async fn fraction(&self) -> u32;
    #[rpc(timeout = "0ms")]
    async fn zero(&self) -> u32;
    #[rpc(timeout = "9999999999h")]
    async fn endless(&self) -> u32;
    #[rpc(timeout = 2)]
    async fn number(&self) -> u32;
    #[rpc(timeout)]
    async fn missing(&self) -> u32;
}

fn main() {}
