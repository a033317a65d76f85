//! Contracts: what a change of a trait breaks, before it is deployed, and what happens to those who deploy it anyway.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::fs;

use farcall::{Code, Outcome, Server, contract::FormatKind};

/// What runs everywhere today.
mod v1 {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) sku: String,
        pub(super) count: u32,
    }

    #[farcall::service]
    pub(super) trait Inventory {
        async fn reserve(&self, order: Order) -> farcall::Result<u32>;
        async fn skus(&self) -> farcall::Result<Vec<String>>;
    }

    pub(super) struct Warehouse;

    impl Inventory for Warehouse {
        async fn reserve(&self, order: Order) -> farcall::Result<u32> {
            Ok(100 - order.count)
        }

        async fn skus(&self) -> farcall::Result<Vec<String>> {
            Ok(vec!["apple".to_owned()])
        }
    }
}

/// An order gets a note, which may be missing.
mod v2 {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) sku: String,
        pub(super) count: u32,
        pub(super) note: Option<String>,
    }

    #[farcall::service]
    pub(super) trait Inventory {
        async fn reserve(&self, order: Order) -> farcall::Result<u32>;
        async fn skus(&self) -> farcall::Result<Vec<String>>;
    }
}

/// An order needs a customer, and nobody asks for all skus any more.
mod v3 {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) sku: String,
        pub(super) count: u64,
        pub(super) customer: u64,
    }

    #[farcall::service]
    pub(super) trait Inventory {
        async fn reserve(&self, order: Order) -> farcall::Result<u32>;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [first, second, third] = [
        v1::InventoryClient::contract(),
        v2::InventoryClient::contract(),
        v3::InventoryClient::contract(),
    ];
    println!("--- the contract, as a lock file has it\n{first}");

    // In formats with names the second version may be deployed in any order, and in others it is a new type.
    let change = first.change_to(&second);
    println!("--- from 1 to 2: {change}");
    assert!(change.impact(FormatKind::Positional).breaks_anybody());
    assert!(!change.impact(FormatKind::NamedBinary).breaks_anybody());
    assert!(!change.impact(FormatKind::NamedReadable).breaks_anybody());

    // The third one breaks somebody everywhere.
    let change = second.change_to(&third);
    println!("--- from 2 to 3: {change}");
    assert!(change.impact(FormatKind::NamedReadable).breaks_old_clients());
    assert!(change.impact(FormatKind::NamedReadable).breaks_old_servers());

    // This stands in a test, without the folder: the file is written once, and a change is an error from then on.
    let folder = std::env::temp_dir().join(format!("farcall-contracts-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("inventory.lock");
    fs::write(&path, first.to_string())?;
    first.check_lock(&path)?;
    if std::env::var_os("FARCALL_ACCEPT_CONTRACTS").is_none() {
        let error = second.check_lock(&path).expect_err("the contract has changed");
        println!("--- the test of version 2: {error}\n");
    }
    fs::remove_dir_all(&folder)?;

    // Who deploys it nevertheless: the method that differs is refused, and was not executed. The others go on.
    let server = Server::new()
        .service(v1::InventoryServer::new(v1::Warehouse))
        .listen("mem://contracts")
        .await?;
    let inventory = v2::InventoryClient::connect(server.local_addr()).await?;
    let order = v2::Order {
        sku: "apple".to_owned(),
        count: 3,
        note: Some("ripe ones".to_owned()),
    };
    let error = inventory.reserve(order).await.expect_err("the server is an old one");
    println!("--- a client of version 2 at a server of version 1, in bincode\n{error}");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    assert_eq!(inventory.skus().await?, ["apple"]);
    Ok(())
}
