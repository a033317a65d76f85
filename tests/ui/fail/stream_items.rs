use std::result::Result;

use farcall::stream::Stream;
use serde::{Deserialize, Serialize};

pub struct Row;

#[derive(Serialize, Deserialize)]
pub struct StockError;

pub struct QueryResult<T>(T);

#[farcall::service]
pub trait Import {
    async fn import(&self, rows: impl Stream<Item = Row>) -> u64;
}

#[farcall::service]
pub trait Watch {
    fn watch(&self) -> impl Stream<Item = Result<Row, StockError>>;
}

#[farcall::service]
pub trait Query {
    fn query(&self) -> impl Stream<Item = QueryResult<u32>>;
}

fn main() {}
