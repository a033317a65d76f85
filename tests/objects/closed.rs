//! The end of an object or a connection is told to those who wait for it, without a call that fails.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{
    Channel, ChannelState, Client, Code, Error, Limits, Result, Server,
    registry::{Names, Reference},
    testing::Network,
};
use farcall_tests::{TestResult, Transport, over_every_socket, over_every_transport, until};
use futures::{FutureExt, future::join_all};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

#[farcall::service]
trait Guest {
    async fn greet(&self) -> Result<u32>;
}

#[farcall::service]
trait House {
    async fn open(&self) -> Result<GuestClient>;
    async fn welcome(&self, guest: GuestClient) -> Result<()>;
}

struct Visitor;

impl Guest for Visitor {
    async fn greet(&self) -> Result<u32> {
        Ok(7)
    }
}

/// Keeps what it gets, and what it gives away.
#[derive(Clone)]
struct Inn(Arc<watch::Sender<Vec<GuestClient>>>);

impl Inn {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    fn server(&self) -> Server {
        Server::new().service(HouseServer::new(self.clone()))
    }

    fn last(&self) -> GuestClient {
        self.0.borrow().last().expect("a guest came").clone()
    }

    fn keep(&self, guest: GuestClient) {
        self.0.send_modify(|guests| guests.push(guest));
    }
}

impl House for Inn {
    async fn open(&self) -> Result<GuestClient> {
        let guest = GuestClient::local(Visitor);
        self.keep(guest.clone());
        Ok(guest)
    }

    async fn welcome(&self, guest: GuestClient) -> Result<()> {
        self.keep(guest);
        Ok(())
    }
}

over_every_transport!(
    a_revocation_reaches_those_who_wait,
    a_revocation_before_the_wait_counts,
    a_wait_that_is_given_up_is_no_harm,
    the_state_of_an_object_follows_it,
    the_reference_that_comes_back_is_told_as_well,
    a_name_is_free_when_its_object_is_revoked,
);

over_every_socket!(
    the_end_of_a_connection_reaches_those_who_wait,
    a_subscriber_that_leaves_is_noticed,
    the_server_is_told_who_comes_and_goes,
    a_connection_that_drains_ends_for_those_who_wait,
);

/// What ends within ten seconds: only a test that fails takes so long.
async fn soon<T>(what: impl Future<Output = T>) -> TestResult<T> {
    Ok(timeout(Duration::from_secs(10), what).await?)
}

async fn a_revocation_reaches_those_who_wait(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());

    let (theirs, ours) = (house.open().await?, GuestClient::local(Visitor));
    house.welcome(ours.clone()).await?;
    for (holder, owner) in [(theirs, inn.0.borrow()[0].clone()), (inn.last(), ours)] {
        let waits: Vec<_> = (0..10)
            .map(|_| {
                let holder = holder.clone();
                tokio::spawn(async move { holder.closed().await })
            })
            .collect();
        // It is asked for before the answer to a call that follows it on the connection.
        assert!(holder.closed().now_or_never().is_none(), "it can be called");
        assert_eq!(holder.greet().await?, 7);
        assert!(owner.channel().revoke());
        for closed in soon(join_all(waits)).await? {
            let closed = closed?;
            assert_eq!(closed.code(), Code::NotFound, "{closed}");
            assert_eq!(closed.to_string(), "the object was revoked by its owner (not found)");
        }
        assert_eq!(holder.channel().state(), ChannelState::Idle);
        assert_eq!(holder.greet().await.expect_err("it is revoked").code(), Code::NotFound);
    }
    Ok(())
}

async fn a_revocation_before_the_wait_counts(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let guest = house.open().await?;
    assert!(inn.last().channel().revoke());
    assert_eq!(soon(guest.closed()).await?.code(), Code::NotFound);
    assert_eq!(soon(inn.last().closed()).await?.code(), Code::NotFound);
    Ok(())
}

