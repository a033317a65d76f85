//! Contracts as files, and what differs.

use std::error::Error;

use farcall::Server;

use crate::{
    program::farcall,
    service::{InventoryClient, serve, services, warehouse},
};

type Tested = Result<(), Box<dyn Error>>;

/// The same service, of another version.
mod other {
    /// Stock of one warehouse.
    #[farcall::service]
    pub(super) trait Inventory {
        async fn stock(&self, sku: &str) -> farcall::Result<u64>;
    }

    pub(super) struct Warehouse;

    impl Inventory for Warehouse {
        async fn stock(&self, _: &str) -> farcall::Result<u64> {
            Ok(8)
        }
    }
}

fn changed() -> Server {
    Server::new().service(other::InventoryServer::new(other::Warehouse))
}

#[tokio::test]
async fn a_contract_in_a_file_stands_for_reflection() -> Tested {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("inventory.lock");
    let file = file.to_str().ok_or("a path")?;
    let (_server, address) = serve(services()).await?;
    let ran = farcall(["lock", &address, "Inventory", "--output", file]).await?;
    assert_eq!((ran.status, ran.err), (0, format!("wrote {file}\n")));

    // It is the file that a test of the service keeps.
    InventoryClient::contract().check_lock(file)?;
    assert_eq!(
        farcall(["lock", &address, "Inventory"]).await?.good(),
        std::fs::read_to_string(file)?
    );

    let (_server, plain) = serve(Server::new().service(warehouse())).await?;
    let call = [
        "call",
        &plain,
        "Inventory.stock",
        r#"{"sku":"apple"}"#,
        "--contract",
        file,
    ];
    assert_eq!(farcall(call).await?.good(), "7\n");
    let described = farcall(["describe", "tcp://127.0.0.1:1", "Inventory.stock", "--contract", file])
        .await?
        .good();
    assert!(described.contains("(&self, sku: String)"), "{described}");
    let (status, text) = farcall(["call", &plain, "Numbers.sum", "--contract", file])
        .await?
        .bad();
    assert_eq!(
        (status, &*text),
        (
            2,
            "error: the contract in the file is of `Inventory`, not of `Numbers`\n"
        )
    );
    let (status, text) = farcall(["call", &plain, "Inventory.stock", "--contract", "nothing.lock"])
        .await?
        .bad();
    assert_eq!(status, 3);
    assert!(text.contains("`nothing.lock` cannot be read"), "{text}");
    std::fs::write(file, "service Inventory\nfn stock(\n")?;
    let (status, text) = farcall(["describe", &plain, "Inventory", "--contract", file])
        .await?
        .bad();
    assert_eq!(status, 3);
    assert!(
        text.contains("has no contract: line ") && text.contains("`farcall lock ADDRESS SERVICE` writes"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_of_another_version_refuses_with_what_differs() -> Tested {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("inventory.lock");
    let file = file.to_str().ok_or("a path")?;
    let (_server, address) = serve(services()).await?;
    assert_eq!(
        farcall(["lock", &address, "Inventory", "--output", file]).await?.status,
        0
    );
    let (_server, other) = serve(changed()).await?;
    let call = [
        "call",
        &other,
        "Inventory.stock",
        r#"{"sku":"apple"}"#,
        "--contract",
        file,
    ];
    let (status, text) = farcall(call).await?.bad();
    assert_eq!(status, 19);
    assert!(
        text.contains("the two sides were built with different versions of this method: "),
        "{text}"
    );
    assert!(text.contains("u32") && text.contains("u64"), "{text}");
    assert!(text.contains("hint: where a contract file is out of date"), "{text}");
    Ok(())
}

#[tokio::test]
async fn differences_are_printed_and_end_with_one() -> Tested {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("inventory.lock");
    let file = file.to_str().ok_or("a path")?;
    let (_server, address) = serve(services()).await?;
    let (_other, other) = serve(changed().reflection()).await?;
    assert_eq!(
        farcall(["lock", &address, "Inventory", "--output", file]).await?.status,
        0
    );
    assert_eq!(
        farcall(["diff", &address, file]).await?.good(),
        "the contracts are equal\n"
    );
    assert_eq!(
        farcall(["diff", &address, &address]).await?.good(),
        "the contracts are equal\n"
    );
    for theirs in [file, &address] {
        let ran = farcall(["diff", &other, theirs, "--service", "Inventory"]).await?;
        assert_eq!((ran.status, &*ran.err), (1, ""), "{}", ran.out);
        assert!(ran.out.contains("u32") && ran.out.contains("u64"), "{}", ran.out);
    }
    let ran = farcall(["diff", &other, &address]).await?;
    assert!(
        ran.out.contains("test.Numbers\n  only the second has it"),
        "{}",
        ran.out
    );
    Ok(())
}
