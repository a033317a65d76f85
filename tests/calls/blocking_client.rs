//! The blocking client: right outside a runtime and on blocking threads, refused inside asynchronous tasks.

use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

use farcall::{Code, Outcome, RunningServer};
use farcall_tests::{
    TestResult,
    probe::{self, ProbeBlockingClient, Prober},
};
use tokio::runtime::{Builder, Runtime};

/// A server on a runtime of its own.
struct Bed {
    prober: Prober,
    server: RunningServer,
    runtime: Runtime,
}

impl Bed {
    fn new() -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let prober = Prober::new();
        let server = runtime.block_on(prober.server().listen("tcp://127.0.0.1:0"))?;
        Ok(Self {
            prober,
            server,
            runtime,
        })
    }

    fn client(&self) -> farcall::Result<ProbeBlockingClient> {
        ProbeBlockingClient::connect(self.server.local_addr())
    }
}

#[test]
fn it_works_outside_any_runtime() -> TestResult {
    let bed = Bed::new()?;
    let client = bed.client()?;
    assert_eq!(client.add(1, 2)?, 3);
    let bytes = vec![7; 1 << 20];
    assert_eq!(client.echo(&bytes)?, bytes);

    let start = Instant::now();
    let error = client
        .with_timeout(Duration::from_millis(50))
        .hold(1)
        .expect_err("nobody releases it");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::DeadlineExceeded, Outcome::Unknown)
    );
    assert!(start.elapsed() >= Duration::from_millis(50) && start.elapsed() < Duration::from_secs(10));
    bed.runtime.block_on(bed.prober.until(|counts| counts.running == 0));

    client.note(1)?;
    bed.runtime.block_on(bed.prober.until(|counts| counts.notes == 1));
    Ok(())
}

#[test]
fn failures_are_told() -> TestResult {
    let bed = Bed::new()?;
    let address = bed.server.local_addr();
    let client = bed.client()?;
    let waiting = thread::spawn({
        let client = client.clone();
        move || client.hold(1)
    });
    bed.runtime.block_on(bed.prober.until(|counts| counts.running == 1));
    bed.runtime.block_on(bed.server.shutdown(Duration::ZERO));
    let error = waiting.join().expect("no panic").expect_err("it was cut");
    assert_eq!((error.code(), error.outcome()), (Code::Unavailable, Outcome::Unknown));
    let error = client.add(1, 2).expect_err("nobody listens");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted)
    );
    let error = ProbeBlockingClient::connect(&address).expect_err("nobody listens");
    assert_eq!(error.code(), Code::Unavailable);
    let error = ProbeBlockingClient::connect("ftp://nowhere").expect_err("no such scheme");
    assert_eq!(error.code(), Code::InvalidArgument);
    Ok(())
}

#[test]
fn many_threads_share_one_client() -> TestResult {
    let bed = Bed::new()?;
    let client = bed.client()?;
    thread::scope(|scope| {
        for number in 0..16 {
            let client = &client;
            scope.spawn(move || {
                for call in 0..100 {
                    assert_eq!(client.add(number, call).expect("a sum"), number + call);
                }
            });
        }
    });
    assert_eq!(bed.prober.counts().started, 1600);
    Ok(())
}

/// What every use inside a task says.
fn refused(result: farcall::Result<impl std::fmt::Debug>) {
    let error = result.expect_err("it would hold up the task");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    assert!(error.message().contains("spawn_blocking"), "{error}");
}

fn is_refused_in(runtime: &Runtime) -> TestResult {
    let bed = Bed::new()?;
    let client = bed.client()?;
    let address = bed.server.local_addr();
    let inside = move || {
        refused(client.add(1, 2));
        refused(ProbeBlockingClient::connect(&address));
    };
    runtime.block_on(async { inside() });
    runtime.block_on(runtime.spawn(async move {
        inside();
        tokio::task::yield_now().await;
        inside();
    }))?;
    assert_eq!(bed.prober.counts().started, 0);
    Ok(())
}

#[test]
fn inside_a_task_it_is_refused() -> TestResult {
    is_refused_in(&Builder::new_current_thread().enable_all().build()?)?;
    is_refused_in(&Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

#[test]
fn on_blocking_threads_it_works() -> TestResult {
    let bed = Bed::new()?;
    let client = bed.client()?;
    let current_thread = Builder::new_current_thread().enable_all().build()?;
    for runtime in [&current_thread, &bed.runtime] {
        let client = client.clone();
        let sum = runtime.block_on(async { tokio::task::spawn_blocking(move || client.add(1, 2)).await })?;
        assert_eq!(sum?, 3);
    }
    let sum = bed.runtime.block_on(
        bed.runtime
            .spawn(async move { tokio::task::block_in_place(|| client.add(1, 2)) }),
    )?;
    assert_eq!(sum?, 3);
    Ok(())
}

/// The channel lives in a runtime of the caller's, the calls are made from threads outside.
#[test]
fn it_shares_a_channel_with_an_asynchronous_client() -> TestResult {
    let bed = Bed::new()?;
    let channel = bed
        .runtime
        .block_on(farcall::Channel::connect(bed.server.local_addr()))?;
    let blocking = ProbeBlockingClient::new(channel.clone());
    assert_eq!(blocking.add(1, 2)?, 3);
    let asynchronous = <probe::ProbeClient as farcall::Client>::new(channel);
    assert_eq!(bed.runtime.block_on(asynchronous.add(3, 4))?, 7);
    Ok(())
}

/// Makes a call when it is dropped, and tells how that went.
struct LastWords(ProbeBlockingClient, std::sync::mpsc::Sender<farcall::Result<u64>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        // The test may have failed and gone.
        let _ = self.1.send(self.0.add(1, 2));
    }
}

#[test]
fn a_destructor_may_call_also_while_its_thread_ends() -> TestResult {
    thread_local! {
        static LAST: std::cell::RefCell<Option<LastWords>> = const { std::cell::RefCell::new(None) };
    }
    let bed = Bed::new()?;
    let (told, heard) = std::sync::mpsc::channel();
    let words = LastWords(bed.client()?, told.clone());
    let unwinds = thread::spawn(move || {
        let _words = words;
        panic!("the call is made while this unwinds")
    });
    assert!(unwinds.join().is_err());
    assert_eq!(heard.recv()??, 3);

    let words = LastWords(bed.client()?, told);
    let ends = thread::spawn(move || {
        LAST.set(Some(words));
        // What the thread keeps for calls is made after the destructor's value, and so is gone before it.
        LAST.with_borrow(|words| words.as_ref().map(|words| words.0.add(1, 2)))
    });
    assert!(ends.join().is_ok());
    let error = heard.recv()?.expect_err("the thread has nothing left to call with");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    Ok(())
}
