pub trait Shape {}

#[farcall::service]
pub trait Inventory {
    async fn anything(&self, text: impl Into<String>) -> u32;
    async fn object(&self, shape: Box<dyn Shape>) -> u32;
    async fn borrowed_object(&self, shape: &dyn Shape) -> u32;
    async fn boxed(&self, rows: std::pin::Pin<Box<dyn futures_core::Stream<Item = u32> + Send>>) -> u32;
    async fn callback(&self, call: fn(u32) -> u32) -> u32;
    async fn pointer(&self, raw: *const u8) -> u32;
    async fn changed(&self, rows: &mut Vec<u32>) -> u32;
    async fn forever(&self, text: &'static str) -> u32;
    async fn itself(&self, other: &Self) -> u32;
}

fn main() {}
