//! Clients as values: they travel in arguments, results and what is made of them, and lead to the one object that they
//! did before.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use farcall::{Channel, ChannelState, Code, Context, Outcome, Result, Server};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_transport, wrap};
use serde::{Deserialize, Serialize};
use tower_service::Service;

#[farcall::service]
trait Counter {
    /// Adds and gives the sum.
    async fn add(&self, number: u64) -> Result<u64>;
    /// Who asks.
    async fn peer(&self) -> Result<String>;
}

#[farcall::service]
trait Clock {
    async fn now(&self) -> Result<u64>;
}

#[derive(Serialize, Deserialize)]
struct Desk {
    name: String,
    counter: CounterClient,
    others: Vec<Option<CounterClient>>,
}

#[farcall::service]
trait Hub {
    async fn add_to(&self, counter: CounterClient, number: u64) -> Result<u64>;
    async fn add_to_all(&self, desk: Desk, number: u64) -> Result<u64>;
    async fn add_to_clock(&self, clock: ClockClient, number: u64) -> Result<u64>;
    async fn open(&self) -> Result<CounterClient>;
    async fn desk(&self) -> Result<Desk>;
    async fn address_of(&self, counter: CounterClient) -> Result<String>;
    async fn echo(&self, counter: Option<CounterClient>) -> Result<Option<CounterClient>>;
}

#[derive(Clone, Default)]
struct Sum(Arc<AtomicU64>);

impl Sum {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counter for Sum {
    async fn add(&self, number: u64) -> Result<u64> {
        Ok(self.0.fetch_add(number, Ordering::Relaxed) + number)
    }

    async fn peer(&self) -> Result<String> {
        Ok(Context::current().peer().map(ToString::to_string).unwrap_or_default())
    }
}

#[derive(Clone, Default)]
struct Office {
    opened: Sum,
}

impl Hub for Office {
    async fn add_to(&self, counter: CounterClient, number: u64) -> Result<u64> {
        counter.add(number).await
    }

    async fn add_to_all(&self, desk: Desk, number: u64) -> Result<u64> {
        assert_eq!(desk.name, "desk");
        let mut sum = desk.counter.add(number).await?;
        for counter in desk.others.into_iter().flatten() {
            sum += counter.add(number).await?;
        }
        Ok(sum)
    }

    async fn add_to_clock(&self, _clock: ClockClient, number: u64) -> Result<u64> {
        Ok(number)
    }

    async fn open(&self) -> Result<CounterClient> {
        Ok(CounterClient::local(self.opened.clone()))
    }

    async fn desk(&self) -> Result<Desk> {
        let counter = self.open().await?;
        Ok(Desk {
            name: "desk".into(),
            others: vec![Some(counter.clone()), None, Some(CounterClient::local(Sum::default()))],
            counter,
        })
    }

    async fn address_of(&self, counter: CounterClient) -> Result<String> {
        Ok(counter.channel().address().to_string())
    }

