//! Channels and calls that meet more than one runtime, or none.

use std::{error::Error, time::Duration};

use farcall::{Channel, Code, Outcome, RunningServer};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober},
};
use futures::executor::block_on;
use tokio::runtime::{Builder, Runtime};

/// A server in a runtime of its own, which goes on by itself.
struct Bed {
    server: RunningServer,
    runtime: Runtime,
}

impl Bed {
    fn new() -> Result<Self, Box<dyn Error>> {
        Self::with(&Prober::new())
    }

    fn with(prober: &Prober) -> Result<Self, Box<dyn Error>> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.block_on(prober.server().listen("tcp://127.0.0.1:0"))?;
        Ok(Self { server, runtime })
    }
}

#[test]
fn a_call_outside_any_runtime_is_refused() -> TestResult {
    let bed = Bed::new()?;
    let client = ProbeClient::new(Channel::builder().connect_lazily(bed.server.local_addr())?);
    let error = block_on(client.add(1, 2)).expect_err("there is no runtime to dial in");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    Ok(())
}

#[test]
fn a_channel_with_a_runtime_of_its_own_is_called_from_anywhere() -> TestResult {
    let bed = Bed::new()?;
    let channel = Channel::builder()
        .runtime(bed.runtime.handle().clone())
        .connect_lazily(bed.server.local_addr())?;
    let client = ProbeClient::new(channel);
    assert_eq!(block_on(client.add(1, 2))?, 3);
    Ok(())
}

#[test]
fn a_deadline_holds_where_the_runtime_of_the_connection_stands_still() -> TestResult {
    let bed = Bed::new()?;
    let still = Builder::new_current_thread().enable_all().build()?;
    let client = still.block_on(ProbeClient::connect(bed.server.local_addr()))?;
    // From here on nobody runs `still`.
    let hurried = client.with_timeout(Duration::from_millis(50));
    let here = Builder::new_current_thread().enable_all().build()?;
    let (call, note) = here.block_on(async { (hurried.add(1, 2).await, hurried.note(1).await) });
    let call = call.expect_err("nobody carries the call");
    assert_eq!(call.code(), Code::DeadlineExceeded);
    // By now it is known that it does not run, so nothing is handed over.
    let note = note.expect_err("nobody carries the call");
    assert_eq!(
        (note.code(), note.outcome()),
        (Code::DeadlineExceeded, Outcome::NotExecuted)
    );
    assert_eq!(still.block_on(client.add(1, 2))?, 3);
    Ok(())
}

/// The channel has not been told that its connection went with its runtime.
#[test]
fn a_connection_that_went_with_its_runtime_is_made_again_by_the_next_call() -> TestResult {
    let prober = Prober::new();
    let bed = Bed::with(&prober)?;
    let here = Builder::new_current_thread().enable_all().build()?;
    let first = Builder::new_current_thread().enable_all().build()?;
    let client = first.block_on(ProbeClient::connect(bed.server.local_addr()))?;
    first.block_on(client.add(1, 2))?;
    drop(first);
    for number in 1..=3 {
        // More than what is copied, and a oneway call, which both come to the new connection by the same way.
        assert_eq!(here.block_on(client.echo(&vec![7; 100_000]))?.len(), 100_000);
        here.block_on(client.note(number))?;
        here.block_on(prober.until(|counts| counts.notes as u64 == number));
    }
    assert_eq!(prober.counts().started, 4, "nothing was sent twice");
    Ok(())
}
