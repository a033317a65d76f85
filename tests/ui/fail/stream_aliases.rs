use farcall::Streaming;

type Rows = Streaming<u32>;

#[farcall::service]
pub trait Watch {
    async fn rows(&self) -> Rows;
    async fn put(&self, rows: Rows) -> u64;
}

fn main() {}
