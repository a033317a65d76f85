//! Many calls share one connection and none waits for another.

#[macro_use]
mod support;

use std::sync::Arc;

use farcall::{Channel, Limits, Server};
use futures::future::{join_all, try_join_all};
use support::{Gate, TestResult, Transport};
use tokio::sync::Barrier;

/// How many small calls, one after the other, have their answers before a large message has passed. The first may go ahead of
/// it; each further one waits at most for what the operating system holds of it, which is a few MiB of the 64, and over UDP for
/// what is under way, which is 2 MiB of the 15.
const OVERTAKING: u64 = 3;

#[farcall::service]
trait Desk {
    async fn double(&self, number: u64) -> u64;
    async fn wait(&self, number: u64) -> u64;
    async fn meet(&self, number: u64) -> u64;
    async fn large(&self, length: usize) -> Vec<u8>;
    async fn digest(&self, blob: &[u8]) -> usize;
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

/// Each small call is answered while the large reply is still on its way: there is always one more of them before it ends.
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
