//! The simulated network repeats itself from its seed, loses nothing it should keep, and breaks as it is told to.

use std::{
    error::Error,
    io,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall::{
    testing::{Delivery, End, Network},
    transport::BoxStream,
};
use farcall_tests::TestResult;
use futures::FutureExt;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Writes `pieces` one by one, then ends; the other end reads everything.
async fn transfer(network: &Network, pieces: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let (mut client, mut server) = network.pair();
    let write = async {
        for piece in pieces {
            client.write_all(piece).await?;
        }
        client.shutdown().await
    };
    let read = async {
        let mut received = Vec::new();
        server.read_to_end(&mut received).await?;
        Ok(received)
    };
    let ((), received) = tokio::try_join!(write, read)?;
    Ok(received)
}

/// Writes until the connection takes no more, and says how much that was.
async fn fill(stream: &mut BoxStream) -> io::Result<usize> {
    let mut written = 0;
    while let Ok(result) = timeout(HOUR, stream.write(&[7; 1000])).await {
        written += result?;
    }
    Ok(written)
}

/// Whether `duration` is at least `milliseconds`, and above it only by the clock's rounding.
fn is_about(duration: Duration, milliseconds: u64) -> bool {
    (milliseconds..=milliseconds + milliseconds / 100 + 2).contains(&(duration.as_millis() as u64))
}

fn trace(seed: u64) -> Result<Vec<Delivery>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let network = Network::seeded(seed)
        .delay(1..50)
        .loss(0.2)
        .bandwidth(100_000)
        .buffer(3000);
    let pieces: Vec<_> = (1..60).map(|length| vec![0; length * 7]).collect();
    runtime.block_on(async { tokio::try_join!(transfer(&network, &pieces), transfer(&network, &pieces[20..])) })?;
    Ok(network.trace())
}

#[test]
fn the_same_seed_gives_the_same_run() -> TestResult {
    let first = trace(1)?;
    for (connection, sent) in [(0, 12_390), (1, 10_920)] {
        let deliveries = first.iter().filter(|delivery| delivery.connection == connection);
        assert_eq!(deliveries.map(|delivery| delivery.bytes).sum::<usize>(), sent);
    }
    assert_eq!(first, trace(1)?);
    assert_ne!(first, trace(2)?);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_and_content_survive_jitter_and_loss(
        seed: u64,
        loss in 0.0..0.9,
        buffer in 1_usize..5000,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let network = Network::seeded(seed).delay(0..100).loss(loss).buffer(buffer);
        let received = runtime.block_on(transfer(&network, &pieces))?;
        prop_assert_eq!(received, pieces.concat());
    }
}

