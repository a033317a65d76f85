#[farcall::service]
pub trait Inventory {
    #[rpc(idempotant)]
    async fn unknown(&self) -> u32;
    #[rpc]
    async fn empty(&self) -> u32;
    #[rpc(oneway, oneway)]
    async fn twice(&self);
    #[rpc(idempotent)]
    #[rpc(idempotent)]
    async fn twice_apart(&self) -> u32;
    #[rpc(idempotent = true)]
    async fn valued(&self) -> u32;
    #[rpc(name)]
    async fn nameless(&self) -> u32;
    #[rpc(name = 3)]
    async fn numbered(&self) -> u32;
    #[rpc(name = "")]
    async fn anonymous(&self) -> u32;
    #[rpc(name = "a.b")]
    async fn dotted(&self) -> u32;
    #[rpc(result, plain)]
    async fn both(&self) -> u32;
    #[rpc(blocking)]
    async fn blocking_async(&self) -> u32;
    #[rpc(oneway)]
    fn oneway_sync(&self);
    #[rpc(oneway)]
    async fn oneway_answer(&self) -> u32;
    #[rpc(plain)]
    async fn plain_nothing(&self);
    #[rpc(name "x")]
    async fn malformed(&self) -> u32;
    #[rpc(priority = "highest")]
    async fn beyond_high(&self) -> u32;
    #[cfg_attr(all(), rpc(idempotent))]
    async fn hidden(&self) -> u32;
}

fn main() {}
