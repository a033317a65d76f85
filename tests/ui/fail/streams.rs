pub trait Stream {
    type Item;
}

#[farcall::service]
pub trait Inventory {
    fn watch(&self, sku: &str) -> impl Stream<Item = u32> + Send;
    async fn import(&self, rows: impl Stream<Item = u32> + Send) -> u64;
}

fn main() {}
