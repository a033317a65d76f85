//! A program may drive its runtime only while it calls: what came meanwhile counts before the next call leaves.
//!
//! The pauses are what is tested, and the clock that runs on while a runtime stands still is the system's: no test can
//! move it. Where something is to happen meanwhile, the pause ends with that.

use std::{sync::mpsc, time::Duration};

use farcall::{Code, Limits, Outcome, RunningServer, Server};
use farcall_tests::TestResult;
use tokio::runtime::{Builder, Handle, Runtime};

#[farcall::service]
trait Clock {
    async fn tick(&self) -> farcall::Result<u32>;
    async fn call_back(&self, clock: ClockClient) -> farcall::Result<u32>;
}

/// Handlers that wait in place for what they call.
struct Blocks;

impl Clock for Blocks {
    async fn tick(&self) -> farcall::Result<u32> {
        Ok(1)
    }

    async fn call_back(&self, clock: ClockClient) -> farcall::Result<u32> {
        let call = clock.with_timeout(Duration::from_millis(300)).tick();
        tokio::task::block_in_place(|| Handle::current().block_on(call))
    }
}

/// A server in a runtime that always runs, and a client in one that runs while it is asked to.
struct Bed {
    serving: Runtime,
    calling: Runtime,
    _directory: tempfile::TempDir,
    addresses: Vec<String>,
}

impl Bed {
    fn new() -> std::io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let unix = format!("unix://{}/sock", directory.path().display());
        Ok(Self {
            serving: Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
            calling: Builder::new_current_thread().enable_all().build()?,
            _directory: directory,
            addresses: vec!["tcp://127.0.0.1:0".into(), "udp://127.0.0.1:0".into(), unix],
        })
    }

    fn listen(&self, address: &str, limits: Limits) -> farcall::Result<RunningServer> {
        let server = Server::new().service(ClockServer::new(Blocks)).limits(limits);
        self.serving.block_on(server.listen(address))
    }
}

/// Waits, in a runtime that runs, for what another one does not see.
fn pause(bed: &Bed, gone: impl Future<Output = ()>) {
    bed.serving.block_on(gone);
}

