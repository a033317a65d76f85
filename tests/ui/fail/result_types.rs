#[farcall::service]
pub trait Inventory {
    async fn text(&self) -> &str;
    async fn rows(&self) -> farcall::Result<&[u32]>;
    async fn row<'a>(&'a self, rows: &'a String) -> Option<&'a String>;
    async fn cow(&self) -> std::borrow::Cow<'_, str>;
    async fn object(&self) -> Result<u32, Box<dyn std::error::Error>>;
    fn boxed(&self) -> Box<dyn farcall::stream::Stream<Item = u32>>;
    fn future(&self) -> impl Future<Output = u32> + Send;
    fn iterator(&self) -> impl Iterator<Item = u32>;
    async fn never(&self) -> !;
    async fn itself(&self) -> Self
    where
        Self: Sized;
}

fn main() {}
