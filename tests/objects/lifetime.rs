//! Objects live as long as there is a reference, here or elsewhere, and not longer.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Channel, ChannelState, Code, Limits, Outcome, Result, RunningServer, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_socket, over_every_transport, relay};
use futures::future::{join_all, try_join_all};
use tokio::sync::watch;

#[farcall::service]
trait Session {
    async fn touch(&self) -> Result<()>;
    async fn wait(&self) -> Result<()>;
}

#[farcall::service]
trait Office {
    async fn open(&self) -> Result<SessionClient>;
    async fn keep(&self, session: SessionClient) -> Result<()>;
    async fn touch_kept(&self) -> Result<()>;
    async fn forget(&self) -> Result<()>;
    async fn echo(&self, session: SessionClient) -> Result<SessionClient>;
    async fn take(&self, session: SessionClient) -> Result<()>;
}

/// How many sessions there are.
#[derive(Clone)]
struct Census(Arc<watch::Sender<usize>>);

impl Census {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    fn session(&self, gate: &Gate) -> Visit {
        self.0.send_modify(|alive| *alive += 1);
        Visit {
            census: self.clone(),
            gate: gate.clone(),
        }
    }

    /// Waits until so many are left; that takes a second at most.
    async fn left(&self, expected: usize) -> TestResult {
        self.left_within(Duration::from_secs(1), expected).await
    }

    async fn left_within(&self, limit: Duration, expected: usize) -> TestResult {
        let mut alive = self.0.subscribe();
        let reached = alive.wait_for(|alive| *alive == expected);
        let Ok(reached) = tokio::time::timeout(limit, reached).await else {
            return Err(format!("{} sessions are left, not {expected}", *self.0.borrow()).into());
        };
        reached?;
        Ok(())
    }
}

struct Visit {
    census: Census,
    gate: Gate,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.census.0.send_modify(|alive| *alive -= 1);
    }
}

impl Session for Visit {
    async fn touch(&self) -> Result<()> {
        Ok(())
    }

    async fn wait(&self) -> Result<()> {
        self.gate.pass().await;
        Ok(())
    }
}

#[derive(Clone)]
struct House {
    census: Census,
    gate: Gate,
    kept: Arc<Mutex<Vec<SessionClient>>>,
    opened: Arc<AtomicUsize>,
    /// The session that was opened last.
    last: Arc<Mutex<Option<Channel>>>,
}

impl House {
    fn new() -> Self {
        Self {
            census: Census::new(),
            gate: Gate::new(),
            kept: Arc::default(),
            opened: Arc::default(),
            last: Arc::default(),
        }
    }

    fn server(&self) -> Server {
        Server::new().service(OfficeServer::new(self.clone()))
    }

    fn kept(&self) -> Vec<SessionClient> {
        self.kept.lock().expect("nobody panics").clone()
    }
}

impl Office for House {
    async fn open(&self) -> Result<SessionClient> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(SessionClient::local(self.census.session(&self.gate)))
    }

    async fn keep(&self, session: SessionClient) -> Result<()> {
        self.kept.lock().expect("nobody panics").push(session);
        Ok(())
    }

    async fn touch_kept(&self) -> Result<()> {
        for session in self.kept() {
            session.touch().await?;
        }
        Ok(())
    }

    async fn forget(&self) -> Result<()> {
        let kept = std::mem::take(&mut *self.kept.lock().expect("nobody panics"));
        *self.last.lock().expect("nobody panics") = kept.first().map(|session| session.channel().clone());
        Ok(())
    }

    async fn echo(&self, session: SessionClient) -> Result<SessionClient> {
        Ok(session)
    }

    async fn take(&self, _session: SessionClient) -> Result<()> {
        Ok(())
    }
}

over_every_transport!(
    a_servers_object_ends_with_the_last_reference,
    a_clients_object_ends_with_the_last_reference,
    a_servers_objects_end_with_the_connection,
    a_revoked_object_is_known_by_its_type,
    one_object_is_one_wherever_it_goes,
    the_number_of_objects_is_bounded,
    a_reference_keeps_the_connection,
    counts_are_exact_whatever_crosses,
    a_call_under_way_keeps_its_object,
);

