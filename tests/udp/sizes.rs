//! Messages of every size go through whole, and one above the limit is refused in words that help.

use farcall::{Channel, Error, Limits, Outcome, RunningServer};
use farcall_tests::{
    TestResult,
    ledger::body,
    probe::{ProbeClient, Prober},
    say,
};
use futures::{StreamExt, TryStreamExt};

/// The largest message here.
const MOST: usize = 1 << 20;
/// What the encoding puts before so many bytes: their length, and before an answer one byte more.
const LENGTH: usize = 5;
const AT_ONCE: usize = 16;

fn limits() -> Limits {
    Limits::default().max_udp_message(MOST)
}

/// A server and its client, both with the limit under test.
async fn bed() -> Result<(RunningServer, ProbeClient), Error> {
    let server = Prober::new()
        .server()
        .limits(limits())
        .listen("udp://127.0.0.1:0")
        .await?;
    let channel = Channel::builder().limits(limits());
    let client = ProbeClient::new(channel.connect(server.local_addr()).await?);
    Ok((server, client))
}

async fn echo(client: &ProbeClient, length: usize) -> Result<(), Error> {
    let bytes = body(length as u64, length);
    let answer = client.echo(&bytes).await?;
    assert!(answer == bytes, "{length} bytes came back as other ones");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_size_comes_back_whole() -> TestResult {
    let (_server, client) = bed().await?;
    let around_datagrams = (1100..=1500).chain(2250..=2950);
    let around_frames = (0..=16).map(|less| (32 << 10) - less);
    let others = [0, 1, 8191, 65_507, 65_535, 65_536, MOST - LENGTH - 2, MOST - LENGTH - 1];
    let sizes = around_datagrams.chain(around_frames).chain(others);
    let mut calls = futures::stream::iter(sizes)
        .map(|length| echo(&client, length))
        .buffer_unordered(AT_ONCE);
    while calls.try_next().await?.is_some() {}
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_above_the_limit_is_refused_and_says_where_it_could_go() -> TestResult {
    let (_server, client) = bed().await?;
    for length in [MOST - LENGTH + 1, MOST, 2 * MOST] {
        let error = echo(&client, length).await.err().ok_or("it is too large")?;
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        says_what_to_do(&error);
        // An answer fails alone: the call ran.
        let error = client.fill(length as u32).await.err().ok_or("it is too large")?;
        assert_eq!(error.outcome(), Outcome::Executed, "{error}");
        says_what_to_do(&error);
        say(format_args!("{error}"));
        assert_eq!(client.add(1, 2).await?, 3, "the connection lives");
    }
    Ok(())
}

#[track_caller]
fn says_what_to_do(error: &Error) {
    let text = error.to_string();
    for word in ["max_udp_message", "tcp"] {
        assert!(text.contains(word), "`{text}` does not say `{word}`");
    }
}