#[tokio::test(start_paused = true)]
async fn delay_holds_for_each_direction() -> TestResult {
    let (mut client, mut server) = Network::seeded(1).delay(40..40).pair();
    let start = Instant::now();
    client.write_all(b"ping").await?;
    server.read_exact(&mut [0; 4]).await?;
    assert!(is_about(start.elapsed(), 40));
    server.write_all(b"pong").await?;
    client.read_exact(&mut [0; 4]).await?;
    assert!(is_about(start.elapsed(), 80));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn bandwidth_takes_its_time() -> TestResult {
    let network = Network::seeded(1).bandwidth(100_000);
    let start = Instant::now();
    let received = transfer(&network, &vec![vec![1; 10_000]; 100]).await?;
    assert_eq!(received.len(), 1_000_000);
    assert!(is_about(start.elapsed(), 10_000), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_is_always_lost_comes_with_the_sixth_retransmission() -> TestResult {
    let start = Instant::now();
    let (mut client, mut server) = Network::seeded(1).loss(1.0).pair();
    client.write_all(b"!").await?;
    server.read_u8().await?;
    assert!(
        is_about(start.elapsed(), 200 + 400 + 800 + 1600 + 3200 + 6400),
        "{:?}",
        start.elapsed()
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_partition_holds_everything_until_it_heals() -> TestResult {
    let network = Network::seeded(1).delay(10..20);
    let (mut client, mut server) = network.pair();
    client.write_all(b"arrived").await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.write_all(b"under way").await?;
    network.partition();
    client.write_all(b", written later").await?;
    client.shutdown().await?;

    let mut bytes = [0; 100];
    assert_eq!(server.read(&mut bytes).await?, "arrived".len());
    assert!(timeout(HOUR, server.read(&mut bytes)).await.is_err());

    let connector = network.connector(Arc::new(drop));
    let mut connecting = connector.connect();
    assert!(timeout(HOUR, &mut connecting).await.is_err());

    // The one who waits is woken, not merely the one who asks afterwards.
    let reading = tokio::spawn(async move {
        let mut rest = String::new();
        server.read_to_string(&mut rest).await.map(|_| rest)
    });
    tokio::task::yield_now().await;
    let healed = Instant::now();
    network.heal();
    assert_eq!(reading.await??, "under way, written later");
    connecting.await?;
    assert!(healed.elapsed() < Duration::from_millis(20), "{:?}", healed.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_silent_and_never_fails() -> TestResult {
    let network = Network::seeded(1).delay(1..5).buffer(10_000);
    let (mut client, mut server) = network.pair();
    client.write_all(b"under way").await?;
    network.half_open();

    assert_eq!(fill(&mut client).await?, 10_000 - "under way".len());
    assert_eq!(fill(&mut server).await?, 10_000);
    assert!(timeout(HOUR, client.read_u8()).await.is_err());
    network.cut();
    drop(client);
    assert!(
        timeout(HOUR, server.read_u8()).await.is_err(),
        "not even the end arrives"
    );

    assert_eq!(
        transfer(&network, &[b"a new connection".to_vec()]).await?,
        b"a new connection"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_outlasts_a_partition() -> TestResult {
    let network = Network::seeded(1).delay(5..5);
    let (mut client, mut server) = network.pair();
    network.partition();
    client.write_all(b"never arrives").await?;
    network.half_open();
    network.heal();
    assert!(timeout(HOUR, server.read_u8()).await.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reset_fails_both_ends_at_once() -> TestResult {
    let network = Network::seeded(1).delay(1..5).buffer(100);
    let (mut client, mut server) = network.pair();
    fill(&mut client).await?;

    let start = Instant::now();
    let mut bytes = [0; 100];
    let mut stuck_write = Box::pin(client.write(&bytes));
    assert!(stuck_write.as_mut().now_or_never().is_none());
    network.reset();
    assert_eq!(
        stuck_write.await.map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(
        server.read(&mut bytes).await.map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(
        server.write(b"!").await.map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(
        server.shutdown().await.map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionReset)
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cut_ends_both_directions_after_what_is_in_flight() -> TestResult {
    let network = Network::seeded(1).delay(5..10);
    let (mut client, mut server) = network.pair();
    client.write_all(b"to the server").await?;
    server.write_all(b"to the client").await?;
    network.cut();

    let mut received = String::new();
    server.read_to_string(&mut received).await?;
    assert_eq!(received, "to the server");
    received.clear();
    client.read_to_string(&mut received).await?;
    assert_eq!(received, "to the client");
    assert_eq!(
        client.write(b"!").await.map_err(|error| error.kind()),
        Err(io::ErrorKind::BrokenPipe)
    );
    assert_eq!(
        server.write(b"!").await.map_err(|error| error.kind()),
        Err(io::ErrorKind::BrokenPipe)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_buffer_bounds_what_a_writer_can_be_ahead() -> TestResult {
    let network = Network::seeded(1).buffer(4096);
    let (mut client, mut server) = network.pair();
    assert_eq!(fill(&mut client).await?, 4096);
    server.read_exact(&mut [0; 96]).await?;
    assert_eq!(fill(&mut client).await?, 96);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_writer_learns_that_the_reader_is_gone() -> TestResult {
    let network = Network::seeded(1).delay(30..30).buffer(100);
    let (mut client, server) = network.pair();
    fill(&mut client).await?;
    let start = Instant::now();
    let writing = tokio::spawn(async move { client.write(b"!").await });
    tokio::task::yield_now().await;
    drop(server);
    assert_eq!(
        writing.await?.map_err(|error| error.kind()),
        Err(io::ErrorKind::BrokenPipe)
    );
    assert!(is_about(start.elapsed(), 30), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_its_end_only() -> TestResult {
    let network = Network::seeded(1);
    network.slow_reader(End::Server, 1000);
    let start = Instant::now();
    transfer(&network, &[vec![0; 5000]]).await?;
    assert!(is_about(start.elapsed(), 5000), "{:?}", start.elapsed());

    let (mut client, mut server) = network.pair();
    let start = Instant::now();
    server.write_all(&[0; 5000]).await?;
    client.read_exact(&mut [0; 5000]).await?;
    assert_eq!(start.elapsed(), Duration::ZERO);

    network.slow_reader(End::Server, 0);
    client.write_all(b"!").await?;
    assert!(timeout(HOUR, server.read_u8()).await.is_err());
    network.slow_reader(End::Server, u64::MAX);
    assert_eq!(server.read_u8().await?, b'!');
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connecting_takes_a_round_trip_and_can_be_refused() -> TestResult {
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let network = Network::seeded(5).delay(20..20);
    let connector = network.connector(Arc::new({
        let accepted = Arc::clone(&accepted);
        move |server| accepted.lock().expect("not poisoned").push(server)
    }));
    assert_eq!(connector.address().to_string(), "network://seed-5");

    let start = Instant::now();
    let mut client = connector.connect().await?.into_stream();
    assert!(is_about(start.elapsed(), 40), "{:?}", start.elapsed());
    let mut server = accepted
        .lock()
        .expect("not poisoned")
        .pop()
        .ok_or("the server end was handed over")?;
    client.write_all(b"!").await?;
    assert_eq!(server.read_u8().await?, b'!');

    network.refuse_connections(true);
    let refusal = connector.connect().await.err().ok_or("refused")?;
    assert_eq!(refusal.kind(), io::ErrorKind::ConnectionRefused);
    assert!(accepted.lock().expect("not poisoned").is_empty());
    server.write_all(b"?").await?;
    assert_eq!(client.read_u8().await?, b'?', "open connections stay");

    network.refuse_connections(false);
    connector.connect().await?;
    Ok(())
}

/// Runs itself again as a process that panics, to see what that prints.
#[test]
fn a_panic_prints_the_seed_once() -> TestResult {
    const CHILD: &str = "NETWORK_SIM_PANICS";
    if std::env::var_os(CHILD).is_some() {
        let network = Network::seeded(20_260);
        let _clone = network.clone();
        panic!("as a failing test does");
    }
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "simulation::a_panic_prints_the_seed_once", "--nocapture"])
        .env(CHILD, "1")
        .output()?;
    let printed = String::from_utf8(output.stderr)?;
    assert!(!output.status.success());
    assert_eq!(
        printed.matches("farcall::testing::Network: seed 20260").count(),
        1,
        "{printed}"
    );
    Ok(())
}
