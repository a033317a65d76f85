/// Stock of one warehouse.
pub trait Inventory<K>: Send {
    type Row: Clone;
    /// How many of `sku` are on the shelf.
    async fn stock(&self, sku: &str) -> Result<u32, StockError>;
    #[rpc(idempotent, timeout = "2s")]
    async fn put(&self, key: K, row: &Self::Row, blob: &[u8]) -> farcall::Result<Vec<u8>>;
    #[cfg(unix)]
    #[rpc(blocking)]
    fn version(&self) -> String;
    #[rpc(oneway)]
    async fn note(&self, text: Option<&Note>) {
        print(text);
    }
}
