/// Streams in every place.
trait Feed {
    type Row;
    fn watch(&self, sku: &str) -> impl Stream<Item = Result<Vec<u8>, StockError>>;
    async fn open(&self) -> StockResult<impl Stream<Item = Self::Row> + Unpin>;
    async fn import(
        &self,
        name: &str,
        rows: impl Stream<Item = Self::Row>,
        more: Streaming<u32>,
    ) -> farcall::Result<u64>;
    fn chat(&self, lines: impl Stream<Item = farcall::Result<String>> + Send) -> Streaming<Line> {
        echo(lines)
    }
    async fn fallback(&self) -> farcall::Result<impl Stream<Item = u32>> {
        Ok(numbers())
    }
}