#[test]
fn a_connection_that_ended_while_nobody_looked_takes_no_call_with_it() -> TestResult {
    let bed = Bed::new()?;
    for address in &bed.addresses {
        let server = bed.listen(address, Limits::default())?;
        let bound = server.local_addr().to_string();
        let clock = bed.calling.block_on(ClockClient::connect(bound.as_str()))?;
        assert_eq!(bed.calling.block_on(clock.tick())?, 1);
        // It ends, and another one takes its place.
        pause(&bed, async {
            server.shutdown(Duration::from_secs(5)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        let _successor = bed.listen(&bound, Limits::default())?;
        assert_eq!(bed.calling.block_on(clock.tick())?, 1, "{address}");
    }
    Ok(())
}

#[test]
fn a_server_that_gave_up_the_silence_of_a_runtime_is_dialled_anew() -> TestResult {
    let bed = Bed::new()?;
    for address in &bed.addresses {
        let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::new()
            .service(ClockServer::new(Blocks))
            .limits(Limits::default().keepalive(Duration::from_millis(50)))
            .on_disconnection(move |_, why| ended.send(why.clone()).expect("the test listens"));
        let server = bed.serving.block_on(server.listen(address.as_str()))?;
        let clock = bed.calling.block_on(ClockClient::connect(server.local_addr()))?;
        for _ in 0..3 {
            assert_eq!(bed.calling.block_on(clock.tick())?, 1, "{address}");
            let why = bed.serving.block_on(ends.recv()).expect("the server gives it up");
            assert!(why.message().contains("did not answer a ping"), "{why}");
        }
    }
    Ok(())
}

/// The client's own clock jumps, and its server was there all the time.
#[test]
fn a_runtime_that_stood_still_does_not_give_up_its_server() -> TestResult {
    let bed = Bed::new()?;
    for address in &bed.addresses {
        let server = bed.listen(address, Limits::default())?;
        let keepalive = Duration::from_millis(50);
        let channel = farcall::Channel::builder().limits(Limits::default().keepalive(keepalive));
        let channel = bed.calling.block_on(channel.connect(server.local_addr()))?;
        let clock = ClockClient::new(channel.clone());
        for _ in 0..3 {
            assert_eq!(bed.calling.block_on(clock.tick())?, 1, "{address}");
            pause(&bed, async { tokio::time::sleep(8 * keepalive).await });
        }
        assert_eq!(channel.state(), farcall::ChannelState::Ready, "{address}");
    }
    Ok(())
}

/// The handler waits inside the task of the very connection over which it calls.
#[test]
fn a_call_of_a_handler_that_blocks_in_place_ends_at_its_deadline() -> TestResult {
    let bed = Bed::new()?;
    let several = Builder::new_multi_thread().worker_threads(3).enable_all().build()?;
    several.block_on(async {
        for address in &bed.addresses {
            let server = Server::new().service(ClockServer::new(Blocks));
            let server = server.listen(address.as_str()).await?;
            let clock = ClockClient::connect(server.local_addr()).await?;
            let error = clock.call_back(ClockClient::local(Blocks)).await;
            let error = error.expect_err("nobody can answer it");
            assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
            // Which text it is depends on how long the connection had stood still when the handler called.
            let text = error.to_string();
            let names_the_cause = text.contains("Clock.tick: ") && text.contains("does a handler block it?");
            assert!(names_the_cause, "not its caller's deadline: {text}");
            assert_eq!(clock.tick().await?, 1, "its connection goes on");
        }
        Ok(())
    })
}

/// A handler that blocks stops its connection; other calls over it meanwhile end by their own clocks.
#[test]
fn a_call_over_a_connection_that_stands_still_ends_at_its_deadline() -> TestResult {
    struct Stuck(mpsc::Sender<()>, std::sync::Mutex<mpsc::Receiver<()>>);

    impl Clock for Stuck {
        async fn tick(&self) -> farcall::Result<u32> {
            self.0.send(()).expect("the test waits");
            let released = tokio::task::block_in_place(|| self.1.lock().expect("it is the only one").recv());
            released
                .map(|()| 2)
                .map_err(|_| farcall::Error::internal("the test ended"))
        }

        async fn call_back(&self, _: ClockClient) -> farcall::Result<u32> {
            Ok(0)
        }
    }

    let several = Builder::new_multi_thread().worker_threads(3).enable_all().build()?;
    several.block_on(async {
        let server = Server::new().service(ClockServer::new(Forwards));
        let server = server.listen("tcp://127.0.0.1:0").await?;
        let clock = ClockClient::connect(server.local_addr()).await?;
        let (started, starts) = mpsc::channel();
        let (release, releases) = mpsc::channel();
        let stuck = ClockClient::local(Stuck(started, std::sync::Mutex::new(releases)));
        let under_way = tokio::spawn(clock.call_back(stuck));
        tokio::task::spawn_blocking(move || starts.recv()).await??;
        // Since then the client's driver has stood still for as long as it takes to notice it.
        tokio::time::sleep(Duration::from_millis(150)).await;
        let error = clock.with_timeout(Duration::from_millis(50)).tick().await;
        let error = error.expect_err("the connection stands still");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::DeadlineExceeded, Outcome::NotExecuted)
        );
        assert!(error.message().contains("stood still"), "{error}");
        release.send(())?;
        assert_eq!(under_way.await??, 2);
        assert_eq!(clock.tick().await?, 1);
        Ok(())
    })
}

/// Calls back without blocking.
struct Forwards;

impl Clock for Forwards {
    async fn tick(&self) -> farcall::Result<u32> {
        Ok(1)
    }

    async fn call_back(&self, clock: ClockClient) -> farcall::Result<u32> {
        clock.tick().await
    }
}
