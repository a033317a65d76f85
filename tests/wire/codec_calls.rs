//! A client may choose the format; the server answers in the same one.

use farcall::{Channel, Code, Error, Outcome, Result, Server, codec::Format};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_socket, over_every_transport};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    sku: String,
    count: Option<u64>,
    tags: Vec<(String, i32)>,
}

#[farcall::service]
trait Items {
    async fn echo(&self, item: &Item, blob: &[u8]) -> Result<(Item, Vec<u8>)>;
    async fn signed(&self, number: i64) -> Result<i64, String>;
    async fn nothing(&self);
    #[rpc(oneway)]
    async fn told(&self, text: &str);
}

struct Shelf;

impl Items for Shelf {
    async fn echo(&self, item: &Item, blob: &[u8]) -> Result<(Item, Vec<u8>)> {
        if item.sku.is_empty() {
            return Err(Error::invalid_argument("no sku"));
        }
        Ok((item.clone(), blob.to_vec()))
    }
    async fn signed(&self, number: i64) -> Result<i64, String> {
        number.checked_neg().ok_or_else(|| format!("{number} has no negative"))
    }
    async fn nothing(&self) {}
    async fn told(&self, _text: &str) {}
}

over_every_transport!(both_sides_speak_each);
over_every_socket!(clients_of_all_formats_share_a_server);

async fn both_sides_speak_each(transport: Transport) -> TestResult {
    for &format in Format::ALL {
        let server = Server::new().service(ItemsServer::new(Shelf));
        let site = transport.serve_to(server, Channel::builder().format(format)).await?;
        exchange(ItemsClient::new(site.channel.clone())).await?;
    }
    Ok(())
}

async fn exchange(items: ItemsClient) -> TestResult {
    let item = Item {
        sku: "apple".to_owned(),
        count: Some(u64::MAX),
        tags: vec![("sour".to_owned(), -7), (String::new(), i32::MIN)],
    };
    let blob = vec![200; 100_000];
    assert_eq!(items.echo(&item, &blob).await?, (item.clone(), blob));
    let unnamed = Item {
        sku: String::new(),
        ..item
    };
    let result = items.echo(&unnamed, &[]).await;
    assert_fails(
        result,
        Code::InvalidArgument,
        Outcome::Executed,
        &["Items.echo: no sku"],
    );
    assert_eq!(items.signed(-5).await, Ok(5));
    assert_eq!(
        items.signed(i64::MIN).await,
        Err("-9223372036854775808 has no negative".to_owned())
    );
    items.nothing().await?;
    items.told("once").await?;
    Ok(())
}

async fn clients_of_all_formats_share_a_server(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().service(ItemsServer::new(Shelf))).await?;
    let exchanges = Format::ALL.iter().map(async |&format| {
        let channel = site.client().format(format);
        let channel = channel.connect(site.server().local_addr()).await?;
        exchange(ItemsClient::new(channel)).await
    });
    try_join_all(exchanges).await?;
    Ok(())
}
