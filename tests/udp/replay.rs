//! Datagrams that an attacker recorded and sends again, at any time and from any address, make nothing run.

use std::time::Duration;

use farcall::RunningServer;
use farcall_tests::{
    TestResult,
    datagrams::Stranger,
    ledger::{AccountClient, Ledger, answer, socket},
    relay::{Relay, To},
    say, scaled,
};
use futures::StreamExt;

const CALLS: u64 = 500;
const AT_ONCE: usize = 16;
/// What a receive buffer surely holds.
const HANDFUL: usize = 32;

/// A server, a client whose datagrams can be kept, and a book of what ran.
struct Bed {
    ledger: Ledger,
    server: RunningServer,
    relay: Relay,
    client: AccountClient,
    next: u64,
}

impl Bed {
    async fn new(seed: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let ledger = Ledger::new(100_000);
        let server = ledger.listen().await?;
        let relay = Relay::start(socket(&server.local_addr()), seed)?;
        relay.record();
        let client = AccountClient::connect(relay.url()).await?;
        Ok(Self {
            ledger,
            server,
            relay,
            client,
            next: 0,
        })
    }

    /// Calls that are right.
    async fn calls(&mut self, count: u64) {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        let call = async |number| {
            let result = self.client.run(number).await;
            assert_eq!(result, Ok(answer(number)), "call {number}");
        };
        futures::stream::iter(numbers).for_each_concurrent(AT_ONCE, call).await;
    }

    /// Sends datagrams again from where they came first; a call behind each handful tells that the server has seen
    /// them.
    async fn replay(&mut self, recorded: &[Vec<u8>]) {
        for handful in recorded.chunks(HANDFUL) {
            self.relay.inject(To::Server, handful.iter().cloned());
            self.calls(1).await;
        }
        self.nothing_more_ran();
    }

    /// The same from an address that the server does not know.
    async fn replay_from_elsewhere(&mut self, recorded: &[Vec<u8>], seed: u64) -> TestResult {
        let mut stranger = Stranger::new(socket(&self.server.local_addr()), seed).await?;
        for handful in recorded.chunks(HANDFUL) {
            for datagram in handful {
                stranger.send(datagram).await?;
            }
            let sent: usize = handful.iter().map(Vec::len).sum();
            let back: usize = stranger.answers().await?.iter().map(Vec::len).sum();
            assert!(back <= sent, "{back} bytes back for {sent}");
        }
        self.calls(1).await;
        self.nothing_more_ran();
        Ok(())
    }

    #[track_caller]
    fn nothing_more_ran(&self) {
        let summary = self.ledger.summary();
        assert_eq!((summary.once, summary.more), (self.next, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_datagram_makes_nothing_run() -> TestResult {
    let mut bed = Bed::new(7).await?;
    bed.calls(CALLS).await;
    let recorded = bed.relay.recorded();
    say(format_args!("{} datagrams kept of {CALLS} calls", recorded.len()));
    assert!(recorded.len() > 10, "{} datagrams", recorded.len());

    bed.replay(&recorded).await;
    bed.calls(scaled(2000, 20_000)).await;
    bed.replay(&recorded).await;
    bed.replay_from_elsewhere(&recorded, 71).await?;
    // Past the time for which the proof of an address is good, in the long run.
    tokio::time::sleep(Duration::from_secs(scaled(1, 60))).await;
    bed.replay(&recorded).await;
    bed.replay_from_elsewhere(&recorded, 72).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_the_place_of_another_runs_nothing_of_its_calls() -> TestResult {
    let mut bed = Bed::new(8).await?;
    bed.calls(CALLS).await;
    let recorded = bed.relay.recorded();
    let address = bed.server.local_addr();
    bed.server.shutdown(Duration::ZERO).await;
    bed.server = bed.ledger.server().listen(&address).await?;
    for handful in recorded.chunks(HANDFUL) {
        bed.relay.inject(To::Server, handful.iter().cloned());
        while !bed.relay.is_injected(To::Server) {
            tokio::task::yield_now().await;
        }
        // Behind them in the same queue.
        Stranger::new(socket(&address), 81).await?.answers().await?;
    }
    bed.nothing_more_ran();
    // The channel may have to notice first that its server is another.
    while bed.client.echo(b"again").await.is_err() {}
    bed.calls(10).await;
    bed.replay(&recorded).await;
    bed.replay_from_elsewhere(&recorded, 82).await
}
