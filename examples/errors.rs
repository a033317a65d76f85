//! Errors: the service's own enum crosses the wire typed, and a remote failure says whether the call ran.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::time::Duration;

use farcall::{Code, Outcome, RunningServer, Server};
use serde::{Deserialize, Serialize};

/// What can go wrong. `Remote` holds everything that has to do with the call rather than with stock.
#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum StockError {
    #[error("there is no {sku}")]
    Unknown { sku: String },
    #[error("only {left} of {sku} left")]
    Short { sku: String, left: u32 },
    #[error(transparent)]
    Remote(#[from] farcall::Error),
}

#[farcall::service]
trait Inventory {
    async fn reserve(&self, sku: &str, count: u32) -> Result<u32, StockError>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn reserve(&self, sku: &str, count: u32) -> Result<u32, StockError> {
        match sku {
            "apple" if count <= 7 => Ok(7 - count),
            "apple" => Err(StockError::Short {
                sku: sku.to_owned(),
                left: 7,
            }),
            "ice" => std::future::pending().await,
            "egg" => panic!("the shelf fell over"),
            // A `farcall::Error` of the handler's own, where a code says enough.
            "gold" => Err(farcall::Error::permission_denied("gold is for the owner").into()),
            _ => Err(StockError::Unknown { sku: sku.to_owned() }),
        }
    }
}

const ADDRESS: &str = "mem://errors";

async fn start() -> farcall::Result<RunningServer> {
    Server::new()
        .service(InventoryServer::new(Warehouse))
        .listen(ADDRESS)
        .await
}

fn remote(result: &Result<u32, StockError>) -> Option<(Code, Outcome)> {
    match result {
        Err(StockError::Remote(error)) => Some((error.code(), error.outcome())),
        _ => None,
    }
}

#[tokio::main]
async fn main() -> Result<(), StockError> {
    std::panic::set_hook(Box::new(|panic| println!("(the server's log: {panic})")));
    let server = start().await?;
    let inventory = InventoryClient::connect(ADDRESS).await?;

    // The service's own errors arrive as they left, to be matched on.
    let short = inventory.reserve("apple", 9).await;
    println!("9 apples:  {short:?}");
    assert_eq!(
        short,
        Err(StockError::Short {
            sku: "apple".into(),
            left: 7
        })
    );
    let unknown = inventory.reserve("plum", 1).await;
    println!("1 plum:    {unknown:?}");
    assert_eq!(unknown, Err(StockError::Unknown { sku: "plum".into() }));

    // The handler ran to its end and refused.
    let gold = inventory.reserve("gold", 1).await;
    println!("1 gold:    {}", display(&gold));
    assert_eq!(remote(&gold), Some((Code::PermissionDenied, Outcome::Executed)));

    // A panic fails its own call. It is unknown how far the handler came.
    let egg = inventory.reserve("egg", 1).await;
    println!("1 egg:     {}", display(&egg));
    assert_eq!(remote(&egg), Some((Code::Internal, Outcome::Unknown)));

    // So does a deadline.
    let ice = inventory
        .with_timeout(Duration::from_millis(20))
        .reserve("ice", 1)
        .await;
    println!("1 ice:     {}", display(&ice));
    assert_eq!(remote(&ice), Some((Code::DeadlineExceeded, Outcome::Unknown)));

    // Without a server the call certainly did not run: sending it again cannot reserve twice.
    server.shutdown(Duration::from_secs(1)).await;
    drop(server);
    let down = inventory.reserve("apple", 2).await;
    println!("2 apples:  {}", display(&down));
    let Err(StockError::Remote(error)) = down else {
        return Err(farcall::Error::internal("there was no server").into());
    };
    assert!(error.is_retryable());
    let _server = start().await?;
    let again = inventory.reserve("apple", 2).await;
    println!("again:     {}", display(&again));
    assert_eq!(again, Ok(5));
    Ok(())
}

fn display(result: &Result<u32, StockError>) -> String {
    match result {
        Ok(left) => format!("{left} left"),
        Err(error) => error.to_string(),
    }
}
