//! The services that the program calls.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use farcall::{
    Channel, Context, RunningServer, Server, Streaming,
    channel::{self, watch},
};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

/// What somebody buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    number: u64,
    items: Vec<Item>,
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    kind: Kind,
    count: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Fruit,
    Tool { weight: f32 },
    Gift(Box<Item>),
    Pair(u8, char),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StockError {
    SoldOut { sku: String },
    Call(farcall::Error),
}

impl From<farcall::Error> for StockError {
    fn from(error: farcall::Error) -> Self {
        Self::Call(error)
    }
}

/// Every kind of value that is hard in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::option_option, reason = "that is what is odd")]
pub(crate) struct Odd {
    small: i8,
    huge: u128,
    deep: i128,
    ratio: f64,
    letter: char,
    nothing: (),
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
    by_number: BTreeMap<u16, bool>,
    by_pair: BTreeMap<(u8, u8), String>,
    perhaps: Option<Option<u8>>,
    empty: Option<()>,
    pair: (u8, String),
    meters: Meters,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meters(f64);

/// What formats with names are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Loose {
    #[serde(alias = "worth")]
    value: Anything,
    #[serde(default = "seven")]
    count: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Anything {
    Number(u32),
    Text(String),
}

fn seven() -> u8 {
    7
}

/// Stock of one warehouse.
///
/// It has shelves.
#[farcall::service]
pub(crate) trait Inventory {
    /// How many of `sku` are on the shelf.
    #[rpc(idempotent, timeout = "5s")]
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    /// Puts an order in, and gives it back as it was understood.
    async fn order(&self, order: Order) -> farcall::Result<Order>;
    async fn take(&self, sku: &str, count: Option<u32>) -> Result<u32, StockError>;
    async fn odd(&self, odd: Odd) -> farcall::Result<Odd>;
    /// The metadata `token` of the call.
    async fn token(&self) -> farcall::Result<Option<String>>;
    #[rpc(timeout = "1h")]
    async fn slow(&self) -> farcall::Result<()>;
    async fn loose(&self, loose: Loose) -> farcall::Result<Loose>;
    async fn version(&self) -> String;
    /// The next number at each second call.
    async fn next(&self) -> farcall::Result<u64>;
}

/// Numbers that come and go.
#[farcall::service(name = "test.Numbers")]
pub(crate) trait Numbers {
    /// Counts up.
    async fn count(&self, to: u32) -> farcall::Result<impl Stream<Item = u32>>;
    async fn sum(&self, numbers: impl Stream<Item = u32> + Send + 'static) -> farcall::Result<u64>;
    async fn double(
        &self,
        by: u32,
        numbers: impl Stream<Item = farcall::Result<u32>> + Send + 'static,
    ) -> farcall::Result<Streaming<farcall::Result<u32>>>;
    async fn pour(&self, into: channel::Sender<u32>) -> farcall::Result<()>;
    async fn current(&self) -> farcall::Result<watch::Receiver<Item>>;
    async fn change(&self, count: u8) -> farcall::Result<()>;
    async fn fail(&self) -> farcall::Result<impl Stream<Item = farcall::Result<u32>>>;
    fn lazy(&self) -> impl Stream<Item = Item>;
    /// Asks another server.
    async fn apples(&self, at: InventoryClient) -> farcall::Result<u32>;
    async fn warehouses(&self) -> farcall::Result<Vec<InventoryClient>>;
    async fn parts(&self) -> farcall::Result<(u8, channel::Receiver<u8>)>;
    async fn watched(&self) -> watch::Receiver<u8>;
}

pub(crate) struct Warehouse {
    next: AtomicU64,
}

impl Inventory for Warehouse {
    async fn stock(&self, sku: &str) -> farcall::Result<u32> {
        match sku {
            "apple" => Ok(7),
            _ => Err(farcall::Error::not_found(format!("no shelf for {sku}"))),
        }
    }

    async fn order(&self, order: Order) -> farcall::Result<Order> {
        Ok(order)
    }

    async fn take(&self, sku: &str, count: Option<u32>) -> Result<u32, StockError> {
        count.ok_or_else(|| StockError::SoldOut { sku: sku.to_owned() })
    }

