//! What a server holds of answers that are not read is bounded.

use std::ops::Range;

use farcall::{Code, Context, Error, Limits, Outcome, Result, RunningServer, Server, transport::Connected};
use farcall_tests::{
    Gate, TestResult,
    raw::{self, Peer},
    until,
};
use tokio::io::{DuplexStream, duplex};

use crate::{HEAP, alone};

const MIB: usize = 1 << 20;
const LARGE: usize = MIB - 64;

/// Handlers that answer when the test lets them.
#[farcall::service]
trait Probe {
    async fn large(&self, length: usize) -> Result<Vec<u8>>;
    async fn labelled(&self, label: usize) -> Result<()>;
    async fn fails(&self, text: usize) -> Result<()>;
}

struct Answers(Gate);

impl Probe for Answers {
    async fn large(&self, length: usize) -> Result<Vec<u8>> {
        self.0.pass().await;
        Ok(vec![1; length])
    }
    async fn labelled(&self, label: usize) -> Result<()> {
        self.0.pass().await;
        Context::current().append_reply_metadata("label", "x".repeat(label))
    }
    async fn fails(&self, text: usize) -> Result<()> {
        self.0.pass().await;
        Err(Error::aborted("x".repeat(text)))
    }
}

fn server(limits: Limits) -> (Server, Gate) {
    let gate = Gate::new();
    let server = Server::new().service(ProbeServer::new(Answers(gate.clone())));
    (server.limits(limits), gate)
}

fn limits() -> Limits {
    Limits::default().max_message(MIB).max_buffered(MIB)
}

/// A server whose peers are where a test says.
async fn run(limits: Limits, name: &str) -> Result<(RunningServer, Gate)> {
    let (server, gate) = server(limits);
    Ok((server.listen(format!("mem://unread-{name}")).await?, gate))
}

type Client = Peer<DuplexStream>;

/// A client at `address`, with room for next to nothing on the way to it.
async fn join(server: &RunningServer, address: &str) -> TestResult<Client> {
    let (here, there) = duplex(4096);
    server.serve(Connected::new(Box::new(there), address.parse()?));
    let mut peer = Peer::new(here);
    peer.open().await?;
    Ok(peer)
}

/// Makes calls whose handlers all run, and then all end while the client does not read.
async fn call(
    peer: &mut Client,
    server: &RunningServer,
    gate: &Gate,
    calls: Range<u32>,
    method: &str,
    length: usize,
) -> TestResult {
    for call in calls.clone() {
        peer.send(&raw::request(call, method, &(length,))).await?;
    }
    for _ in calls.clone() {
        gate.entered().await;
    }
    gate.open(calls.len());
    until(|| server.running_calls() == 0).await;
    Ok(())
}

/// How the answers came: the bytes of those that are whole, and the failures.
async fn read(peer: &mut Client, calls: usize) -> TestResult<(usize, Vec<raw::Frame>)> {
    let (mut bytes, mut failures, mut answers) = (0, Vec::new(), 0);
    while answers < calls {
        let frame = peer.next().await?;
        bytes += frame.payload.len();
        answers += usize::from(!frame.more);
        if frame.kind == raw::FAILURE {
            failures.push(frame);
        }
    }
    Ok((bytes, failures))
}

#[test]
fn a_peer_that_reads_nothing_makes_a_server_hold_no_more_than_it_allows() -> TestResult {
    alone(async {
        const CALLS: u32 = 100;
        let (server, gate) = run(limits().max_unread(8 * MIB), "memory").await?;
        let mut peer = join(&server, "tcp://192.0.2.1:1").await?;
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        call(&mut peer, &server, &gate, 0..CALLS, "large", LARGE).await?;
        // One answer on its way, before and after it is encoded, and what a hundred calls cost.
        let held = HEAP.peak_usage() - before;
        assert!(held < 8 * MIB + 4 * MIB, "{held} bytes");

        let (bytes, failures) = read(&mut peer, CALLS as usize).await?;
        let refused = failures.len();
        assert!(
            bytes > 7 * LARGE && refused < CALLS as usize - 7,
            "{bytes} bytes, {refused} refused"
        );
        for failure in failures {
            assert_eq!(
                failure.payload[..2],
                [Code::ResourceExhausted as u8, Outcome::Executed as u8]
            );
            assert!(failure.text().contains("`max_unread`"), "{}", failure.text());
        }
        // A client that has read can call as before.
        call(&mut peer, &server, &gate, 0..7, "large", LARGE).await?;
        assert_eq!(read(&mut peer, 7).await?.1.len(), 0);
        Ok(())
    })
}

