//! A client may write anything on any stream: the server ends at most its connection, and holds a bounded amount for
//! it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use farcall::{Channel, RunningServer};
use farcall_tests::{
    TestResult, certificates,
    ledger::socket,
    probe::{ProbeClient, Prober, ends},
    raw::{self as wire, CLOSE, REPLY, REQUEST, frame, header},
    say, until,
};
use quinn::{Connection, ConnectionError};

use crate::raw::{LAST, connect, greet, lane, lane_of_call};

/// How many lanes may be there that carried no whole frame.
const NEW_LANES: usize = 128;
/// How many frames may have begun, and how much may be under way.
const BEGUN: u64 = 64 * (64 << 10);
const WINDOW: u64 = 2 << 20;

/// A server under attack, and an honest client that must not notice.
struct Bed {
    server: RunningServer,
    honest: ProbeClient,
}

impl Bed {
    async fn new() -> TestResult<Self> {
        let server = Prober::new().server().tls(certificates::server());
        let server = server.listen("quic://127.0.0.1:0").await?;
        let channel = Channel::builder().tls(certificates::client());
        let honest = ProbeClient::new(channel.connect(server.local_addr()).await?);
        let bed = Self { server, honest };
        bed.is_well().await;
        Ok(bed)
    }

    async fn attacker(&self) -> TestResult<(quinn::Endpoint, Connection)> {
        connect(socket(&self.server.local_addr())).await
    }

    /// The honest client is served, on the connection that it had.
    async fn is_well(&self) {
        let sum = ends("an honest call", self.honest.add(1, 2)).await;
        assert_eq!(sum.expect("the server is well"), 3);
    }
}

/// What the server closes a connection with.
async fn reason(connection: &Connection) -> String {
    match ends("the connection", connection.closed()).await {
        ConnectionError::ApplicationClosed(close) => {
            format!("{}: {}", close.error_code, String::from_utf8_lossy(&close.reason))
        }
        other => other.to_string(),
    }
}