    async fn echo(&self, counter: Option<CounterClient>) -> Result<Option<CounterClient>> {
        Ok(counter)
    }
}

fn office() -> (Office, Server) {
    let office = Office::default();
    (office.clone(), Server::new().service(HubServer::new(office)))
}

over_every_transport!(
    an_argument_leads_back_to_the_caller,
    a_result_leads_to_the_server,
    clients_travel_inside_of_other_values,
    an_object_comes_back_to_its_owner,
    an_object_of_another_type_is_refused,
    an_address_travels,
    an_object_behind_another_connection_stays_there,
    objects_work_behind_layers,
);

async fn an_argument_leads_back_to_the_caller(transport: Transport) -> TestResult {
    let (_, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());
    let sum = Sum::default();
    let counter = CounterClient::local(sum.clone());
    assert_eq!(hub.add_to(counter.clone(), 3).await?, 3);
    assert_eq!(hub.add_to(counter.clone(), 4).await?, 7);
    assert_eq!(counter.add(1).await?, 8);
    assert_eq!(sum.get(), 8);
    Ok(())
}

async fn a_result_leads_to_the_server(transport: Transport) -> TestResult {
    let (office, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());
    let (first, second) = (hub.open().await?, hub.open().await?);
    assert_eq!(first.add(3).await?, 3);
    assert_eq!(second.add(4).await?, 7);
    assert_eq!(office.opened.get(), 7);
    assert_eq!(first.channel().state(), ChannelState::Ready);
    first.channel().ready().await?;
    assert!(!first.channel().revoke(), "only its owner can take it back");
    assert_eq!(first.channel().address(), site.channel.address());
    Ok(())
}

async fn clients_travel_inside_of_other_values(transport: Transport) -> TestResult {
    let (office, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());

    let sums = [Sum::default(), Sum::default()];
    let [first, second] = sums.clone().map(CounterClient::local);
    let desk = Desk {
        name: "desk".into(),
        counter: first.clone(),
        others: vec![None, Some(second), Some(first)],
    };
    assert_eq!(hub.add_to_all(desk, 2).await?, 2 + 2 + 4);
    assert_eq!(sums.map(|sum| sum.get()), [4, 2]);

    let desk = hub.desk().await?;
    assert_eq!(
        desk.others.iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(desk.counter.add(1).await?, 1);
    let same = desk.others[0].as_ref().expect("the first");
    assert_eq!(same.add(1).await?, 2);
    assert_eq!(office.opened.get(), 2);
    assert!(hub.echo(None).await?.is_none());
    Ok(())
}

async fn an_object_comes_back_to_its_owner(transport: Transport) -> TestResult {
    let (office, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());

    // To the server, which finds its own object and calls it without the network.
    let opened = hub.open().await?;
    assert_eq!(hub.address_of(opened.clone()).await?, "local://");
    assert_eq!(hub.add_to(opened.clone(), 5).await?, 5);
    assert_eq!(office.opened.get(), 5);

    // To the client.
    let mine = CounterClient::local(Sum::default());
    assert_ne!(
        mine.channel().address().to_string(),
        hub.address_of(mine.clone()).await?
    );
    let echoed = hub.echo(Some(mine.clone())).await?.expect("what was sent");
    assert_eq!(echoed.peer().await?, "local://");
    assert_eq!(mine.add(1).await? + echoed.add(1).await?, 1 + 2);
    assert!(echoed.channel().revoke());
    assert_fails(
        mine.add(1).await,
        Code::NotFound,
        Outcome::NotExecuted,
        &["`Counter`", "revoked"],
    );
    assert_eq!(mine.channel().state(), ChannelState::Idle);
    Ok(())
}

async fn an_object_of_another_type_is_refused(transport: Transport) -> TestResult {
    let (_, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());
    let disguised = ClockClient::new(CounterClient::local(Sum::default()).channel().clone());
    let refused = hub.add_to_clock(disguised, 1).await;
    let parts = ["Hub.add_to_clock", "an object of another service", "`Clock`"];
    assert_fails(refused, Code::InvalidArgument, Outcome::NotExecuted, &parts);

    // Without a network the type is not checked before the call.
    let disguised = ClockClient::new(CounterClient::local(Sum::default()).channel().clone());
    let parts = ["Clock.now", "the object is a `Counter`", "add, peer"];
    assert_fails(disguised.now().await, Code::Unimplemented, Outcome::NotExecuted, &parts);
    Ok(())
}

async fn an_address_travels(transport: Transport) -> TestResult {
    let (_, server) = office();
    let site = transport.serve(server).await?;
    let hub = HubClient::new(site.channel.clone());
    let sum = Sum::default();
    let elsewhere = Server::new()
        .named_service("one", CounterServer::new(sum.clone()))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let address = elsewhere.local_addr().with_instance("one");
    let counter = CounterClient::connect(address.clone()).await?;
    assert_eq!(hub.add_to(counter.clone(), 3).await?, 3);
    let echoed = hub.echo(Some(counter)).await?.expect("what was sent");
    assert_eq!(echoed.channel().address(), &address);
    assert_eq!(echoed.add(1).await?, 4);
    Ok(())
}

async fn an_object_behind_another_connection_stays_there(transport: Transport) -> TestResult {
    let (_, server) = office();
    let (_, other) = office();
    let (here, there) = (transport.serve(server).await?, transport.serve(other).await?);
    let (here, there) = (
        HubClient::new(here.channel.clone()),
        HubClient::new(there.channel.clone()),
    );
    let opened = here.open().await?;
    let refused = there.add_to(opened.clone(), 1).await;
    let parts = ["Hub.add_to", "another connection"];
    assert_fails(refused, Code::FailedPrecondition, Outcome::NotExecuted, &parts);
    assert_eq!(here.add_to(opened, 1).await?, 1, "it was not lost by that");
    Ok(())
}

async fn objects_work_behind_layers(transport: Transport) -> TestResult {
    let (office, server) = office();
    let seen = Arc::new(AtomicU64::new(0));
    let layer = |seen: &Arc<AtomicU64>| {
        let seen = Arc::clone(seen);
        wrap(move |request, mut next| {
            seen.fetch_add(1, Ordering::Relaxed);
            next.call(request)
        })
    };
    let options = Channel::builder().layer(layer(&seen));
    let site = transport.serve_to(server.layer(layer(&seen)), options).await?;
    let hub = HubClient::new(site.channel.clone());
    assert_eq!(hub.add_to(CounterClient::local(Sum::default()), 3).await?, 3);
    assert_eq!(
        seen.load(Ordering::Relaxed),
        2,
        "calls to a client's object pass no layers"
    );
    let opened = hub.open().await?;
    assert_eq!(opened.add(4).await?, 4);
    assert_eq!(
        seen.load(Ordering::Relaxed),
        5,
        "calls to a server's object pass the server's"
    );
    assert_eq!(office.opened.get(), 4);
    Ok(())
}

/// The error that a client gets whose argument cannot be encoded or decoded.
fn parts<'a>(what: &'a [&'a str]) -> Vec<&'a str> {
    [&["Hub.address_of", "`Counter`"], what].concat()
}

#[tokio::test]
async fn an_address_that_means_nothing_to_others_does_not_travel() -> TestResult {
    let (_, server) = office();
    let hub = HubClient::new(Transport::Tcp.serve(server).await?.channel.clone());
    let inside = CounterClient::loopback(Sum::default());
    let refused = hub.address_of(inside).await;
    let what = parts(&["`loopback://`", "`Channel::local`"]);
    assert_fails(refused, Code::InvalidArgument, Outcome::NotExecuted, &what);
    Ok(())
}

/// A path, or a name in memory, is another place on another machine.
#[tokio::test]
async fn an_address_on_this_machine_travels_on_this_machine() -> TestResult {
    let counter = |address: &str| Channel::builder().connect_lazily(address).map(CounterClient::new);
    for address in ["unix:///nowhere/sock#one", "mem://nowhere/one"] {
        for near in [Transport::Unix, Transport::Loopback] {
            let site = near.serve(office().1).await?;
            let hub = HubClient::new(site.channel.clone());
            assert_eq!(hub.address_of(counter(address)?).await?, address);
            let echoed = hub.echo(Some(counter(address)?)).await?.expect("what was sent");
            assert_eq!(echoed.channel().address().to_string(), address);
        }
        for far in [Transport::Tcp, Transport::Udp] {
            let site = far.serve(office().1).await?;
            let hub = HubClient::new(site.channel.clone());
            let what = [address, "another machine"];
            let what = parts(&what);
            let refused = hub.address_of(counter(address)?).await;
            assert_fails(refused, Code::InvalidArgument, Outcome::NotExecuted, &what);
        }
    }
    Ok(())
}

#[test]
fn a_client_of_an_object_is_serialised_into_messages_only() {
    let counter = CounterClient::local(Sum::default());
    let error = bincode::serde::encode_to_vec(&counter, bincode::config::standard()).expect_err("no message");
    assert!(
        error.to_string().contains("can only be serialised into the arguments"),
        "{error}"
    );
}

/// The layer below makes an answer of its own, with the same bytes.
#[tokio::test]
async fn a_layer_that_makes_an_answer_of_its_own_loses_what_is_not_bytes() -> TestResult {
    use farcall::layer::Response;
    let anew = || {
        wrap(|request, mut next| {
            let answer = next.call(request);
            async move {
                let answer = answer.await?;
                Ok(Response::new(answer.metadata, answer.body))
            }
        })
    };
    let what = ["Hub.open", "did not come with the message"];
    let site = Transport::Tcp.serve(office().1.layer(anew())).await?;
    let hub = HubClient::new(site.channel.clone());
    assert_fails(hub.open().await, Code::Internal, Outcome::Executed, &what);
    let site = Transport::Tcp
        .serve_to(office().1, Channel::builder().layer(anew()))
        .await?;
    let hub = HubClient::new(site.channel.clone());
    assert_fails(hub.open().await, Code::Internal, Outcome::Executed, &what);
    Ok(())
}

#[tokio::test]
async fn a_layer_cannot_send_an_object_twice() -> TestResult {
    let twice = wrap(|request: farcall::layer::Request, mut next: farcall::layer::Next| {
        let first = next.call(request.clone());
        async move {
            first.await?;
            next.call(request).await
        }
    });
    let site = Transport::Tcp
        .serve_to(office().1, Channel::builder().layer(twice))
        .await?;
    let hub = HubClient::new(site.channel.clone());
    let sum = Sum::default();
    let refused = hub.add_to(CounterClient::local(sum.clone()), 1).await;
    let what = ["Hub.add_to", "a layer sent the call again"];
    // The first one ran, even if the second did not.
    assert_fails(refused, Code::FailedPrecondition, Outcome::Unknown, &what);
    assert_eq!(sum.get(), 1);
    Ok(())
}