/// Every answer is counted whole until its last byte has left: each piece of it keeps the whole in memory.
#[test]
fn a_peer_that_reads_all_but_the_ends_is_held_to_the_same() -> TestResult {
    alone(async {
        const CALLS: u32 = 7;
        let (server, gate) = run(limits().max_unread(8 * MIB), "ends").await?;
        let mut peer = join(&server, "tcp://192.0.2.1:1").await?;
        call(&mut peer, &server, &gate, 0..CALLS, "large", LARGE).await?;
        // The answers take turns, so all of them have their end left.
        let mut bytes = 0;
        while bytes < CALLS as usize * (LARGE - (128 << 10)) {
            let frame = peer.next().await?;
            assert!(frame.more, "the end of an answer");
            bytes += frame.payload.len();
        }
        call(&mut peer, &server, &gate, CALLS..2 * CALLS, "large", LARGE).await?;
        let (_, failures) = read(&mut peer, 2 * CALLS as usize).await?;
        assert!(failures.len() >= CALLS as usize - 1, "{}", failures.len());
        Ok(())
    })
}

#[test]
fn failures_and_metadata_count_like_results() -> TestResult {
    alone(async {
        const CALLS: u32 = 500;
        for method in ["labelled", "fails"] {
            let (server, gate) = run(limits().max_unread(MIB), method).await?;
            let mut peer = join(&server, "tcp://192.0.2.1:1").await?;
            call(&mut peer, &server, &gate, 0..CALLS, method, 8000).await?;
            let (bytes, failures) = read(&mut peer, CALLS as usize).await?;
            assert!(bytes < MIB + CALLS as usize * 512, "{bytes} bytes of {method}");
            assert!(bytes > MIB / 2, "{bytes} bytes of {method}");
            // A failure keeps its code, even if its text is cut.
            let code = if method == "fails" {
                Code::Aborted
            } else {
                Code::ResourceExhausted
            };
            for failure in &failures {
                assert_eq!(failure.payload[..2], [code as u8, Outcome::Executed as u8]);
            }
            assert!(failures.len() > 300, "{}", failures.len());
        }
        Ok(())
    })
}

#[test]
fn the_answers_of_all_connections_are_bounded_and_one_address_leaves_room_for_others() -> TestResult {
    alone(async {
        const CALLS: u32 = 20;
        let (server, gate) = run(limits().max_server_unread(8 * MIB), "server").await?;
        let mut greedy = Vec::new();
        for port in 1..=3 {
            let mut peer = join(&server, &format!("tcp://192.0.2.1:{port}")).await?;
            call(&mut peer, &server, &gate, 0..CALLS, "large", LARGE).await?;
            greedy.push(peer);
        }
        // Another one asks for a whole one, and gets it.
        let mut honest = join(&server, "tcp://192.0.2.2:1").await?;
        call(&mut honest, &server, &gate, 0..1, "large", LARGE).await?;
        assert_eq!(read(&mut honest, 1).await?.1.len(), 0);
        let mut whole = 0;
        for mut peer in greedy {
            let (_, failures) = read(&mut peer, CALLS as usize).await?;
            whole += CALLS as usize - failures.len();
            for failure in failures {
                assert!(failure.text().contains("`max_server_unread`"), "{}", failure.text());
            }
        }
        assert!(
            (4..=6).contains(&whole),
            "{whole} answers of 1 MiB within three quarters of 8 MiB"
        );
        Ok(())
    })
}