#[tokio::test]
async fn what_breaks_the_rules_of_lanes_ends_the_connection_with_a_reason() -> TestResult {
    let call = lane_of_call(0);
    let add = |call| wire::request(call, "add", &(1_u64, 2_u64));
    // The lane, what is on it, whether it ends there, and why that is wrong.
    let attacks: Vec<(u32, Vec<u8>, bool, &str)> = vec![
        (1 + 4 * 65_536, vec![], false, "a lane above the limit"),
        (LAST - 1, vec![], false, "a lane above the limit"),
        (0, wire::client_hello(), false, "a lane that there is already"),
        (call, add(1), false, "a frame on the lane of another call"),
        (call, frame(REPLY, 0, &[]), false, "a frame on the lane of another call"),
        (
            call,
            frame(wire::PING, 0, &[]),
            false,
            "a frame on the lane of another call",
        ),
        (call, header(REQUEST, 0, 65_537), false, "a frame above the limit"),
        (call, header(REQUEST, 0, 0xff_ffff), false, "a frame above the limit"),
        (call, header(REQUEST, 0, 1000), true, "a lane that ends inside a frame"),
        (call, vec![], true, "a lane without a frame"),
    ];
    let bed = Bed::new().await?;
    for (number, bytes, finished, why) in attacks {
        let (_endpoint, connection) = bed.attacker().await?;
        let _lanes = greet(&connection).await?;
        let mut attack = lane(&connection, number, &bytes).await?;
        if finished {
            attack.finish()?;
        }
        assert_eq!(reason(&connection).await, format!("1: {why}"));
        bed.is_well().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_lane_may_end_half_way_through_its_number_and_may_be_reset() -> TestResult {
    let bed = Bed::new().await?;
    for resets in [false, true] {
        let (_endpoint, connection) = bed.attacker().await?;
        let _lanes = greet(&connection).await?;
        let mut lane = connection.open_uni().await?;
        lane.write_all(&[1, 0]).await?;
        let why = if resets {
            // What was written may be read before, or not.
            lane.reset(7_u32.into())?;
            "a lane was reset"
        } else {
            lane.finish()?;
            "a lane without a frame"
        };
        assert_eq!(reason(&connection).await, format!("1: {why}"));
        bed.is_well().await;
    }
    Ok(())
}

/// Before the hello nothing of other lanes is read, and behind it all of them are.
#[tokio::test]
async fn calls_may_overtake_the_hello() -> TestResult {
    let bed = Bed::new().await?;
    let (_endpoint, connection) = bed.attacker().await?;
    let _call = lane(
        &connection,
        lane_of_call(0),
        &wire::request(0, "echo", &(vec![7_u8; 3],)),
    )
    .await?;
    let _lanes = greet(&connection).await?;
    let mut answer = ends("the answer", connection.accept_uni()).await?;
    let mut begin = [0; 4 + 8];
    ends("the answer", answer.read_exact(&mut begin)).await?;
    assert_eq!(begin[..4], lane_of_call(0).to_le_bytes());
    assert_eq!(begin[7], REPLY);
    Ok(())
}

/// What the server says last has a lane of its own, which says how much was written before it.
#[tokio::test]
async fn the_last_frame_waits_for_all_others() -> TestResult {
    let bed = Bed::new().await?;
    let (_endpoint, connection) = bed.attacker().await?;
    let _lanes = greet(&connection).await?;
    let _call = lane(&connection, lane_of_call(0), &frame(42, 0, &[])).await;
    // The kind is unknown: it belongs on lane 0, and so the lane is wrong before the frame is.
    assert_eq!(reason(&connection).await, "1: a frame on the lane of another call");

    let (_endpoint, connection) = bed.attacker().await?;
    let (mut control, _heard) = greet(&connection).await?;
    control.write_all(&frame(42, 0, &[])).await?;
    let mut last = ends("the last lane", connection.accept_uni()).await?;
    let mut begin = [0; 4 + 8 + 8];
    ends("the last frame", last.read_exact(&mut begin)).await?;
    assert_eq!(begin[..4], LAST.to_le_bytes());
    assert_eq!(begin[4..12], (wire::server_hello().len() as u64).to_le_bytes());
    assert_eq!(begin[15], CLOSE);
    bed.is_well().await;
    Ok(())
}

#[tokio::test]
async fn lanes_without_a_frame_are_few() -> TestResult {
    let bed = Bed::new().await?;
    let (_endpoint, connection) = bed.attacker().await?;
    let _lanes = greet(&connection).await?;
    let mut idle = Vec::new();
    for number in 1..NEW_LANES as u32 {
        idle.push(lane(&connection, number, &[]).await?);
    }
    bed.is_well().await;
    let mut more = std::pin::pin!(connection.open_uni());
    assert!(futures::poll!(&mut more).is_pending(), "one more than {NEW_LANES}");
    // A whole frame on many of them lets the peer open others.
    for (number, lane) in (1..).zip(&mut idle).filter(|(number, _)| number % 4 == 1) {
        let call = (number - 1) / 4;
        lane.write_all(&wire::request(call, "add", &(1_u64, 2_u64))).await?;
    }
    ends("one more", more).await?;
    bed.is_well().await;
    Ok(())
}

/// The beginnings of frames, each one short of its end, on as many lanes as there may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_frames_on_all_lanes_take_a_bounded_amount() -> TestResult {
    const HALF: usize = 60_000;
    let bed = Bed::new().await?;
    let (_endpoint, connection) = bed.attacker().await?;
    let _lanes = greet(&connection).await?;
    let written = Arc::new(AtomicU64::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for call in 0..NEW_LANES as u32 - 1 {
        let (connection, written) = (connection.clone(), Arc::clone(&written));
        writers.spawn(async move {
            let begin = header(REQUEST, call, 65_536);
            let mut lane = lane(&connection, lane_of_call(call), &begin)
                .await
                .expect("it is let in");
            for piece in vec![7; HALF].chunks(1000) {
                lane.write_all(piece).await.expect("the connection is open");
                written.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            lane
        });
    }
    // As much as the server reads, and as may be under way besides.
    let most = BEGUN + WINDOW;
    let wanted = (NEW_LANES as u64 - 1) * HALF as u64;
    assert!(wanted > most + (1 << 20), "the attack is too small");
    ends(
        "the attack",
        until(|| written.load(Ordering::Relaxed) > WINDOW + BEGUN / 2),
    )
    .await;
    for _ in 0..50 {
        bed.is_well().await;
    }
    let written = written.load(Ordering::Relaxed);
    say(format_args!(
        "{written} bytes of half frames were taken, at most {most} may be"
    ));
    assert!(written <= most);
    Ok(())
}
