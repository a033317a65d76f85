#[farcall::service(requires = "")]
pub trait Nothing {
    async fn put(&self) -> u32;
}

#[farcall::service]
pub trait Inventory {
    #[rpc(requires = "stock write")]
    async fn two_words(&self) -> u32;
    #[rpc(requires = "stock.*")]
    async fn pattern(&self) -> u32;
    #[rpc(requires = "bestände")]
    async fn foreign(&self) -> u32;
    #[rpc(requires)]
    async fn missing(&self) -> u32;
    #[rpc(requires = WRITE)]
    async fn constant(&self) -> u32;
    #[rpc(requires = "stock.read", requires = "stock.write")]
    async fn twice(&self) -> u32;
}

const WRITE: &str = "stock.write";

fn main() {}
