//! A peer that is gone without a word is noticed: nothing of it stays, and nothing waits for it. A peer that is there
//! does not count as gone.

use std::{
    env, io,
    time::{Duration, Instant},
};

use farcall::{
    Channel, Code, Limits, Outcome,
    transport::{Listener, bind},
};
use farcall_tests::{
    TestResult,
    ledger::socket,
    probe::{ProbeClient, Prober, ends},
    process::{self, Process},
    raw::{self, Peer},
    relay::{Relay, To},
    say, scaled,
};
use futures::future::join_all;

const ADDRESS: &str = "UDP_VANISH_ADDRESS";
const KEEPALIVE: Duration = Duration::from_secs(1);
/// Within which what vanished is noticed, and what a busy machine adds.
const NOTICED: Duration = Duration::from_secs(2 + 1);

fn limits() -> Limits {
    Limits::default().keepalive(KEEPALIVE).max_calls(scaled(1000, 10_000))
}

/// The client's process; without a parent it has nothing to do.
#[tokio::test]
async fn client_process() -> TestResult {
    if !process::is_child() {
        return Ok(());
    }
    let channel = Channel::builder().limits(limits()).no_timeout();
    let client = ProbeClient::new(channel.connect(env::var(ADDRESS)?).await?);
    process::ready()?;
    join_all((0..scaled(1000, 10_000)).map(|id| client.hold(id))).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stays_of_a_client_that_was_killed() -> TestResult {
    if process::is_child() {
        return Ok(());
    }
    let prober = Prober::new();
    // There is room for one client.
    let server = prober.server().limits(limits().max_connections(1));
    let server = server.listen("udp://127.0.0.1:0").await?;
    for round in 1..=scaled(2, 10) {
        let child = Process::start(
            "udp_vanish::client_process",
            [(ADDRESS, server.local_addr().to_string())],
        )?;
        prober.until(|counts| counts.running == scaled(1000, 10_000)).await;
        let refused = Channel::connect(server.local_addr()).await;
        let refused = refused.err().ok_or("there is room for one client")?;
        assert_eq!(refused.outcome(), Outcome::NotExecuted, "{refused}");

        child.kill()?;
        let killed = Instant::now();
        prober.until(|counts| counts.running == 0).await;
        let stopped = killed.elapsed();
        let channel = ends("the room for another client", async {
            loop {
                if let Ok(channel) = Channel::connect(server.local_addr()).await {
                    return channel;
                }
            }
        });
        let client = ProbeClient::new(channel.await);
        let gone = killed.elapsed();
        assert_eq!(client.add(1, 2).await?, 3);
        say(format_args!(
            "round {round}: handlers stopped after {stopped:?}, room after {gone:?}"
        ));
        assert!(stopped < NOTICED && gone < NOTICED, "{stopped:?}, {gone:?}");
        // Leaves, and says so.
        drop(client);
        ends("the next client's turn", async {
            while let Err(error) = Channel::connect(server.local_addr()).await {
                assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
            }
        })
        .await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_told_of_a_server_that_vanished() -> TestResult {
    const CALLS: u64 = 200;
    let prober = Prober::new();
    let server = prober.server().limits(limits()).listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 13)?;
    let channel = Channel::builder().limits(limits()).no_timeout();
    let client = ProbeClient::new(channel.connect(relay.url()).await?);
    let calls: Vec<_> = (0..CALLS).map(|id| tokio::spawn(client.hold(id))).collect();
    prober.until(|counts| counts.running == CALLS as usize).await;

    relay.cut(To::Server);
    relay.cut(To::Client);
    let vanished = Instant::now();
    for call in ends("the news", join_all(calls)).await {
        let error = call?.err().ok_or("nobody answers")?;
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::Unknown),
            "{error}"
        );
    }
    let told = vanished.elapsed();
    prober.until(|counts| counts.running == 0).await;
    let stopped = vanished.elapsed();
    say(format_args!(
        "all callers told after {told:?}, all handlers stopped after {stopped:?}"
    ));
    assert!(told < NOTICED && stopped < NOTICED, "{told:?}, {stopped:?}");

    relay.heal();
    prober.release();
    assert_eq!(client.hold(7).await?, 7, "the next call has a new session");
    Ok(())
}

/// Takes every frame and answers none, until the client ends the session; gives how many pings there were.
async fn only_acknowledge(mut listener: Box<dyn Listener>) -> io::Result<usize> {
    let stream = listener.accept().await?.open().await?.into_stream();
    let reading = async {
        let mut peer = Peer::new(stream);
        peer.take(raw::client_hello().len()).await?;
        peer.send(&raw::server_hello()).await?;
        let mut pings = 0;
        while let Ok(frame) = peer.next().await {
            pings += usize::from(frame.kind == raw::PING);
        }
        Ok(pings)
    };
    tokio::select! {
        read = reading => read,
        // The listener carries the session as long as it is polled.
        other = listener.accept() => Err(io::Error::other(format!("{:?} where nobody else \
            connects", other.map(|_| ())))),
    }
}

#[tokio::test]
async fn a_server_that_acknowledges_and_says_nothing_has_not_vanished() -> TestResult {
    const DEADLINE: Duration = Duration::from_millis(3500);
    let listener = bind(&"udp://127.0.0.1:0".parse()?).await?;
    let channel = Channel::builder().limits(limits()).timeout(DEADLINE);
    let connecting = channel.connect(listener.local_address());
    let call = async {
        let client = ProbeClient::new(connecting.await?);
        io::Result::Ok(client.hold(1).await)
    };
    let (answer, pings) = tokio::try_join!(call, only_acknowledge(listener))?;
    let error = answer.err().ok_or("nobody answers")?;
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    assert!(pings >= 2, "{pings} pings");
    Ok(())
}
