//! Arguments are found by their names, and may borrow in every format.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use farcall::{
    Channel, Code, Outcome, Result, Server,
    channel::{self, Receiver, Sender, watch},
    codec::Format,
    contract::ContractCheck,
};
use farcall_tests::{Site, TestResult, Transport, assert_fails};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::NAMED;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Order {
    Buy {
        sku: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    Blob {
        content: Bytes,
    },
}

mod old {
    use super::{Order, Result};

    #[farcall::service]
    pub(super) trait Shop {
        async fn order(&self, order: &Order, count: u32, until: u64) -> Result<String>;
        async fn nothing(&self) -> u8;
        async fn less(&self, sku: &str, count: u32) -> String;
    }
}

mod new {
    use super::{Bytes, Cow, Order, Receiver, Result, Sender, Stream, watch};

    #[farcall::service]
    pub(super) trait Shop {
        async fn order(&self, count: u64, gift: Option<&str>, order: &Order) -> Result<String>;
        async fn nothing(&self, hint: Option<Vec<u8>>) -> u8;
        async fn less(&self, count: u32) -> String;
        async fn texts(
            &self,
            text: &str,
            bytes: &[u8],
            cow: Cow<'_, str>,
            list: Vec<&str>,
        ) -> (String, Vec<u8>, String);
        async fn blob(&self, blob: Bytes) -> Result<Bytes>;
        #[rpc(oneway)]
        async fn told(&self, text: &str);
        fn count(&self, numbers: impl Stream<Item = Result<u32>> + Send) -> impl Stream<Item = Result<String>> + Send;
        async fn ends(
            &self,
            order: Order,
            to: Sender<Order>,
            from: Receiver<Vec<u8>>,
        ) -> Result<watch::Receiver<Order>>;
        async fn call_back(&self, listener: ListenerClient, times: u32) -> Result<u32>;
    }

    #[farcall::service]
    pub(super) trait Listener {
        async fn heard(&self, text: &str, at: Option<u32>) -> Result<u32, String>;
    }
}
use new::{Listener, ListenerClient};

struct Desk;

impl new::Shop for Desk {
    async fn order(&self, count: u64, gift: Option<&str>, order: &Order) -> Result<String> {
        Ok(format!("{count} {gift:?} {order:?}"))
    }
    async fn nothing(&self, hint: Option<Vec<u8>>) -> u8 {
        hint.map_or(0, |hint| hint.len() as u8)
    }
    async fn less(&self, count: u32) -> String {
        count.to_string()
    }
    async fn texts(&self, text: &str, bytes: &[u8], cow: Cow<'_, str>, list: Vec<&str>) -> (String, Vec<u8>, String) {
        (text.to_owned() + &list.concat(), bytes.to_vec(), cow.into_owned())
    }
    async fn blob(&self, blob: Bytes) -> Result<Bytes> {
        Ok(blob)
    }
    async fn told(&self, _: &str) {}
    fn count(&self, numbers: impl Stream<Item = Result<u32>> + Send) -> impl Stream<Item = Result<String>> + Send {
        numbers.map(|number| number.map(|number| format!("\"{number}\"")))
    }
    async fn ends(
        &self,
        order: Order,
        to: Sender<Order>,
        mut from: Receiver<Vec<u8>>,
    ) -> Result<watch::Receiver<Order>> {
        let mut seen = Vec::new();
        while let Some(bytes) = from.recv().await {
            seen.extend(bytes?);
        }
        to.send(Order::Blob { content: seen.into() }).await?;
        Ok(watch::channel(order).1)
    }
    async fn call_back(&self, listener: ListenerClient, times: u32) -> Result<u32> {
        let mut sum = 0;
        for time in 0..times {
            let at = (time > 0).then_some(time);
            sum += listener
                .heard("a \"quoted\" word", at)
                .await
                .map_err(farcall::Error::unknown)?;
        }
        Ok(sum)
    }
}

struct Ear;

impl Listener for Ear {
    async fn heard(&self, text: &str, at: Option<u32>) -> Result<u32, String> {
        if text != "a \"quoted\" word" {
            return Err(text.to_owned());
        }
        Ok(at.unwrap_or(100))
    }
}

/// A server of the new version, and a client that does not compare its types with it.
async fn site(format: Format) -> Result<Site> {
    let server = Server::new()
        .service(new::ShopServer::new(Desk))
        .contracts(ContractCheck::Off);
    let client = Channel::builder().format(format).contracts(ContractCheck::Off);
    Transport::Tcp.serve_to(server, client).await
}

fn buy(note: Option<&str>) -> Order {
    Order::Buy {
        sku: "apple".into(),
        note: note.map(Into::into),
    }
}

#[tokio::test]
async fn arguments_come_go_and_change_places() -> TestResult {
    for format in NAMED {
        let site = site(format).await?;
        let shop = old::ShopClient::new(site.channel.clone());
        let ordered = shop.order(&buy(None), 3, 0).await?;
        assert_eq!(ordered, format!("3 None {:?}", buy(None)), "{format}");
        assert_eq!(shop.nothing().await?, 0);
        assert_eq!(shop.less("]}\"\\", 7).await?, "7", "the first one is gone");
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_argument_is_named() -> TestResult {
    struct Old;
    impl old::Shop for Old {
        async fn order(&self, _: &Order, _: u32, _: u64) -> Result<String> {
            Ok(String::new())
        }
        async fn nothing(&self) -> u8 {
            1
        }
        async fn less(&self, sku: &str, _: u32) -> String {
            sku.to_owned()
        }
    }
    for format in NAMED {
        let server = Server::new()
            .service(old::ShopServer::new(Old))
            .contracts(ContractCheck::Off);
        let client = Channel::builder().format(format).contracts(ContractCheck::Off);
        let site = Transport::Tcp.serve_to(server, client).await?;
        let shop = new::ShopClient::new(site.channel.clone());
        let words = ["the argument `sku` is missing", "not executed"];
        assert_fails(shop.less(3).await, Code::InvalidArgument, Outcome::NotExecuted, &words);
        assert_eq!(shop.nothing(Some(vec![1])).await?, 1, "what is not known is ignored");
        let wide = shop.order(1 << 40, None, &buy(None)).await;
        assert_fails(
            wide,
            Code::InvalidArgument,
            Outcome::NotExecuted,
            &["`count`: invalid value", "u32"],
        );
    }
    Ok(())
}

#[tokio::test]
async fn borrowed_arguments_hold_everything() -> TestResult {
    for format in NAMED {
        let site = site(format).await?;
        let shop = new::ShopClient::new(site.channel.clone());
        let text = "a \"quoted\" \\ word\n\u{1}🦀";
        let bytes: Vec<u8> = (0..=255).collect();
        for text in [text, "plain", ""] {
            let came = shop.texts(text, &bytes, text.into(), vec![text, "-", text]).await?;
            assert_eq!(
                came,
                (format!("{text}{text}-{text}"), bytes.clone(), text.to_owned()),
                "{format}"
            );
        }
        assert_eq!(shop.texts("", &[], "".into(), vec![]).await?, Default::default());
        let gift = shop.order(1, Some(text), &buy(Some(text))).await?;
        assert_eq!(gift, format!("1 {:?} {:?}", Some(text), buy(Some(text))));
        let long = Bytes::from(vec![7; 700_000]);
        assert_eq!(shop.blob(long.clone()).await?, long);
        shop.told(text).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_travels_beside_the_bytes_does_so_in_every_format() -> TestResult {
    for &format in Format::ALL.iter().filter(|format| format.is_named()) {
        let site = site(format).await?;
        let shop = new::ShopClient::new(site.channel.clone());
        let counted: Vec<String> = shop
            .count(stream::iter((0..100).map(Ok)))
            .map(|text| text.expect("no error"))
            .collect()
            .await;
        assert_eq!((counted.len(), counted[99].as_str()), (100, "\"99\""), "{format}");

        let (to, mut orders) = channel::channel();
        let (bytes, from) = channel::channel();
        let feed = async move {
            bytes.send(vec![1, 2]).await?;
            bytes.send(vec![]).await?;
            bytes.send(vec![3]).await?;
            bytes.finish();
            Result::<()>::Ok(())
        };
        let (watched, fed) = tokio::join!(shop.ends(buy(Some("x")), to, from), feed);
        fed?;
        assert_eq!(*watched?.latest(), buy(Some("x")));
        let order = orders.recv().await.transpose()?;
        assert_eq!(
            order,
            Some(Order::Blob {
                content: Bytes::from_static(&[1, 2, 3])
            })
        );

        assert_eq!(shop.call_back(ListenerClient::local(Ear), 4).await?, 100 + 1 + 2 + 3);
    }
    Ok(())
}

/// A value that the format lacks fails its own call, and the text says which format has it.
#[tokio::test]
async fn what_a_format_lacks_fails_the_call() -> TestResult {
    #[farcall::service]
    trait Scale {
        async fn weigh(&self, weights: BTreeMap<String, f64>) -> Option<Option<u8>>;
    }
    struct Zero;
    impl Scale for Zero {
        async fn weigh(&self, _: BTreeMap<String, f64>) -> Option<Option<u8>> {
            Some(None)
        }
    }
    let channel = Channel::builder().format(Format::Json);
    let scale = ScaleClient::new(channel.loopback(Server::new().service(ScaleServer::new(Zero))));
    let nan = scale.weigh(BTreeMap::from([("apple".into(), f64::NAN)])).await;
    let words = ["`weights`: JSON has no NaN", "cbor"];
    assert_fails(nan, Code::InvalidArgument, Outcome::NotExecuted, &words);
    let inner = scale.weigh(BTreeMap::new()).await;
    assert_fails(
        inner,
        Code::Internal,
        Outcome::Executed,
        &["arrive as `None`", "bincode"],
    );
    Ok(())
}
