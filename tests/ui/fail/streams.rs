use farcall::{Result, Streaming, stream::Stream};

pub struct Row;

#[farcall::service]
pub trait Nested {
    async fn pair(&self) -> (u32, impl Stream<Item = u32>);
    async fn optional(&self, rows: Option<impl Stream<Item = Row>>) -> u64;
    async fn list(&self, rows: Vec<Streaming<u32>>) -> u64;
    async fn deep(&self) -> Result<Option<Streaming<u32>>>;
    async fn borrowed(&self, rows: &Streaming<u32>) -> u64;
    fn streams(&self) -> impl Stream<Item = Streaming<u32>>;
    #[rpc(plain)]
    async fn plain(&self) -> Result<impl Stream<Item = u32>>;
}

#[farcall::service]
pub trait Items {
    fn unsaid(&self) -> impl Stream;
    fn borrowed<'a>(&'a self) -> impl Stream<Item = &'a str>;
    fn cow<'a>(&'a self) -> impl Stream<Item = std::borrow::Cow<'a, str>>;
    async fn named(&self, rows: impl Stream<Item = Result<&'static [u8]>>) -> u64;
    fn futures(&self) -> impl Stream<Item = impl Future<Output = u32>>;
}

#[farcall::service]
pub trait Options {
    #[rpc(oneway)]
    async fn oneway(&self, rows: impl Stream<Item = u32>);
    #[rpc(blocking)]
    fn blocking(&self) -> impl Stream<Item = u32>;
    #[rpc(blocking)]
    fn blocking_too(&self, rows: Streaming<u32>) -> u64;
    #[rpc(detached)]
    async fn detached(&self) -> Result<impl Stream<Item = u32>>;
    #[rpc(result)]
    fn result(&self) -> impl Stream<Item = u32>;
    fn sync(&self, rows: impl Stream<Item = u32>) -> u64;
    fn sync_result(&self) -> Result<impl Stream<Item = u32>>;
}

fn main() {}
