//! A client may send anything: the server ends at most that client's connection, and holds a bounded amount for it.

use std::time::Duration;

use farcall::{Code, Limits, Outcome, RunningServer};
use farcall_tests::{
    TestResult,
    probe::{ProbeClient, Prober, ends},
    raw::{self, Peer},
};
use tokio::{io::AsyncReadExt, net::TcpStream};

const MAX_CALLS: u32 = 64;
const MAX_MESSAGE: u32 = 100_000;
const MAX_BUFFERED: u32 = 300_000;

/// A server under attack, and an honest client that must not notice.
struct Bed {
    prober: Prober,
    server: RunningServer,
    honest: ProbeClient,
}

impl Bed {
    async fn new() -> farcall::Result<Self> {
        let prober = Prober::new();
        let limits = Limits::default()
            .max_calls(MAX_CALLS as usize)
            .max_message(MAX_MESSAGE as usize)
            .max_buffered(MAX_BUFFERED as usize);
        let server = prober.server().limits(limits).listen("tcp://127.0.0.1:0").await?;
        let honest = ProbeClient::connect(server.local_addr()).await?;
        let bed = Self { prober, server, honest };
        bed.is_well().await;
        Ok(bed)
    }

    async fn attacker(&self) -> std::io::Result<Peer> {
        Peer::connect(&self.server.local_addr()).await
    }

