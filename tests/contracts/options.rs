//! Whether the check is made, what a peer without it may do, and what a refusal tells.

use std::fmt;

use farcall::{
    Channel, Code, Outcome, Result, Server,
    contract::{
        Contract,
        ContractCheck::{Off, Optional, Required},
        Samples,
    },
};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_transport};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};

mod old {
    #[farcall::service(name = "Shop")]
    pub(super) trait Shop {
        async fn pay(&self, cents: i32) -> farcall::Result<i64>;
        async fn same(&self) -> farcall::Result<u8>;
    }

    pub(super) struct Till;

    impl Shop for Till {
        async fn pay(&self, cents: i32) -> farcall::Result<i64> {
            Ok(cents.into())
        }
        async fn same(&self) -> farcall::Result<u8> {
            Ok(1)
        }
    }
}

mod new {
    #[farcall::service(name = "Shop")]
    pub(super) trait Shop {
        async fn pay(&self, cents: u32) -> farcall::Result<i64>;
        async fn same(&self) -> farcall::Result<u8>;
    }
}

over_every_transport!(
    each_side_may_switch_it_off,
    who_asks_for_it_refuses_a_peer_that_has_it_off,
    a_server_that_hides_its_services_hides_their_types,
    generic_services_are_checked_by_their_types,
    a_sample_makes_a_type_visible,
);

#[track_caller]
fn assert_refused<T: fmt::Debug>(result: Result<T>, parts: &[&str]) {
    assert_fails(result, Code::FailedPrecondition, Outcome::NotExecuted, parts);
}

fn server() -> Server {
    Server::new().service(old::ShopServer::new(old::Till))
}

/// Wrong values are what one gets then: 9 is what bincode makes of the bytes of -5.
async fn each_side_may_switch_it_off(transport: Transport) -> TestResult {
    for (here, there) in [(Off, Off), (Off, Optional), (Optional, Off)] {
        let client = Channel::builder().contracts(here);
        let site = transport.serve_to(server().contracts(there), client).await?;
        let shop = new::ShopClient::new(site.channel.clone());
        assert_eq!(shop.pay(9).await?, -5, "{here:?} {there:?}");
    }
    for (here, there) in [
        (Required, Required),
        (Required, Optional),
        (Optional, Required),
        (Optional, Optional),
    ] {
        let client = Channel::builder().contracts(here);
        let site = transport.serve_to(server().contracts(there), client).await?;
        let shop = new::ShopClient::new(site.channel.clone());
        assert_refused(shop.pay(9).await, &["Shop.pay", "argument `cents`"]);
        assert_eq!(shop.same().await?, 1);
    }
    Ok(())
}

async fn who_asks_for_it_refuses_a_peer_that_has_it_off(transport: Transport) -> TestResult {
    for (here, there) in [(Off, Required), (Required, Off)] {
        let client = Channel::builder().contracts(here);
        let site = transport.serve_to(server().contracts(there), client).await;
        let error = match site {
            Ok(site) => old::ShopClient::new(site.channel.clone()).same().await.map(drop),
            Err(error) => Err(error),
        };
        let error = error.expect_err("they do not agree");
        let text = error.to_string();
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{text}");
        assert!(text.contains("ContractCheck"), "{text}");
    }
    Ok(())
}

async fn a_server_that_hides_its_services_hides_their_types(transport: Transport) -> TestResult {
    let site = transport.serve(server().hide_services()).await?;
    let shop = new::ShopClient::new(site.channel.clone());
    let error = shop.pay(9).await.expect_err("other types");
    let text = format!("{error} {error:?}");
    assert!(text.contains("different versions of this method;"), "{text}");
    assert!(!text.contains("i32") && !text.contains("cents"), "{text}");
    assert_refused(Err::<(), _>(error), &["Shop.pay", "build both sides"]);
    Ok(())
}

#[farcall::service]
trait Store<T: Serialize + DeserializeOwned + Send + Sync + 'static> {
    async fn put(&self, value: T) -> Result<T>;
    async fn count(&self) -> Result<u32>;
}

struct Shelf;

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Store<T> for Shelf {
    async fn put(&self, value: T) -> Result<T> {
        Ok(value)
    }
    async fn count(&self) -> Result<u32> {
        Ok(4)
    }
}

async fn generic_services_are_checked_by_their_types(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(StoreServer::<_, i32>::new(Shelf)))
        .await?;
    let same = StoreClient::<i32>::new(site.channel.clone());
    let other = StoreClient::<u32>::new(site.channel.clone());
    assert_eq!(same.put(-5).await?, -5);
    assert_refused(other.put(5).await, &["Store.put", "argument `value`", "`u32`", "`i32`"]);
    assert_eq!(other.count().await?, 4);
    assert_eq!(same.put(-6).await?, -6);
    Ok(())
}

/// Accepts nothing that a tracer could guess, so what follows it in a type is not seen.
#[derive(Debug, Serialize)]
struct Checked(String);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with("no. ") {
            Ok(Self(text))
        } else {
            Err(D::Error::custom("no code"))
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    code: Checked,
    price: u32,
}

impl Ticket {
    fn new(price: u32) -> Self {
        let code = Checked("no. 7".to_owned());
        Self { code, price }
    }
}

fn tickets() -> Samples {
    Samples::new().with(&Ticket::new(1))
}

mod blind {
    #[farcall::service(name = "Gate")]
    pub(super) trait Gate {
        async fn pass(&self, ticket: super::Ticket, count: u32) -> farcall::Result<u32>;
    }
}

mod seeing {
    #[farcall::service(name = "Gate", samples = super::tickets)]
    pub(super) trait Gate {
        async fn pass(&self, ticket: super::Ticket, count: u32) -> farcall::Result<u32>;
    }

    pub(super) struct Turnstile;

    impl Gate for Turnstile {
        async fn pass(&self, ticket: super::Ticket, count: u32) -> farcall::Result<u32> {
            Ok(ticket.price * count)
        }
    }
}

async fn a_sample_makes_a_type_visible(transport: Transport) -> TestResult {
    let (blind, seen) = (blind::GateClient::contract(), seeing::GateClient::contract());
    let complete = |contract: &Contract| contract.method("pass").is_some_and(|pass| pass.types().is_complete());
    assert!(!complete(&blind) && complete(&seen), "{blind}{seen}");
    let site = transport
        .serve(Server::new().service(seeing::GateServer::new(seeing::Turnstile)))
        .await?;
    let gate = seeing::GateClient::new(site.channel.clone());
    assert_eq!(gate.pass(Ticket::new(2), 2).await?, 4);
    Ok(())
}

/// A contract is a value: without a server, and as JSON.
#[test]
fn a_contract_goes_through_json() -> TestResult {
    for contract in [
        old::ShopClient::contract(),
        StoreClient::<Ticket>::contract(),
        seeing::GateClient::contract(),
    ] {
        let json = serde_json::to_string(&contract)?;
        let read: Contract = serde_json::from_str(&json)?;
        assert_eq!(read, contract);
        assert_eq!(read.to_string(), contract.to_string());
    }
    assert_ne!(old::ShopClient::contract(), new::ShopClient::contract());
    Ok(())
}