    async fn odd(&self, odd: Odd) -> farcall::Result<Odd> {
        Ok(odd)
    }

    async fn token(&self) -> farcall::Result<Option<String>> {
        Ok(Context::current().metadata().value("token").map(str::to_owned))
    }

    async fn slow(&self) -> farcall::Result<()> {
        std::future::pending().await
    }

    async fn loose(&self, loose: Loose) -> farcall::Result<Loose> {
        Ok(loose)
    }

    async fn version(&self) -> String {
        "1.2".to_owned()
    }

    async fn next(&self) -> farcall::Result<u64> {
        // Twice the same, so that a repeated call finds an old value as well.
        Ok(self.next.fetch_add(1, Ordering::Relaxed) / 2)
    }
}

pub(crate) struct Mathematics {
    current: watch::Sender<Item>,
}

impl Numbers for Mathematics {
    async fn count(&self, to: u32) -> farcall::Result<impl Stream<Item = u32>> {
        Ok(futures::stream::iter(0..to))
    }

    async fn sum(&self, numbers: impl Stream<Item = u32> + Send + 'static) -> farcall::Result<u64> {
        Ok(numbers
            .fold(0, |sum, number| async move { sum + u64::from(number) })
            .await)
    }

    async fn double(
        &self,
        by: u32,
        numbers: impl Stream<Item = farcall::Result<u32>> + Send + 'static,
    ) -> farcall::Result<Streaming<farcall::Result<u32>>> {
        Ok(Streaming::new(
            numbers.map(move |number| number.map(|number| number * by)),
        ))
    }

    async fn pour(&self, into: channel::Sender<u32>) -> farcall::Result<()> {
        for number in 5..8 {
            into.send(number).await?;
        }
        into.finish();
        Ok(())
    }

    async fn current(&self) -> farcall::Result<watch::Receiver<Item>> {
        Ok(self.current.subscribe())
    }

    async fn change(&self, count: u8) -> farcall::Result<()> {
        self.current.send_modify(|item| item.count = count);
        Ok(())
    }

    async fn fail(&self) -> farcall::Result<impl Stream<Item = farcall::Result<u32>>> {
        Ok(futures::stream::iter([Ok(1), Err(farcall::Error::aborted("enough"))]))
    }

    fn lazy(&self) -> impl Stream<Item = Item> {
        futures::stream::iter((1..3).map(|count| Item {
            kind: Kind::Fruit,
            count,
        }))
    }

    async fn apples(&self, at: InventoryClient) -> farcall::Result<u32> {
        at.stock("apple").await
    }

    async fn warehouses(&self) -> farcall::Result<Vec<InventoryClient>> {
        let elsewhere = Channel::builder().connect_lazily("tcp://127.0.0.1:9")?;
        Ok(vec![InventoryClient::local(empty()), InventoryClient::new(elsewhere)])
    }

    async fn parts(&self) -> farcall::Result<(u8, channel::Receiver<u8>)> {
        Ok((1, channel::channel().1))
    }

    async fn watched(&self) -> watch::Receiver<u8> {
        watch::channel(9).1
    }
}

pub(crate) fn warehouse() -> InventoryServer<Warehouse> {
    InventoryServer::new(empty())
}

fn empty() -> Warehouse {
    Warehouse {
        next: AtomicU64::new(0),
    }
}

fn mathematics() -> Mathematics {
    let item = Item {
        kind: Kind::Fruit,
        count: 0,
    };
    Mathematics {
        current: watch::channel(item).0,
    }
}

pub(crate) fn services() -> Server {
    Server::new()
        .service(warehouse())
        .service(NumbersServer::new(mathematics()))
        .named_service("eu", warehouse())
        .reflection()
}

/// A server, and its address.
pub(crate) async fn serve(server: Server) -> farcall::Result<(RunningServer, String)> {
    serve_at(server, "tcp://127.0.0.1:0").await
}

pub(crate) async fn serve_at(server: Server, address: &str) -> farcall::Result<(RunningServer, String)> {
    let server = server.listen(address).await?;
    let address = server.local_addr().to_string();
    Ok((server, address))
}
