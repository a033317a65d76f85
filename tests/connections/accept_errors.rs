//! An error of `accept` is told, costs a pause, and ends nothing.

use std::{collections::VecDeque, error::Error, io};

use farcall::{
    Address, Channel,
    testing::Network,
    transport::{Accepting, BoxStream, Connected, Listener},
};
use farcall_tests::probe::{ProbeClient, Prober};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Gives what it is told to, then waits for streams.
struct Scripted {
    errors: VecDeque<io::ErrorKind>,
    streams: UnboundedReceiver<BoxStream>,
}

impl Listener for Scripted {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            if let Some(error) = self.errors.pop_front() {
                return Err(error.into());
            }
            match self.streams.recv().await {
                Some(stream) => Ok(Connected::new(stream, self.local_address()).into()),
                None => std::future::pending().await,
            }
        })
    }

    fn local_address(&self) -> Address {
        Address::custom("scripted://")
    }
}

#[tokio::test(start_paused = true)]
async fn accepting_goes_on_after_errors() -> Result<(), Box<dyn Error>> {
    const ERRORS: usize = 100;
    let prober = Prober::new();
    let (told, mut heard) = unbounded_channel();
    let (sender, streams) = unbounded_channel();
    let errors = [io::ErrorKind::ConnectionAborted, io::ErrorKind::OutOfMemory];
    let listener = Scripted {
        errors: errors.into_iter().cycle().take(ERRORS).collect(),
        streams,
    };
    let start = tokio::time::Instant::now();
    let _server = prober
        .server()
        .on_failed_connection(move |address, why| {
            // The test may have ended.
            let _ = told.send(format!("{address} {why}"));
        })
        .listen_on(Box::new(listener))?;
    for _ in 0..ERRORS {
        let text = heard.recv().await.ok_or("the server is gone")?;
        assert!(text.starts_with("scripted:// accepting failed: "), "{text}");
    }

    let accept = move |stream| assert!(sender.send(stream).is_ok(), "the listener is gone");
    let connector = Network::seeded(1).connector(std::sync::Arc::new(accept));
    let client = ProbeClient::new(Channel::builder().connector(connector));
    assert_eq!(client.add(1, 2).await?, 3);
    assert!(start.elapsed().as_millis() >= 50 * ERRORS as u128, "no busy loop");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn accepting_goes_on_after_a_panic_of_who_is_told() -> Result<(), Box<dyn Error>> {
    let prober = Prober::new();
    let (sender, streams) = unbounded_channel();
    let listener = Scripted {
        errors: [io::ErrorKind::ConnectionAborted].into(),
        streams,
    };
    let (told, mut heard) = unbounded_channel();
    let _server = prober
        .server()
        .on_failed_connection(move |_, why| {
            // The test may have ended.
            let _ = told.send(());
            panic!("told of: {why}");
        })
        .listen_on(Box::new(listener))?;
    heard.recv().await.ok_or("the error is told")?;
    let network = Network::seeded(1);
    let connector = network.connector(std::sync::Arc::new(move |stream| {
        // The listener may have ended, which the test finds below.
        let _ = sender.send(stream);
    }));
    let client = ProbeClient::new(Channel::builder().connector(connector));
    assert_eq!(client.add(1, 2).await?, 3);
    Ok(())
}
