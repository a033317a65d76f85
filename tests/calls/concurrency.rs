//! Many calls share one connection and none waits for another.

use std::sync::{Arc, Mutex};

use farcall::{Channel, Limits, Server};
use farcall_tests::{Gate, TestResult, Transport, over_every_transport};
use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::{Barrier, mpsc::UnboundedSender};

/// How many small calls, one after the other, have their answers before a large message has passed. The first may go
/// ahead of it; each further one waits at most for what the operating system holds of it, which is a few MiB of the 64,
/// and over UDP for what is under way, which is 2 MiB of the 15.
const OVERTAKING: u64 = 3;

#[farcall::service]
trait Desk {
    async fn double(&self, number: u64) -> u64;
    async fn wait(&self, number: u64) -> u64;
    async fn meet(&self, number: u64) -> u64;
    async fn large(&self, length: usize) -> Vec<u8>;
    async fn digest(&self, blob: &[u8]) -> usize;
    async fn read(&self, slow: Slow) -> usize;
}

struct Office {
    gate: Gate,
    meeting: Arc<Barrier>,
}

impl Desk for Office {
    async fn double(&self, number: u64) -> u64 {
        number * 2
    }
    async fn wait(&self, number: u64) -> u64 {
        self.gate.pass().await;
        number
    }
    async fn meet(&self, number: u64) -> u64 {
        self.meeting.wait().await;
        number
    }
    async fn large(&self, length: usize) -> Vec<u8> {
        vec![7; length]
    }
    async fn digest(&self, blob: &[u8]) -> usize {
        blob.len()
    }
    async fn read(&self, slow: Slow) -> usize {
        slow.blob.len()
    }
}

/// A value whose decoding and dropping block their thread, each until the test lets it go on.
struct Slow {
    blob: Vec<u8>,
    /// One for each transport, since a type that is decoded knows nothing but its bytes.
    turns: usize,
}

/// Where a value waits: it says that it does, and waits for an answer.
struct Turns {
    waits: Mutex<Option<UnboundedSender<std::sync::mpsc::Sender<()>>>>,
}

static TURNS: [Turns; 6] = [const {
    Turns {
        waits: Mutex::new(None),
    }
}; 6];

impl Turns {
    fn wait(&self) {
        let (go_on, told) = std::sync::mpsc::channel();
        let waits = self.waits.lock().expect("nobody panics").clone();
        // There is no answer once the test is over.
        if waits.is_some_and(|waits| waits.send(go_on).is_ok()) {
            let _ = told.recv();
        }
    }
}

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.turns, &self.blob).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (turns, blob) = <(usize, Vec<u8>)>::deserialize(deserializer)?;
        TURNS[turns].wait();
        Ok(Self { blob, turns })
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // Its copy at the caller has nothing to wait for, and is dropped before anybody listens.
        TURNS[self.turns].wait();
    }
}

fn office(participants: usize) -> (Office, Gate) {
    let gate = Gate::new();
    let office = Office {
        gate: gate.clone(),
        meeting: Arc::new(Barrier::new(participants)),
    };
    (office, gate)
}

over_every_transport!(
    a_thousand_calls_run_at_one_time,
    replies_come_out_of_order,
    answers_find_their_callers,
    large_replies_do_not_hold_up_small_calls,
    large_requests_do_not_hold_up_small_calls,
    large_arguments_are_decoded_beside_the_connection,
);

/// Every handler waits for all the others, so this ends only if all of them run at one time.
async fn a_thousand_calls_run_at_one_time(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(DeskServer::new(office(1000).0)))
        .await?;
    let desk = DeskClient::new(site.channel.clone());
    let answers = try_join_all((0..1000).map(|number| desk.meet(number))).await?;
    assert!(answers.into_iter().eq(0..1000));
    Ok(())
}

async fn large_arguments_are_decoded_beside_the_connection(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(DeskServer::new(office(1).0)))
        .await?;
    let desk = DeskClient::new(site.channel.clone());
    let slow = Slow {
        blob: vec![7; 200 << 10],
        turns: transport as usize,
    };
    let call = desk.read(slow);
    let (waits, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    *TURNS[transport as usize].waits.lock().expect("nobody panics") = Some(waits);
    let call = tokio::spawn(call);
    for _ in ["decoded", "dropped"] {
        // A thread is held up, and the connection is not.
        let go_on = waiting.recv().await.expect("it waits");
        assert_eq!(desk.double(4).await?, 8);
        go_on.send(())?;
    }
    assert_eq!(call.await??, 200 << 10);
    Ok(())
}

async fn replies_come_out_of_order(transport: Transport) -> TestResult {
    let (office, gate) = office(1);
    let site = transport.serve(Server::new().service(DeskServer::new(office))).await?;
    let desk = DeskClient::new(site.channel.clone());
    let first = tokio::spawn(desk.wait(1));
    gate.entered().await;
    assert_eq!(desk.double(2).await?, 4);
    assert!(!first.is_finished());
    gate.open(1);
    assert_eq!(first.await??, 1);
    Ok(())
}

async fn answers_find_their_callers(transport: Transport) -> TestResult {
    let site = transport
        .serve(Server::new().service(DeskServer::new(office(1).0)))
        .await?;
    let tasks = (0..50_u64).map(|task| {
        let desk = DeskClient::new(site.channel.clone());
        tokio::spawn(async move {
            for number in 0..100 {
                assert_eq!(desk.double(task * 100 + number).await, Ok((task * 100 + number) * 2));
            }
        })
    });
    for task in join_all(tasks).await {
        task?;
    }
    Ok(())
}

/// A message that is large for the transport.
fn large(transport: Transport) -> usize {
    if transport == Transport::Udp {
        15 << 20
    } else {
        64 << 20
    }
}

fn large_limits() -> Limits {
    Limits::default()
        .max_message(65 << 20)
        .max_udp_message(16 << 20)
        .max_decoded(128 << 20)
}

/// Each small call is answered while the large reply is still on its way: there is always one more of them before it
/// ends.
async fn large_replies_do_not_hold_up_small_calls(transport: Transport) -> TestResult {
    let server = Server::new()
        .service(DeskServer::new(office(1).0))
        .limits(large_limits());
    let client = Channel::builder().limits(large_limits());
    let site = transport.serve_to(server, client).await?;
    let desk = DeskClient::new(site.channel.clone());
    let mut reply = std::pin::pin!(desk.large(large(transport)));
    let mut small = 0;
    let blob = loop {
        tokio::select! {
            biased;
            blob = &mut reply => break blob?,
            answer = desk.double(small) => {
                assert_eq!(answer?, 2 * small);
                small += 1;
            }
        }
    };
    assert_eq!(blob.len(), large(transport));
    assert!(small >= OVERTAKING, "only {small} small calls were answered meanwhile");
    Ok(())
}

async fn large_requests_do_not_hold_up_small_calls(transport: Transport) -> TestResult {
    let server = Server::new()
        .service(DeskServer::new(office(1).0))
        .limits(large_limits());
    let client = Channel::builder().limits(large_limits());
    let site = transport.serve_to(server, client).await?;
    let desk = DeskClient::new(site.channel.clone());
    let mut request = std::pin::pin!(desk.digest(&vec![1; large(transport)]));
    let mut small = 0;
    let length = loop {
        tokio::select! {
            biased;
            length = &mut request => break length?,
            answer = desk.double(small) => {
                assert_eq!(answer?, 2 * small);
                small += 1;
            }
        }
    };
    assert_eq!(length, large(transport));
    assert!(small >= OVERTAKING, "only {small} small calls were answered meanwhile");
    Ok(())
}
