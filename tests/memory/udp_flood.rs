//! What strangers can make a server remember.

use std::net::{Ipv4Addr, UdpSocket};

use farcall::RunningServer;
use farcall_tests::{
    TestResult,
    datagrams::{self, COOKIE, LEAST, Stranger, VERSION, data, hello, packet},
    ledger::socket,
    probe::{ProbeClient, Prober, ends},
    raw, say, scaled,
};
use tokio::runtime::Builder;

use crate::{HEAP, alone_on};

const HANDFUL: u32 = 16;
const MIB: usize = 1 << 20;

fn on_two_threads(test: impl Future<Output = TestResult>) -> TestResult {
    alone_on(Builder::new_multi_thread().worker_threads(2), test)
}

async fn bed() -> farcall::Result<(RunningServer, ProbeClient)> {
    let server = Prober::new().server().listen("udp://127.0.0.1:0").await?;
    let client = ProbeClient::connect(server.local_addr()).await?;
    assert_eq!(client.add(1, 2).await?, 3);
    Ok((server, client))
}

/// How much more than `before` was in use at one time since.
fn grown(before: usize) -> usize {
    HEAP.peak_usage().saturating_sub(before)
}

fn start_counting() -> usize {
    HEAP.reset_peak_usage();
    HEAP.current_usage()
}

/// Hellos, with and without a forged cookie, and packets, each from an address of its own.
#[test]
fn addresses_that_prove_nothing_are_not_remembered() -> TestResult {
    on_two_threads(async {
        let (server, client) = bed().await?;
        let address = socket(&server.local_addr());
        let mut stranger = Stranger::new(address, 1).await?;
        let before = start_counting();
        let addresses = scaled(4000, 100_000);
        for handful in 0..addresses / HANDFUL {
            for index in handful * HANDFUL..(handful + 1) * HANDFUL {
                let [_, a, b, c] = (index + 2).to_be_bytes();
                let socket = UdpSocket::bind((Ipv4Addr::new(127, a, b, c), 0))?;
                socket.send_to(&hello(VERSION, u64::from(index), &[0; COOKIE], LEAST), address)?;
                socket.send_to(&hello(VERSION, u64::from(index), &[7; COOKIE], LEAST), address)?;
                socket.send_to(&packet(u64::from(index), 1, &data(0, 0, b"hello")), address)?;
            }
            stranger.answers().await?;
            assert_eq!(ends("an honest call", client.add(1, 2)).await?, 3);
        }
        let grown = grown(before);
        say(format_args!("{addresses} addresses: {grown} bytes more at most"));
        assert!(grown < MIB, "{grown} bytes for {addresses} addresses");
        Ok(())
    })
}

/// Clients that prove their address, and then say nothing.
#[test]
fn a_session_that_says_nothing_costs_little() -> TestResult {
    on_two_threads(async {
        let (server, client) = bed().await?;
        let mut stranger = Stranger::new(socket(&server.local_addr()), 4).await?;
        let before = start_counting();
        // Enough of them that what a busy machine holds for a moment is not taken for what they cost.
        let sessions = scaled(400, 5000);
        for _ in 0..sessions {
            stranger.open().await?;
            assert_eq!(ends("an honest call", client.add(1, 2)).await?, 3);
        }
        let each = grown(before) / sessions;
        say(format_args!("{sessions} sessions: {each} bytes each"));
        assert!(each < 8 << 10, "{each} bytes each");
        Ok(())
    })
}

/// A session, and the connection in it: its first packet is spent.
async fn enter(stranger: &mut Stranger) -> std::io::Result<u64> {
    let session = stranger.open().await?;
    stranger
        .send(&packet(session, 0, &data(0, 0, &raw::client_hello())))
        .await?;
    Ok(session)
}

/// A client that proved its address sends pieces that never become a whole: gaps, overlaps, contradictions.
async fn pieces(name: &str, most: usize, piece: impl Fn(u64) -> Vec<u8>) -> TestResult {
    let (server, client) = bed().await?;
    let mut stranger = Stranger::new(socket(&server.local_addr()), 2).await?;
    let session = enter(&mut stranger).await?;
    let before = start_counting();
    let packets = scaled(6000, 100_000);
    for number in 1..packets {
        stranger.send(&packet(session, number, &piece(number))).await?;
        if number % u64::from(HANDFUL) == 0 {
            for answer in stranger.answers().await? {
                assert_ne!(
                    answer[0],
                    datagrams::RESET,
                    "{name}: the session is over after {number} packets"
                );
            }
        }
        if number % 256 == 0 {
            assert_eq!(ends("an honest call", client.add(1, 2)).await?, 3);
        }
    }
    let grown = grown(before);
    say(format_args!("{packets} {name}: {grown} bytes more at most"));
    assert!((MIB / 16..most).contains(&grown), "{grown} bytes for {packets} {name}");
    Ok(())
}

/// Each lane misses its first byte.
#[test]
fn first_pieces_of_many_messages_are_bounded() -> TestResult {
    on_two_threads(async {
        pieces("lanes without a beginning", 16 * MIB, |number| {
            (0..50)
                .flat_map(|index| data((50 * number + index) % 131_000, 1, &[7; 8]))
                .collect()
        })
        .await
    })
}

/// What does not fit any more must not take memory either: a lane for each datagram.
#[test]
fn large_pieces_of_many_messages_are_bounded() -> TestResult {
    on_two_threads(async {
        pieces("large lanes without a beginning", 16 * MIB, |number| {
            data(number % 131_000, 1, &[7; 1000])
        })
        .await
    })
}

/// Tiny pieces cost more than their bytes.
#[test]
fn single_bytes_with_gaps_are_bounded() -> TestResult {
    on_two_threads(async {
        pieces("single bytes", 16 * MIB, |number| {
            (0..50)
                .flat_map(|index| data(1, 1 + 2 * (50 * number + index), &[7]))
                .collect()
        })
        .await
    })
}

#[test]
fn pieces_that_overlap_and_contradict_are_bounded() -> TestResult {
    on_two_threads(async {
        pieces("overlapping pieces", 16 * MIB, |number| {
            data(3, 1 + number * 7 % 100_003, &[number as u8; 1100])
        })
        .await
    })
}

/// Packets with numbers that leave gaps: what is to be acknowledged.
#[test]
fn pings_with_gaps_between_their_numbers_are_bounded() -> TestResult {
    on_two_threads(async {
        let (server, client) = bed().await?;
        let mut stranger = Stranger::new(socket(&server.local_addr()), 3).await?;
        let session = enter(&mut stranger).await?;
        let before = start_counting();
        let packets = scaled(6000, 100_000);
        for number in 1..packets {
            stranger
                .send(&packet(session, 3 * number, &datagrams::varint(4)))
                .await?;
            if number % u64::from(HANDFUL) == 0 {
                stranger.answers().await?;
            }
        }
        assert_eq!(ends("an honest call", client.add(1, 2)).await?, 3);
        let grown = grown(before);
        say(format_args!("{packets} pings with gaps: {grown} bytes more at most"));
        assert!(grown < MIB, "{grown} bytes for {packets} pings");
        Ok(())
    })
}