over_every_socket!(a_clients_objects_end_with_the_connection);

async fn a_servers_object_ends_with_the_last_reference(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let session = office.open().await?;
    let other = session.clone();
    session.touch().await?;
    drop(session);
    other.touch().await?;
    house.census.left(1).await?;
    drop(other);
    house.census.left(0).await
}

async fn a_clients_object_ends_with_the_last_reference(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let census = Census::new();
    let session = SessionClient::local(census.session(&Gate::new()));
    office.take(session.clone()).await?;
    office.keep(session.clone()).await?;
    drop(session);
    census.left(1).await?;
    office.touch_kept().await?;
    // It is still in `last`, which is no client but keeps the object as well.
    office.forget().await?;
    census.left(1).await?;
    *house.last.lock().expect("nobody panics") = None;
    census.left(0).await
}

async fn a_servers_objects_end_with_the_connection(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let sessions = try_join_all((0..10).map(|_| office.open())).await?;
    house.census.left(10).await?;
    drop((sessions, office, site));
    house.census.left(0).await
}

async fn a_clients_objects_end_with_the_connection(transport: Transport) -> TestResult {
    let house = House::new();
    let mut site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let census = Census::new();
    let opened = office.open().await?;
    for _ in 0..10 {
        office.keep(SessionClient::local(census.session(&Gate::new()))).await?;
    }
    census.left(10).await?;
    site.stop_server();
    census.left(0).await?;

    // And the other side's can no longer be reached.
    for session in house.kept() {
        // The client may read the server's last word before the server has told its own callers.
        session.closed().await;
        let parts = ["Session.touch", "the connection over which this object came is gone"];
        let gone = session.touch().await;
        assert!(
            gone.as_ref().is_err_and(|error| !error.is_retryable()),
            "it does not come back"
        );
        assert_fails(gone, Code::Unavailable, Outcome::NotExecuted, &parts);
        assert_eq!(session.channel().state(), ChannelState::Idle);
    }
    let lost = opened.touch().await.expect_err("the server is gone");
    assert_eq!(
        (lost.code(), lost.outcome()),
        (Code::Unavailable, Outcome::NotExecuted),
        "{lost}"
    );
    Ok(())
}

async fn a_revoked_object_is_known_by_its_type(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let census = Census::new();
    let session = SessionClient::local(census.session(&Gate::new()));
    office.keep(session.clone()).await?;
    office.touch_kept().await?;
    assert!(session.channel().revoke());
    census.left(0).await?;
    let kept = house.kept();
    let parts = ["Session.touch", "the `Session` object is revoked or gone"];
    assert_fails(kept[0].touch().await, Code::NotFound, Outcome::NotExecuted, &parts);
    // It can still be sent, and is just as dead there.
    office.keep(session).await?;
    assert_fails(
        house.kept()[1].touch().await,
        Code::NotFound,
        Outcome::NotExecuted,
        &parts,
    );
    Ok(())
}

async fn one_object_is_one_wherever_it_goes(transport: Transport) -> TestResult {
    let house = House::new();
    let options = Channel::builder().limits(Limits::default().max_objects(1));
    let site = transport.serve_to(house.server(), options).await?;
    let office = OfficeClient::new(site.channel.clone());
    let census = Census::new();
    let session = SessionClient::local(census.session(&Gate::new()));
    for _ in 0..100 {
        office.keep(session.clone()).await?;
    }
    let other = SessionClient::local(census.session(&Gate::new()));
    let refused = office.keep(other).await;
    let parts = ["Office.keep", "`max_objects`"];
    assert_fails(refused, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    drop(session);
    office.forget().await?;
    *house.last.lock().expect("nobody panics") = None;
    census.left(0).await
}

async fn the_number_of_objects_is_bounded(transport: Transport) -> TestResult {
    const MOST: usize = 10;
    let house = House::new();
    let server = house.server().limits(Limits::default().max_objects(MOST));
    let site = transport.serve(server).await?;
    let office = OfficeClient::new(site.channel.clone());
    let mut sessions = try_join_all((0..MOST).map(|_| office.open())).await?;
    let refused = office.open().await.expect_err("one too many");
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.to_string().contains("`max_objects`"), "{refused}");
    house.census.left(MOST).await?;
    sessions.pop();
    house.census.left(MOST - 1).await?;
    sessions.push(office.open().await?);
    for session in sessions {
        session.touch().await?;
    }
    Ok(())
}