    /// The honest client is served, on the connection that it had.
    async fn is_well(&self) {
        let sum = ends("an honest call", self.honest.add(1, 2))
            .await
            .expect("the server is well");
        assert_eq!(sum, 3);
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection_with_a_reason() -> TestResult {
    use raw::{CANCEL, CLOSE, FAILURE, MORE, REPLY, REPLY_DATA, REQUEST, REQUEST_DATA, begin_request, frame, header};

    let add = &(1_u64, 2_u64);
    let request = |call| raw::request(call, "add", add);
    let piece = &[7; 1000];
    let flags = |flags: u8| [&raw::head("add")[..8], &[flags]].concat();
    let metadata = |length: u32| [&flags(4)[..], &length.to_le_bytes()].concat();
    let many = (0..4)
        .flat_map(|call| begin_request(call, "echo", MAX_MESSAGE, piece))
        .collect();
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("a frame of 65537 bytes", header(REQUEST, 0, 65_537)),
        ("a frame of 16777215 bytes", header(REQUEST, 0, 0xff_ffff)),
        ("unknown kind 0x00", frame(0, 0, &[])),
        ("unknown kind 0x2a", frame(42, 0, &[])),
        ("unknown kind 0xff", frame(0xff, 0, &[])),
        ("call id 64", request(MAX_CALLS)),
        ("call id 4294967295", request(u32::MAX)),
        ("call id 64", frame(CANCEL, MAX_CALLS, &[])),
        ("call id 64", frame(REQUEST_DATA, MAX_CALLS, &[1])),
        (
            "the id of call 3, which is in flight",
            [raw::request(3, "hold", &(0_u64,)), request(3)].concat(),
        ),
        (
            "the id of call 3, which is in flight",
            [begin_request(3, "echo", 5000, piece), request(3)].concat(),
        ),
        ("never began", frame(REQUEST_DATA, 0, &[1])),
        (
            "never began",
            [raw::request(0, "hold", &(0_u64,)), frame(REQUEST_DATA, 0, &[1])].concat(),
        ),
        (
            "a request of 100001 bytes",
            begin_request(0, "echo", MAX_MESSAGE + 1, piece),
        ),
        (
            "a request of 4294967295 bytes",
            begin_request(0, "echo", u32::MAX, piece),
        ),
        ("more unfinished requests", many),
        (
            "more of a message than it announced",
            begin_request(0, "echo", 999, piece),
        ),
        (
            "more of a message than it announced",
            [begin_request(0, "echo", 1500, piece), frame(REQUEST_DATA, 0, piece)].concat(),
        ),
        (
            "less of a message than it announced",
            [begin_request(0, "echo", 5000, piece), frame(REQUEST_DATA, 0, piece)].concat(),
        ),
        ("an empty piece", begin_request(0, "echo", 5000, &[])),
        (
            "an empty piece",
            [
                begin_request(0, "echo", 5000, piece),
                frame(REQUEST_DATA | MORE, 0, &[]),
            ]
            .concat(),
        ),
        ("ends early", frame(REQUEST, 0, &[])),
        ("ends early", frame(REQUEST, 0, &raw::head("add")[..8])),
        ("ends early", frame(REQUEST | MORE, 0, &raw::head("add"))),
        ("ends early", frame(REQUEST, 0, &flags(1))),
        ("ends early", frame(REQUEST, 0, &flags(2))),
        ("ends early", frame(REQUEST, 0, &metadata(100))),
        ("unknown flags 0x80", frame(REQUEST, 0, &flags(0x80))),
        ("bytes of metadata", frame(REQUEST, 0, &metadata(1 << 20))),
        ("call 0, which is not in flight", raw::reply(0, &0_u8)),
        ("call 9, which is not in flight", frame(REPLY_DATA, 9, &[1])),
        (
            "call 7, which is not in flight",
            raw::failure(FAILURE, 7, Code::Internal, Outcome::Unknown, ""),
        ),
        ("call 0, which is not in flight", frame(REPLY, 0, &[])),
        ("unknown code 77", frame(FAILURE, 0, &[77, 0, 0])),
        ("unknown outcome 9", frame(FAILURE, 0, &[14, 9, 0])),
        ("not UTF-8", frame(FAILURE, 0, &[14, 0, 0, 0xff])),
        ("ends early", frame(CLOSE, 0, &[14])),
    ];
    let bed = Bed::new().await?;
    for (expected, bytes) in attacks {
        let mut attacker = bed.attacker().await?;
        attacker.send(&bytes).await?;
        let word = ends(expected, attacker.last_word()).await;
        let word = word.ok_or_else(|| format!("no last word about {expected}"))?;
        assert!(
            word.contains("broke the protocol") && word.contains(expected),
            "{word}, not {expected}"
        );
        bed.is_well().await;
    }
    bed.prober.until(|counts| counts.running == 0).await;
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_decoded_fails_its_own_call() -> TestResult {
    let bed = Bed::new().await?;
    let mut attacker = bed.attacker().await?;
    let head = raw::head("add");
    let requests: [(Code, Vec<u8>); 4] = [
        (Code::InvalidArgument, head.clone()),
        (Code::InvalidArgument, [&head[..], &[0xff; 100]].concat()),
        (Code::InvalidArgument, [&raw::head("echo")[..], &[0xfd; 9]].concat()),
        (Code::Unimplemented, raw::head("no such method")),
    ];
    for (call, (code, payload)) in requests.into_iter().enumerate() {
        attacker.send(&raw::frame(raw::REQUEST, call as u32, &payload)).await?;
        let frame = ends("the answer", attacker.next()).await?;
        assert_eq!((frame.kind, frame.call), (raw::FAILURE, call as u32));
        assert_eq!(Code::from_number(frame.payload[0]), Some(code), "{}", frame.text());
    }
    attacker.send(&raw::request(9, "add", &(1_u64, 2_u64))).await?;
    assert_eq!(
        ends("the answer", attacker.next()).await?.kind,
        raw::REPLY,
        "the connection lives"
    );
    Ok(())
}

/// Sends `round` again and again without reading until the server has had enough, at most `most` times; says how often.
async fn flood(attacker: &mut Peer, round: &[u8], most: usize) -> usize {
    for sent in 0..most {
        if attacker.send(round).await.is_err() {
            return sent;
        }
    }
    most
}

/// Each of these floods asks for an answer that is never read, of a call that is over at once.
#[tokio::test]
async fn answers_do_not_pile_up_for_a_peer_that_never_reads() -> TestResult {
    const ROUNDS: usize = 4000;
    let cancel = |call| raw::frame(raw::CANCEL, call, &[]);
    let begun = [raw::begin_request(0, "echo", 5000, &[7]), cancel(0)].concat();
    let reset = [raw::request(0, "hold", &(0_u64,)), cancel(0)].concat();
    let unknown = raw::request(0, "no such method", &());
    for round in [begun, reset, unknown] {
        let bed = Bed::new().await?;
        let mut attacker = bed.attacker().await?;
        let round = round.repeat(1000);
        let sent = ends("the flood", flood(&mut attacker, &round, ROUNDS)).await;
        assert!(sent < ROUNDS, "the server never had enough");
        bed.is_well().await;
        assert!(bed.prober.counts().most <= MAX_CALLS as usize + 1);
    }
    Ok(())
}

/// A server that shuts down refuses each request at once, and must not hold refusals that are not read.
#[tokio::test]
async fn refusals_do_not_pile_up_while_a_server_shuts_down() -> TestResult {
    const ROUNDS: usize = 4000;
    const GRACE: Duration = Duration::from_secs(3600);
    let whole = raw::request(1, "add", &(1_u64, 2_u64));
    let begun = [
        raw::begin_request(1, "echo", 5000, &[7]),
        raw::frame(raw::CANCEL, 1, &[]),
    ]
    .concat();
    for round in [whole, begun] {
        let bed = Bed::new().await?;
        let mut attacker = bed.attacker().await?;
        attacker.send(&raw::request(0, "hold", &(0_u64,))).await?;
        bed.prober.until(|counts| counts.running == 1).await;
        let attack = async {
            attacker.next_of(raw::GO_AWAY).await?;
            std::io::Result::Ok(flood(&mut attacker, &round.repeat(1000), ROUNDS).await)
        };
        let ((), sent) = ends("the shutdown", async {
            tokio::join!(bed.server.shutdown(GRACE), attack)
        })
        .await;
        assert!(sent? < ROUNDS, "the server never had enough");
        bed.prober.until(|counts| counts.running == 0).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_by_few_pongs() -> TestResult {
    const PINGS: usize = 1_000_000;
    let bed = Bed::new().await?;
    let mut attacker = bed.attacker().await?;
    let pings = raw::frame(raw::PING, 0, &[]).repeat(10_000);
    let sent = ends("the flood", flood(&mut attacker, &pings, PINGS / 10_000)).await;
    assert_eq!(sent, PINGS / 10_000, "pings are no crime");
    bed.is_well().await;
    attacker.send(&raw::request(0, "add", &(1_u64, 2_u64))).await?;
    let mut pongs = 0;
    loop {
        match ends("the answer", attacker.next()).await?.kind {
            raw::PONG => pongs += 1,
            kind => break assert_eq!(kind, raw::REPLY),
        }
    }
    assert!(pongs > 0 && pongs < PINGS / 10, "{pongs} pongs");
    Ok(())
}

/// The peer keeps to the rules: it uses an id again only after its answer. So it may go on, at the price of a caller.
#[tokio::test]
async fn requests_that_are_cancelled_at_once_run_no_more_handlers_than_others() -> TestResult {
    const ROUNDS: u32 = 200;
    let bed = Bed::new().await?;
    let mut attacker = bed.attacker().await?;
    for _ in 0..ROUNDS {
        let calls = 0..MAX_CALLS;
        let round: Vec<u8> = calls
            .clone()
            .flat_map(|call| {
                [
                    raw::request(call, "hold", &(0_u64,)),
                    raw::frame(raw::CANCEL, call, &[]),
                ]
                .concat()
            })
            .collect();
        attacker.send(&round).await?;
        let mut answered = vec![false; MAX_CALLS as usize];
        for _ in calls {
            let frame = ends("an answer", attacker.next()).await?;
            assert_eq!((frame.kind, frame.payload[0]), (raw::FAILURE, Code::Cancelled as u8));
            assert!(
                !std::mem::replace(&mut answered[frame.call as usize], true),
                "answered twice"
            );
        }
    }
    bed.is_well().await;
    bed.prober.until(|counts| counts.running == 0).await;
    assert!(
        bed.prober.counts().most <= MAX_CALLS as usize,
        "{:?}",
        bed.prober.counts()
    );
    Ok(())
}

/// How much is made for a peer that never reads is tested where the clock is paused; this one reads in the end.
#[tokio::test]
async fn a_peer_that_reads_late_gets_every_answer() -> TestResult {
    const LENGTH: u32 = 90_000;
    let bed = Bed::new().await?;
    let before = bed.prober.counts().started;
    let mut attacker = bed.attacker().await?;
    let requests: Vec<u8> = (0..MAX_CALLS)
        .flat_map(|call| raw::request(call, "fill", &(LENGTH,)))
        .collect();
    attacker.send(&requests).await?;
    bed.prober.until(|counts| counts.started > before).await;
    bed.is_well().await;

    let mut lengths = vec![0; MAX_CALLS as usize];
    let mut answered = 0;
    while answered < MAX_CALLS {
        let frame = ends("the answers", attacker.next()).await?;
        assert!(matches!(frame.kind, raw::REPLY | raw::REPLY_DATA), "{frame:?}");
        lengths[frame.call as usize] += frame.payload.len();
        answered += u32::from(!frame.more);
    }
    assert!(lengths.iter().all(|length| *length >= LENGTH as usize), "{lengths:?}");
    Ok(())
}

#[tokio::test]
async fn a_request_that_trickles_is_received_like_any_other() -> TestResult {
    const TOTAL: u32 = 5000;
    let bed = Bed::new().await?;
    let mut attacker = bed.attacker().await?;
    let body = raw::encode(&vec![7_u8; TOTAL as usize]);
    attacker
        .send(&raw::begin_request(0, "echo", body.len() as u32, &body[..1]))
        .await?;
    for (index, byte) in body.iter().enumerate().skip(1) {
        let more = if index + 1 < body.len() { raw::MORE } else { 0 };
        attacker
            .send(&raw::frame(raw::REQUEST_DATA | more, 0, &[*byte]))
            .await?;
    }
    let frame = ends("the answer", attacker.next()).await?;
    assert_eq!((frame.kind, frame.more), (raw::REPLY, false), "{}", frame.text());
    bed.is_well().await;
    Ok(())
}

/// Frames cut anywhere, and peers that leave anywhere.
#[tokio::test]
async fn a_peer_may_leave_at_any_byte() -> TestResult {
    let bed = Bed::new().await?;
    let all = [
        raw::client_hello(),
        raw::request(0, "hold", &(0_u64,)),
        raw::begin_request(1, "echo", 5000, &[7; 100]),
        raw::frame(raw::CANCEL, 0, &[]),
        raw::failure(raw::CLOSE, 0, Code::Unavailable, Outcome::Unknown, "enough"),
    ]
    .concat();
    for length in (0..all.len()).step_by(3).chain([all.len()]) {
        let mut attacker = Peer::dial(&bed.server.local_addr()).await?;
        attacker.send(&all[..length]).await?;
        drop(attacker);
    }
    bed.is_well().await;
    bed.prober.until(|counts| counts.running == 0).await;
    Ok(())
}

/// Bytes without any sense behind a good hello, the same ones in every run.
#[tokio::test]
async fn noise_ends_the_connection_and_nothing_else() -> TestResult {
    let bed = Bed::new().await?;
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut attacker = bed.attacker().await?;
        let mut noise = vec![0; 4096];
        random.fill(&mut noise);
        // A length that a frame may have, so that more than headers is reached.
        noise[1..3].copy_from_slice(&[0, 0]);
        noise[3] = random.u8(1..=10) | if random.bool() { raw::MORE } else { 0 };
        // The server may have closed already.
        let _ = attacker.send(&noise).await;
        leave(attacker.stream, seed).await;
    }
    bed.is_well().await;
    bed.prober.until(|counts| counts.running == 0).await;
    Ok(())
}

/// Says nothing more, and waits until the server has closed.
async fn leave(mut stream: TcpStream, seed: u64) {
    use tokio::io::AsyncWriteExt;
    // Either may fail when the server was first.
    let _ = stream.shutdown().await;
    let mut rest = Vec::new();
    let _ = ends(&format!("the connection of seed {seed}"), stream.read_to_end(&mut rest)).await;
}
