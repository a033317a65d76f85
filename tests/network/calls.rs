//! Calls over a network that delays, loses, narrows, cuts, resets, splits and falls silent: every call ends, every
//! answer is right, every outcome is true, and the same seed gives the same run.

use std::{
    error::Error as StdError,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{
    Channel, Code, Error, Limits, Server,
    testing::{Delivery, Network},
};
use farcall_tests::{
    TestResult,
    history::{Executions, History},
    seeds,
};
use futures::future::join_all;
use tokio::time::{sleep, timeout};

/// One seed of so many is run a second time.
const TWICE: u64 = 4;
const CALLS: u64 = 40;
/// More than any call may take, faults and deadlines included.
const FAR: Duration = Duration::from_secs(600);

#[farcall::service]
trait Echo {
    /// Gives `bytes` back after so many milliseconds.
    async fn echo(&self, id: u64, bytes: &[u8], wait: u64) -> farcall::Result<Vec<u8>>;
}

/// Counts how often each call ran.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Executions>>);

impl Echo for Ledger {
    async fn echo(&self, id: u64, bytes: &[u8], wait: u64) -> farcall::Result<Vec<u8>> {
        *self.0.lock().expect("not poisoned").entry(id).or_default() += 1;
        if wait > 0 {
            sleep(Duration::from_millis(wait)).await;
        }
        Ok(bytes.to_vec())
    }
}

/// What a run can be compared by.
#[derive(Debug, PartialEq)]
struct Run {
    trace: Vec<Delivery>,
    calls: Vec<Result<usize, Error>>,
}

fn network(seed: u64, random: &mut fastrand::Rng) -> Network {
    let shortest = random.u64(0..30);
    let network = Network::seeded(seed)
        .delay(shortest..shortest + random.u64(0..50))
        .buffer(random.usize(500..300_000));
    let network = if random.bool() {
        network.loss(0.2 * random.f64())
    } else {
        network
    };
    if random.bool() {
        network.bandwidth(random.u64(100_000..10_000_000))
    } else {
        network
    }
}

async fn faults(network: &Network, mut random: fastrand::Rng) {
    for _ in 0..random.u32(0..6) {
        sleep(Duration::from_millis(random.u64(1..1500))).await;
        match random.u32(0..5) {
            0 => network.cut(),
            1 => network.reset(),
            2 => network.half_open(),
            3 => {
                network.refuse_connections(true);
                network.cut();
                sleep(Duration::from_millis(random.u64(1..500))).await;
                network.refuse_connections(false);
            }
            _ => {
                network.partition();
                sleep(Duration::from_millis(random.u64(1..8000))).await;
                network.heal();
            }
        }
    }
}

/// One call at some time, checked.
async fn call(client: &EchoClient, history: &History, id: u64, mut random: fastrand::Rng) -> Result<usize, Error> {
    sleep(Duration::from_millis(random.u64(0..3000))).await;
    let length = if random.u32(0..4) == 0 {
        random.usize(0..200_000)
    } else {
        random.usize(0..200)
    };
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    let wait = if random.bool() { 0 } else { random.u64(1..2000) };
    let answer = timeout(FAR, history.call(id, client.echo(id, &bytes, wait))).await;
    let answer = answer.unwrap_or_else(|_| panic!("call {id} never ended"));
    answer.map(|echo| {
        assert!(echo == bytes, "call {id} got another answer");
        echo.len()
    })
}

async fn calls(seed: u64) -> Result<Run, Box<dyn StdError>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let network = network(seed, &mut random);
    let ledger = Ledger::default();
    let limits = Limits::default()
        .keepalive(Duration::from_secs(2))
        .write_stall(Duration::from_secs(5));
    let server = Server::new()
        .service(EchoServer::new(ledger.clone()))
        .limits(limits.clone())
        .listen(format!("mem://calls-{seed}"))
        .await?;
    let options = Channel::builder().limits(limits).timeout(Duration::from_secs(20));
    let client = EchoClient::new(network.channel(&server, options));

    let history = History::new();
    let (ended, ()) = tokio::join!(
        join_all((0..CALLS).map(|id| call(&client, &history, id, random.fork()))),
        faults(&network, fastrand::Rng::with_seed(seed + 1)),
    );
    // A network that works again carries calls, after any faults. One attempt may still be lost with its
    // connection.
    sleep(Duration::from_secs(60)).await;
    let after = history.call(CALLS, client.echo(CALLS, b"!", 0)).await;
    assert_eq!(after.map_err(|error| error.to_string()), Ok(b"!".to_vec()));

    let totals = history.check(&ledger.0.lock().expect("not poisoned"))?;
    assert_eq!(totals.executed, 0, "a call ran to its end and has no answer");
    for error in ended.iter().filter_map(|answer| answer.as_ref().err()) {
        let is_expected = matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded);
        assert!(is_expected, "{error}");
    }
    Ok(Run {
        trace: network.trace(),
        calls: ended,
    })
}

fn run(seed: u64) -> Result<Run, Box<dyn StdError>> {
    // The distance between attempts to connect is drawn from here.
    fastrand::seed(seed);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?
        .block_on(calls(seed))
}

/// Runs a seed, and now and then a second time; says how many calls were answered and how many failed.
fn attempt(seed: u64) -> TestResult<(usize, usize)> {
    let first = run(seed)?;
    if seed.is_multiple_of(TWICE) {
        let second = run(seed)?;
        let pairs = first.trace.iter().zip(&second.trace);
        if let Some(index) = pairs.clone().position(|(one, other)| one != other) {
            let around: Vec<_> = pairs.take(index + 1).skip(index.saturating_sub(2)).collect();
            return Err(format!("the second run is another one: {around:#?}").into());
        }
        assert_eq!(first.calls, second.calls, "seed {seed}");
        assert_eq!(first.trace.len(), second.trace.len(), "seed {seed}");
    }
    let answered = first.calls.iter().filter(|call| call.is_ok()).count();
    Ok((answered, first.calls.len() - answered))
}

#[test]
fn every_call_ends_truly_and_the_same_way_twice() -> TestResult {
    let seeds = seeds::wanted()?;
    let least = (seeds.end - seeds.start) as usize;
    let counts = seeds::each(seeds, attempt)?;
    let answered: usize = counts.iter().map(|(answered, _)| answered).sum();
    let failed: usize = counts.iter().map(|(_, failed)| failed).sum();
    assert!(
        answered > 20 * least && failed >= least / 2,
        "{answered} answers and {failed} failures"
    );
    Ok(())
}
