//! Strangers send anything: they get back no more than they sent, garbage gets nothing, and other clients
//! notice nothing.

use std::{net::SocketAddr, time::Instant};

use farcall::{Channel, Limits, RunningServer};
use farcall_tests::{
    TestResult,
    datagrams::{
        self, COOKIE, HELLO, LEAST, PACKET, REFUSED, RESET, RETRY, Stranger, VERSION, WELCOME, data, datagram, hello,
        numbered, packet,
    },
    ledger::socket,
    probe::{ProbeClient, Prober, ends},
    raw,
    relay::{Relay, To},
    say, scaled,
};
use fastrand::Rng;
use futures::future::join_all;

/// What a receive buffer surely holds.
const HANDFUL: usize = 32;
const LONGEST: usize = 1400;

/// A server, and an honest client of it.
struct Bed {
    prober: Prober,
    _server: RunningServer,
    address: SocketAddr,
    client: ProbeClient,
}

impl Bed {
    async fn new() -> farcall::Result<Self> {
        let prober = Prober::new();
        let server = prober.server().listen("udp://127.0.0.1:0").await?;
        let client = ProbeClient::connect(server.local_addr()).await?;
        assert_eq!(client.add(1, 2).await?, 3);
        Ok(Self {
            prober,
            address: socket(&server.local_addr()),
            _server: server,
            client,
        })
    }

    /// Sends datagrams a handful at a time, an honest call beside each handful; gives what came back for each.
    async fn send(&self, datagrams: &[Vec<u8>], seed: u64) -> Result<Vec<Vec<Vec<u8>>>, Box<dyn std::error::Error>> {
        let mut stranger = Stranger::new(self.address, seed).await?;
        let mut answers = Vec::new();
        for handful in datagrams.chunks(HANDFUL) {
            for datagram in handful {
                stranger.send(datagram).await?;
            }
            answers.push(stranger.answers().await?);
            self.is_well().await?;
        }
        Ok(answers)
    }

    async fn is_well(&self) -> TestResult {
        assert_eq!(ends("an honest call", self.client.add(1, 2)).await?, 3);
        Ok(())
    }
}

fn bytes<'a>(datagrams: impl IntoIterator<Item = &'a Vec<u8>>) -> usize {
    datagrams.into_iter().map(Vec::len).sum()
}

fn noise(random: &mut Rng, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    random.fill(&mut noise);
    noise
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_gets_nothing() -> TestResult {
    let bed = Bed::new().await?;
    let mut random = Rng::with_seed(34);
    let garbage: Vec<_> = (0..scaled(3000, 100_000))
        .map(|index| {
            let length = random.usize(0..=LONGEST);
            let mut garbage = noise(&mut random, length);
            // Every other one begins as a real one does, and only its checksum is wrong.
            if let Some(kind) = garbage.first_mut().filter(|_| index % 2 == 0) {
                *kind = random.u8(HELLO..=PACKET);
            }
            garbage
        })
        .collect();
    for answers in bed.send(&garbage, 34).await? {
        assert!(answers.is_empty(), "{answers:?}");
    }
    Ok(())
}

/// Zero-length datagrams are counted like any other: the honest call beside them is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_datagrams_get_nothing_and_stop_nobody() -> TestResult {
    let bed = Bed::new().await?;
    let empty = vec![Vec::new(); scaled(20_000, 1_000_000)];
    for answers in bed.send(&empty, 35).await? {
        assert!(answers.is_empty(), "{answers:?}");
    }
    Ok(())
}

/// Every kind, with a right checksum and with bodies of every length that mean nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stranger_gets_more_than_it_sent() -> TestResult {
    let bed = Bed::new().await?;
    let mut random = Rng::with_seed(36);
    let (mut sent, mut back) = (0, 0);
    for kind in 0..=PACKET + 2 {
        let datagrams: Vec<_> = (0..scaled(300, 12_000))
            .map(|_| {
                let length = random.usize(0..=LONGEST - 5);
                let mut body = noise(&mut random, length);
                // Hellos of the right version, as most are.
                if let Some(version) = body.first_mut().filter(|_| kind == HELLO && random.u8(..8) > 0) {
                    *version = VERSION;
                }
                datagram(kind, &body)
            })
            .collect();
        let answers = bed.send(&datagrams, u64::from(kind)).await?;
        for (handful, answers) in datagrams.chunks(HANDFUL).zip(&answers) {
            assert!(
                bytes(answers) <= bytes(handful),
                "kind {kind}: {} bytes back",
                bytes(answers)
            );
            assert!(
                answers.len() <= handful.len(),
                "kind {kind}: {} datagrams back",
                answers.len()
            );
            assert!(
                answers.is_empty() || [HELLO, PACKET].contains(&kind),
                "kind {kind}: {answers:?}"
            );
        }
        sent += bytes(&datagrams);
        back += answers.iter().map(bytes).sum::<usize>();
    }
    say(format_args!("{back} bytes back for {sent} of strangers"));
    Ok(())
}