async fn a_reference_keeps_the_connection(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let session = office.open().await?;
    let site = site.without_channel();
    drop(office);
    for _ in 0..10 {
        session.touch().await?;
        tokio::task::yield_now().await;
    }
    drop(session);
    house.census.left(0).await?;
    drop(site);
    Ok(())
}

async fn counts_are_exact_whatever_crosses(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    crowd(&house, &OfficeClient::new(site.channel.clone()), Duration::from_secs(1)).await
}

/// References cross in both directions, are cloned, called and dropped, while others come back. In the end nothing is
/// left, and until then all that is held can be called.
async fn crowd(house: &House, office: &OfficeClient, limit: Duration) -> TestResult {
    let census = Census::new();
    let mine = SessionClient::local(census.session(&Gate::new()));
    let theirs = office.open().await?;
    let round = |session: SessionClient, number: usize| {
        let office = office.clone();
        async move {
            for turn in 0..30 {
                let back = office.echo(session.clone()).await?;
                if (turn + number).is_multiple_of(3) {
                    back.touch().await?;
                }
                if (turn + number).is_multiple_of(5) {
                    // The caller does not wait for the answer, which brings a reference nevertheless.
                    drop(futures::poll!(Box::pin(office.echo(back))));
                }
            }
            session.touch().await
        }
    };
    let mine_around = (0..20).map(|number| tokio::spawn(round(mine.clone(), number)));
    let theirs_around = (0..20).map(|number| tokio::spawn(round(theirs.clone(), number)));
    for done in join_all(mine_around.chain(theirs_around)).await {
        done??;
    }
    census.left_within(limit, 1).await?;
    house.census.left_within(limit, 1).await?;
    office.keep(mine).await?;
    theirs.touch().await?;
    office.touch_kept().await?;
    drop(theirs);
    house.census.left_within(limit, 0).await?;
    office.forget().await?;
    *house.last.lock().expect("nobody panics") = None;
    census.left_within(limit, 0).await
}

/// Where datagrams are lost and overtake each other, what gives a reference back may come before what named it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_exact_over_a_bad_network() -> TestResult {
    let house = House::new();
    let server = house.server().listen("udp://127.0.0.1:0").await?;
    let socket = server.local_addr().to_string();
    let socket = socket.trim_start_matches("udp://").parse()?;
    for seed in 1..=3 {
        let relay = relay::Relay::start(socket, seed)?;
        relay.set_both(relay::Conditions {
            loss: 0.02,
            duplicate: 0.05,
            reorder: 0.3,
            jitter: Duration::from_millis(5),
            ..relay::Conditions::default()
        });
        let office = OfficeClient::connect(relay.url()).await?;
        crowd(&house, &office, Duration::from_secs(20)).await?;
    }
    Ok(())
}

async fn a_call_under_way_keeps_its_object(transport: Transport) -> TestResult {
    let house = House::new();
    let site = transport.serve(house.server()).await?;
    let office = OfficeClient::new(site.channel.clone());
    let session = office.open().await?;
    let call = tokio::spawn(session.wait());
    drop(session);
    house.gate.entered().await;
    house.census.left(1).await?;
    house.gate.open(1);
    call.await??;
    house.census.left(0).await
}

/// A hundred thousand sessions come and go, and nothing of them stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_hundred_thousand() -> TestResult {
    let house = House::new();
    let server: RunningServer = house.server().listen("tcp://127.0.0.1:0").await?;
    let office = OfficeClient::connect(server.local_addr()).await?;
    for _ in 0..100 {
        let sessions = try_join_all((0..1000).map(|_| office.open())).await?;
        sessions[0].touch().await?;
    }
    house.census.left(0).await?;
    assert_eq!(house.opened.load(Ordering::Relaxed), 100_000);
    Ok(())
}