async fn a_wait_that_is_given_up_is_no_harm(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let guest = house.open().await?;
    for _ in 0..1000 {
        assert!(guest.closed().now_or_never().is_none());
    }
    assert_eq!(guest.greet().await?, 7);
    let mut closed = pin!(guest.closed());
    assert!(closed.as_mut().now_or_never().is_none());
    inn.last().channel().revoke();
    soon(closed).await?;
    Ok(())
}

async fn the_state_of_an_object_follows_it(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let guest = house.open().await?;
    let (mut theirs, mut ours) = (guest.channel().watch_state(), inn.last().channel().watch_state());
    for state in [&mut theirs, &mut ours] {
        assert_eq!(state.state(), ChannelState::Ready);
        assert!(state.changed().now_or_never().is_none());
    }
    inn.last().channel().revoke();
    for state in [&mut theirs, &mut ours] {
        assert_eq!(soon(state.changed()).await?, Some(ChannelState::Idle));
        assert_eq!(soon(state.changed()).await?, None, "there is nothing after the end");
    }
    Ok(())
}

/// The same object is dropped, given again and watched again: the second watch is another one.
async fn the_reference_that_comes_back_is_told_as_well(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let ours = GuestClient::local(Visitor);
    for _ in 0..10 {
        house.welcome(ours.clone()).await?;
        let mut state = inn.last().channel().watch_state();
        assert_eq!(state.state(), ChannelState::Ready);
        inn.0.send_modify(Vec::clear);
        // It cannot be called by a reference that is gone.
        assert_eq!(soon(state.changed()).await?, Some(ChannelState::Idle));
    }
    house.welcome(ours.clone()).await?;
    assert!(inn.last().closed().now_or_never().is_none());
    ours.channel().revoke();
    soon(inn.last().closed()).await?;
    Ok(())
}

async fn a_name_is_free_when_its_object_is_revoked(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let ours = GuestClient::local(Visitor);
    house.welcome(ours.clone()).await?;
    let names = Names::new();
    names.bind("guest", Reference::of(&inn.last()))?;
    assert_eq!(names.list().len(), 1);
    ours.channel().revoke();
    soon(inn.last().closed()).await?;
    assert!(names.list().is_empty());
    names.bind("guest", Reference::of(&GuestClient::local(Visitor)))?;
    Ok(())
}

async fn the_end_of_a_connection_reaches_those_who_wait(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let mut site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.channel.clone());
    let guest = house.open().await?;
    house.welcome(GuestClient::local(Visitor)).await?;
    let theirs = inn.last();
    let (mut server, mut object, mut back) = (pin!(house.closed()), pin!(guest.closed()), pin!(theirs.closed()));
    assert!(server.as_mut().now_or_never().is_none());
    assert!(object.as_mut().now_or_never().is_none());
    assert!(back.as_mut().now_or_never().is_none());
    site.stop_server();
    let (server, object, back) = soon(async { (server.await, object.await, back.await) }).await?;
    for why in [&server, &object] {
        assert_eq!(why.code(), Code::Unavailable, "{why}");
        // Over UDP the last word may be lost with the socket.
        let told = why.message().contains("the server was stopped");
        assert!(told || transport == Transport::Udp, "{why}");
    }
    assert_eq!(back.code(), Code::Unavailable, "{back}");
    // There is no connection now, and the last end is known.
    assert_eq!(soon(house.closed()).await?.message(), server.message());
    assert_eq!(soon(guest.closed()).await?.message(), object.message());
    Ok(())
}

async fn a_subscriber_that_leaves_is_noticed(transport: Transport) -> TestResult {
    let inn = Inn::new();
    let site = transport.serve(inn.server()).await?;
    let house = HouseClient::new(site.connect().await?);
    house.welcome(GuestClient::local(Visitor)).await?;
    let theirs = inn.last();
    let closed = tokio::spawn(async move { theirs.closed().await });
    drop(house);
    let why = soon(closed).await??;
    assert_eq!(why.code(), Code::Unavailable, "{why}");
    Ok(())
}

/// What the hooks said, in order.
#[derive(Clone, Default)]
struct Visits(Arc<Mutex<Vec<String>>>);

