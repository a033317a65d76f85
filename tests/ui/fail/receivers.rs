#[farcall::service]
pub trait Inventory {
    async fn none(sku: &str) -> u32;
    async fn exclusive(&mut self) -> u32;
    async fn owned(self) -> u32;
    async fn shared(self: std::sync::Arc<Self>) -> u32;
    async fn fine(&self) -> u32;
}

fn main() {
    // One mistake gives one message: the client exists, with the methods that are fine.
    fn _use(client: &InventoryClient) {
        let _ = client.fine();
    }
}
