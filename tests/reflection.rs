//! A server tells its callers what it offers, and nobody whom its layers turn away.

use std::{error::Error, net::IpAddr};

use farcall::{
    Channel, Code, Server,
    codec::Format,
    contract::FormatKind,
    reflection::{Offered, ReflectionClient, SERVICE},
};
use futures::Stream;

type Tested = Result<(), Box<dyn Error>>;

/// Stock of one warehouse.
///
/// It has shelves.
#[farcall::service]
trait Inventory {
    /// How many of `sku` are on the shelf.
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    async fn near(&self, address: IpAddr) -> bool;
}

#[farcall::service]
trait Session {
    /// Counts.
    fn numbers(&self) -> impl Stream<Item = u32>;
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn stock(&self, _: &str) -> farcall::Result<u32> {
        Ok(7)
    }

    async fn near(&self, _: IpAddr) -> bool {
        true
    }
}

struct Counter;

impl Session for Counter {
    fn numbers(&self) -> impl Stream<Item = u32> {
        futures::stream::iter(0..3)
    }
}

fn server() -> Server {
    Server::new()
        .service(InventoryServer::new(Warehouse))
        .named_service("eu", InventoryServer::new(Warehouse))
        .service_per_connection(|_| SessionServer::new(Counter))
        .reflection()
}

fn guarded() -> Server {
    server().intercept(async |request, next| match request.metadata.value("token") {
        Some("let me") => next.run(request).await,
        _ => Err(farcall::Error::unauthenticated("who are you?")),
    })
}

fn names(offered: &[Offered]) -> Vec<(&str, Option<&str>)> {
    offered
        .iter()
        .map(|offered| (&*offered.service, offered.instance.as_deref()))
        .collect()
}

#[tokio::test]
async fn services_instances_and_those_of_one_connection_are_listed() -> Tested {
    let server = server().listen("tcp://127.0.0.1:0").await?;
    let reflection = ReflectionClient::connect(server.local_addr()).await?;
    let offered = reflection.services().await?;
    let expected = [
        ("Inventory", None),
        ("Inventory", Some("eu")),
        ("Session", None),
        (SERVICE, None),
    ];
    assert_eq!(names(&offered), expected);
    assert_eq!(offered[0].docs, "Stock of one warehouse.\n\nIt has shelves.");
    assert_eq!((offered[0].methods, &*offered[2].docs), (2, ""));
    Ok(())
}

#[tokio::test]
async fn a_contract_comes_with_its_docs_and_as_the_format_sees_it() -> Tested {
    let server = server().listen("tcp://127.0.0.1:0").await?;
    let reflection = ReflectionClient::connect(server.local_addr()).await?;
    let told = reflection.describe("Inventory", Some("eu")).await?;
    assert_eq!(told.contract, InventoryClient::contract());
    assert_eq!(told.method_docs.len(), 1);
    assert_eq!(told.method_docs["stock"], "How many of `sku` are on the shelf.");
    // It is the one of each format.
    let near = told.contract.method("near").ok_or("the trait has it")?;
    let readable = near.types_in(FormatKind::NamedReadable).to_string();
    assert!(readable.contains("{ address: string }"), "{readable}");
    let own = reflection.describe("Session", None).await?;
    assert_eq!(own.contract, SessionClient::contract());
    let itself = reflection.describe(SERVICE, None).await?;
    assert_eq!(itself.contract, ReflectionClient::contract());
    Ok(())
}

#[tokio::test]
async fn what_is_not_offered_is_an_error_that_says_what_is() -> Tested {
    let server = server().listen("tcp://127.0.0.1:0").await?;
    let reflection = ReflectionClient::connect(server.local_addr()).await?;
    let error = reflection.describe("Inventory", Some("us")).await.expect_err("no");
    assert_eq!(error.code(), Code::NotFound);
    let text = error.to_string();
    assert!(
        text.contains("`Inventory` as the instance `us`; it has: Inventory, Inventory (instance `eu`)"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn who_may_not_call_learns_nothing() -> Tested {
    let server = guarded().hide_services().listen("tcp://127.0.0.1:0").await?;
    let reflection = ReflectionClient::connect(server.local_addr()).await?;
    let unknown = |text: &str| {
        !["Inventory", "Session", "eu", "stock"]
            .iter()
            .any(|name| text.contains(name))
    };
    let error = reflection.services().await.expect_err("there is no token");
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(unknown(&error.to_string()), "{error}");
    let error = reflection
        .describe("nothing", None)
        .await
        .expect_err("there is no token");
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(unknown(&error.to_string()), "{error}");

    // One who may call is told, also where names are kept out of errors.
    let known = reflection.with_metadata("token", "let me");
    assert_eq!(known.services().await?.len(), 4);
    assert_eq!(known.describe("Inventory", None).await?.contract.methods().len(), 2);
    Ok(())
}

#[tokio::test]
async fn errors_of_a_server_that_hides_its_services_list_nothing() -> Tested {
    #[farcall::service]
    trait Elsewhere {
        async fn nothing(&self) -> farcall::Result<()>;
    }
    let server = server().hide_services().listen("tcp://127.0.0.1:0").await?;
    let error = ElsewhereClient::connect(server.local_addr())
        .await?
        .nothing()
        .await
        .expect_err("not offered");
    let text = error.to_string();
    assert!(!text.contains("Inventory") && !text.contains("Reflection"), "{text}");
    Ok(())
}

#[tokio::test]
async fn it_is_off_by_default() -> Tested {
    let server = Server::new()
        .service(InventoryServer::new(Warehouse))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let error = ReflectionClient::connect(server.local_addr())
        .await?
        .services()
        .await
        .expect_err("off");
    assert_eq!(error.code(), Code::Unimplemented);
    Ok(())
}

#[tokio::test]
async fn every_format_carries_a_contract() -> Tested {
    let server = server().listen("tcp://127.0.0.1:0").await?;
    for &format in Format::ALL {
        let channel = Channel::builder().format(format).connect(server.local_addr()).await?;
        let told = ReflectionClient::new(channel).describe("Inventory", None).await?;
        assert_eq!(told.contract, InventoryClient::contract(), "{format}");
    }
    Ok(())
}
