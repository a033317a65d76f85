//! A handler that computes for long holds up its connection once; after that, calls of its method run beside others.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use farcall::{Result, Server};
use farcall_tests::{TestResult, Transport, over_every_transport};
use tokio::{runtime::Builder, sync::Notify};

#[farcall::service]
trait Mill {
    /// Computes for so long.
    async fn grind(&self, millis: u64) -> Result<()>;
    /// Computes until it is told to stop.
    async fn grind_on(&self) -> Result<()>;
    async fn ping(&self) -> u32;
}

struct Miller {
    begun: Arc<Notify>,
    stop: Mutex<mpsc::Receiver<()>>,
    /// How long a call of `grind_on` takes before anybody may stop it.
    least: Duration,
}

impl Mill for Miller {
    async fn grind(&self, millis: u64) -> Result<()> {
        thread::sleep(Duration::from_millis(millis));
        Ok(())
    }

    async fn grind_on(&self) -> Result<()> {
        thread::sleep(self.least);
        self.begun.notify_one();
        let _ = self.stop.lock().expect("one at a time").recv();
        Ok(())
    }

    async fn ping(&self) -> u32 {
        7
    }
}

over_every_transport!(
    after_a_long_call_others_are_answered_while_the_next_one_computes,
    methods_that_are_quick_again_answer_as_before,
);

fn mill() -> (MillServer<Miller>, Arc<Notify>, mpsc::Sender<()>) {
    let (stop, stopped) = mpsc::channel();
    let begun = Arc::new(Notify::new());
    let miller = Miller {
        begun: Arc::clone(&begun),
        stop: Mutex::new(stopped),
        least: Duration::from_millis(5),
    };
    (MillServer::new(miller), begun, stop)
}

async fn after_a_long_call_others_are_answered_while_the_next_one_computes(transport: Transport) -> TestResult {
    let (server, begun, stop) = mill();
    let site = transport.serve(Server::new().service(server)).await?;
    let mill = MillClient::new(site.channel.clone());
    // The first one is noticed when it has ended.
    stop.send(())?;
    mill.grind_on().await?;
    begun.notified().await;
    for _ in 0..3 {
        let computing = tokio::spawn(mill.grind_on());
        begun.notified().await;
        assert_eq!(mill.ping().await?, 7);
        assert!(!computing.is_finished());
        stop.send(())?;
        assert_eq!(computing.await?, Ok(()));
    }
    Ok(())
}

async fn methods_that_are_quick_again_answer_as_before(transport: Transport) -> TestResult {
    let (server, ..) = mill();
    let site = transport.serve(Server::new().service(server)).await?;
    let mill = MillClient::new(site.channel.clone());
    mill.grind(5).await?;
    for _ in 0..200 {
        mill.grind(0).await?;
        assert_eq!(mill.ping().await?, 7);
    }
    Ok(())
}

/// There is no other thread to lend.
#[test]
fn a_server_on_one_thread_answers_calls_that_compute_and_those_after_them() -> TestResult {
    let (told, address) = mpsc::channel();
    let (over, ends) = tokio::sync::oneshot::channel::<()>();
    let serving = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (server, ..) = mill();
            let server = Server::new().service(server).listen("tcp://127.0.0.1:0").await?;
            told.send(server.local_addr())?;
            let _ = ends.await;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        })
    });
    let calling = Builder::new_current_thread().enable_all().build()?;
    calling.block_on(async {
        let mill = MillClient::connect(address.recv()?).await?;
        // A method is known as slow after a few calls.
        for _ in 0..8 {
            let (ground, pinged) = tokio::join!(mill.grind(3), mill.ping());
            assert_eq!((ground, pinged?), (Ok(()), 7));
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    drop(over);
    serving
        .join()
        .expect("it does not panic")
        .map_err(|error| error.to_string())?;
    Ok(())
}