/// One datagram at a time, so that each answer belongs to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_datagram_gets_what_it_may() -> TestResult {
    let bed = Bed::new().await?;
    let mut stranger = Stranger::new(bed.address, 37).await?;
    let none = [0; COOKIE];
    let cases = [
        ("a hello", hello(VERSION, 1, &none, LEAST), Some(RETRY)),
        ("a longer one", hello(VERSION, 2, &none, 1400), Some(RETRY)),
        ("a short one", hello(VERSION, 3, &none, LEAST - 1), None),
        ("the least", hello(VERSION, 4, &none, 0), None),
        (
            "no cookie of this server's",
            hello(VERSION, 5, &[7; COOKIE], LEAST),
            Some(RETRY),
        ),
        ("a retry", numbered(RETRY, 6, &none), None),
        ("a welcome", numbered(WELCOME, 7, &[7; 12]), None),
        ("a refusal", numbered(REFUSED, 8, &[1]), None),
        ("a reset", numbered(RESET, 9, &[]), None),
        (
            "a packet of no session",
            packet(10, 1, &data(1, 0, b"hello")),
            Some(RESET),
        ),
        ("the shortest packet", packet(11, 1, &[]), Some(RESET)),
        ("less than a packet", datagram(PACKET, &[0; 13]), None),
        ("an unknown kind", datagram(77, &[0; 100]), None),
    ];
    for (name, sent, expected) in cases {
        stranger.send(&sent).await?;
        let answers = stranger.answers().await?;
        let kinds: Vec<_> = answers.iter().map(|answer| answer[0]).collect();
        assert_eq!(kinds, Vec::from_iter(expected), "{name}");
        assert!(bytes(&answers) <= sent.len(), "{name}: {} bytes back", bytes(&answers));
        // As if a server had been aimed at another one: what one says the other does not answer.
        for answer in answers {
            stranger.send(&answer).await?;
            assert!(
                stranger.answers().await?.is_empty(),
                "{name}: two servers talk to each other"
            );
        }
    }
    let other_version = hello(VERSION + 1, 12, &none, LEAST);
    stranger.send(&other_version).await?;
    assert!(bytes(&stranger.answers().await?) <= other_version.len());
    bed.is_well().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_are_rationed() -> TestResult {
    let bed = Bed::new().await?;
    let mut random = Rng::with_seed(38);
    let start = Instant::now();
    let packets: Vec<_> = (0..scaled(5000, 100_000))
        .map(|number| packet(random.u64(..), number, &[]))
        .collect();
    let answers = bed.send(&packets, 38).await?;
    let resets: usize = answers.iter().map(Vec::len).sum();
    let allowed = 1001 + start.elapsed().as_millis() as usize;
    say(format_args!(
        "{resets} resets for {} packets in {:?}",
        packets.len(),
        start.elapsed()
    ));
    assert!((1000..=allowed).contains(&resets), "{resets} resets");
    Ok(())
}

/// What would run a handler, or answer a call, if the session were right.
fn forged(random: &mut Rng, frame: &[u8]) -> Vec<u8> {
    let lane = random.u64(..8);
    packet(random.u64(..), random.u64(..1 << 20), &data(lane, 0, frame))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guessed_session_is_no_session() -> TestResult {
    let bed = Bed::new().await?;
    let mut random = Rng::with_seed(39);
    let before = bed.prober.counts().started;
    let forged: Vec<_> = (0..scaled(3000, 1_000_000))
        .map(|call| forged(&mut random, &raw::request(call % 4, "hold", &(0_u64,))))
        .collect();
    let handfuls = bed.send(&forged, 39).await?.len();
    let honest = bed.prober.counts();
    assert_eq!(honest.started - before, handfuls, "only the honest calls ran");
    assert_eq!(honest.most, 1);
    Ok(())
}

/// The same towards a client, and from the very address that it talks to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guessed_answer_is_no_answer() -> TestResult {
    const CALLS: u64 = 64;
    let prober = Prober::new();
    let server = prober.server().listen("udp://127.0.0.1:0").await?;
    let relay = Relay::start(socket(&server.local_addr()), 40)?;
    let client = ProbeClient::new(Channel::builder().no_timeout().connect(relay.url()).await?);
    let calls: Vec<_> = (0..CALLS).map(|id| tokio::spawn(client.hold(id))).collect();
    prober.until(|counts| counts.running == CALLS as usize).await;

    let mut random = Rng::with_seed(40);
    for handful in 0..scaled(100, 30_000) {
        let mut datagrams: Vec<_> = (0..HANDFUL as u32 - 4)
            .map(|call| forged(&mut random, &raw::reply(call % CALLS as u32, &4711_u64)))
            .collect();
        let number = random.u64(..);
        datagrams.extend([
            numbered(RESET, number, &[]),
            numbered(REFUSED, number, &[2]),
            numbered(WELCOME, number, &[9; 12]),
            packet(number, 1, &datagrams::varint(7)),
        ]);
        relay.inject(To::Client, datagrams);
        assert_eq!(ends("an honest call", client.add(handful, 2)).await?, handful + 2);
    }
    prober.release();
    for (call, id) in ends("the answers", join_all(calls)).await.into_iter().zip(0..) {
        assert_eq!(call??, id);
    }
    Ok(())
}

/// Clients that prove their address and then stay silent make room for clients that do not, even at one address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_says_nothing_gives_way() -> TestResult {
    const PLACES: usize = 20;
    let limits = Limits::default()
        .max_connections(PLACES)
        .handshake_timeout(std::time::Duration::from_secs(3600));
    let server = Prober::new()
        .server()
        .limits(limits)
        .listen("udp://127.0.0.1:0")
        .await?;
    let mut stranger = Stranger::new(socket(&server.local_addr()), 41).await?;
    for _ in 0..2 * PLACES {
        stranger.open().await?;
    }
    let client = ends("a place", ProbeClient::connect(server.local_addr())).await?;
    assert_eq!(client.add(1, 2).await?, 3);
    Ok(())
}