impl Visits {
    fn note(&self, what: &str) {
        self.0.lock().expect("nobody panics").push(what.to_owned());
    }

    fn so_far(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics").clone()
    }

    fn of(&self, server: Server) -> Server {
        let (came, left) = (self.clone(), self.clone());
        server
            .on_connection(move |_| came.note("came"))
            .on_disconnection(move |_, why: &Error| left.note(why.message()))
    }
}

async fn the_server_is_told_who_comes_and_goes(transport: Transport) -> TestResult {
    let visits = Visits::default();
    let mut site = transport.serve(visits.of(Inn::new().server())).await?;
    let house = HouseClient::new(site.connect().await?);
    house.open().await?;
    assert_eq!(visits.so_far(), ["came"; 2]);
    drop(house);
    soon(until(|| visits.so_far().len() == 3)).await?;
    let left = &visits.so_far()[2];
    assert!(left.contains("lost"), "{left}");
    site.stop_server();
    soon(until(|| visits.so_far().len() == 4)).await?;
    let left = &visits.so_far()[3];
    // Over UDP the socket of all sessions may go first.
    let why = [
        "the server was stopped",
        "the listener that carried this session is gone",
    ];
    assert!(why.iter().any(|why| left.contains(why)), "{left}");
    Ok(())
}

async fn a_connection_that_drains_ends_for_those_who_wait(transport: Transport) -> TestResult {
    let visits = Visits::default();
    let site = transport.serve(visits.of(Inn::new().server())).await?;
    let house = HouseClient::new(site.channel.clone());
    house.open().await?;
    let mut closed = pin!(house.closed());
    assert!(closed.as_mut().now_or_never().is_none());
    let shutdown = async {
        site.server().shutdown(Duration::from_secs(5)).await;
        assert_eq!(visits.so_far().len(), 2, "whoever came has left, and that was told");
    };
    let (why, ()) = soon(async { tokio::join!(closed, shutdown) }).await?;
    assert_eq!(why.code(), Code::Unavailable, "{why}");
    Ok(())
}

#[tokio::test]
async fn a_channel_that_never_connected_says_so() -> TestResult {
    let channel = Channel::builder().connect_lazily("tcp://127.0.0.1:1")?;
    let why = soon(channel.closed()).await?;
    assert_eq!(
        (why.code(), why.message()),
        (Code::Unavailable, "the channel has had no connection yet")
    );
    Ok(())
}

/// There are no calls and no bytes: within twice the interval both sides notice.
#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_missed_without_a_call() -> TestResult {
    let keepalive = Duration::from_secs(10);
    let inn = Inn::new();
    let limits = Limits::default().keepalive(keepalive);
    let server = inn
        .server()
        .limits(limits.clone())
        .listen("mem://closed-vanished")
        .await?;
    let network = Network::seeded(1).delay(1..3);
    let house = HouseClient::new(network.channel(&server, Channel::builder().limits(limits)));
    let guest = house.open().await?;
    house.welcome(GuestClient::local(Visitor)).await?;
    let theirs = inn.last();
    let vanished = Instant::now();
    network.half_open();
    let (mine, connection, server) = tokio::join!(guest.closed(), house.closed(), theirs.closed());
    for why in [mine, connection, server] {
        assert!(why.message().contains("did not answer a ping"), "{why}");
    }
    assert!(
        vanished.elapsed() <= 2 * keepalive + Duration::from_millis(100),
        "{:?}",
        vanished.elapsed()
    );
    Ok(())
}

/// A method of that name is the service's own; what the library has is reached by its trait.
#[tokio::test]
async fn a_method_called_closed_is_the_services() -> TestResult {
    #[farcall::service]
    trait Door {
        async fn closed(&self) -> bool;
    }

    struct Open;

    impl Door for Open {
        async fn closed(&self) -> bool {
            false
        }
    }

    let door = DoorClient::local(Open);
    assert!(!door.closed().await?);
    assert!(Client::closed(&door).now_or_never().is_none());
    Ok(())
}
