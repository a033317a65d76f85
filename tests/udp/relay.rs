//! The bad network that other tests rely on does what it says.

use std::{
    collections::HashMap,
    error::Error,
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use farcall_tests::{
    TestResult, datagrams,
    relay::{Conditions, Relay, To, Traffic},
};

/// How long a datagram may be on its way here.
const PATIENCE: Duration = Duration::from_secs(10);

fn socket() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

struct Bed {
    server: UdpSocket,
    client: UdpSocket,
    relay: Relay,
}

impl Bed {
    fn new(seed: u64) -> io::Result<Self> {
        let (server, client) = (socket()?, socket()?);
        let relay = Relay::start(server.local_addr()?, seed)?;
        client.connect(relay.front())?;
        Ok(Self { server, client, relay })
    }

    /// Sends `count` numbers, gives what arrived of them, and from where the last one came.
    fn send(&self, count: u32) -> io::Result<(Vec<Vec<u8>>, Option<SocketAddr>)> {
        let before = self.relay.traffic(To::Server);
        let (mut arrived, mut last) = (Vec::new(), None);
        let mut buffer = [0; 2048];
        for number in 0..count {
            self.client.send(&number.to_le_bytes())?;
            let passed = self.decided(decided(before) + u64::from(number) + 1).passed - before.passed;
            while (arrived.len() as u64) < passed {
                let (length, from) = self.server.recv_from(&mut buffer)?;
                arrived.push(buffer[..length].to_vec());
                last = Some(from);
            }
        }
        Ok((arrived, last))
    }

    /// Waits until the relay has decided about so many datagrams.
    fn decided(&self, count: u64) -> Traffic {
        loop {
            let traffic = self.relay.traffic(To::Server);
            if decided(traffic) >= count {
                return traffic;
            }
            std::thread::yield_now();
        }
    }
}

fn decided(traffic: Traffic) -> u64 {
    traffic.passed - traffic.duplicated + traffic.dropped
}

#[test]
fn a_good_network_changes_nothing() -> TestResult {
    let bed = Bed::new(1)?;
    let (arrived, from) = bed.send(100)?;
    let sent: Vec<_> = (0..100_u32).map(|number| number.to_le_bytes().to_vec()).collect();
    assert_eq!(arrived, sent);
    assert_ne!(from, Some(bed.client.local_addr()?), "the server sees the relay");

    bed.server.send_to(b"back", from.ok_or("nothing arrived")?)?;
    let mut buffer = [0; 64];
    assert_eq!(bed.client.recv(&mut buffer)?, 4);
    assert_eq!(&buffer[..4], b"back");
    Ok(())
}

#[test]
fn losses_and_repetitions_follow_their_shares_and_the_seed() -> TestResult {
    let run = |seed| -> Result<_, Box<dyn Error>> {
        let bed = Bed::new(seed)?;
        bed.relay.set(
            To::Server,
            Conditions {
                loss: 0.2,
                duplicate: 0.3,
                ..Conditions::default()
            },
        );
        let (arrived, _) = bed.send(1000)?;
        let traffic = bed.relay.traffic(To::Server);
        assert_eq!(arrived.len() as u64, traffic.passed);
        assert_eq!(traffic.passed_bytes, 4 * traffic.passed);
        assert_eq!(traffic.dropped_bytes, 4 * traffic.dropped);
        Ok((arrived, traffic.dropped, traffic.duplicated))
    };
    let (arrived, dropped, duplicated) = run(7)?;
    assert!((150..250).contains(&dropped), "{dropped} of 1000 lost");
    assert!((180..300).contains(&duplicated), "{duplicated} of 800 twice");
    let mut copies = HashMap::<_, u64>::new();
    for datagram in &arrived {
        *copies.entry(datagram).or_default() += 1;
    }
    assert_eq!(
        copies.values().filter(|copies| **copies == 2).count() as u64,
        duplicated
    );
    assert_eq!(run(7)?.0, arrived, "the same seed");
    assert_ne!(run(8)?.0, arrived, "another seed");
    Ok(())
}

#[test]
fn a_late_datagram_arrives_behind_others() -> TestResult {
    let bed = Bed::new(3)?;
    let late = Conditions {
        reorder: 0.3,
        jitter: Duration::from_millis(20),
        ..Conditions::default()
    };
    bed.relay.set(To::Server, late);
    for number in 0..200_u32 {
        bed.client.send(&number.to_be_bytes())?;
    }
    let mut buffer = [0; 64];
    let mut arrived = Vec::new();
    for _ in 0..200 {
        let length = bed.server.recv(&mut buffer)?;
        arrived.push(buffer[..length].to_vec());
    }
    assert!(!arrived.is_sorted());
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived.len(), 200, "and all arrive");
    Ok(())
}

#[test]
fn a_flipped_bit_is_one_bit() -> TestResult {
    let bed = Bed::new(4)?;
    let flips = Conditions {
        flip: 0.5,
        ..Conditions::default()
    };
    bed.relay.set(To::Server, flips);
    let (arrived, _) = bed.send(100)?;
    let wrong = arrived.iter().zip(0_u32..).map(|(datagram, number)| {
        let datagram = u32::from_le_bytes(datagram[..].try_into().expect("four bytes"));
        (datagram ^ number).count_ones()
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.iter().all(|bits| *bits <= 1), "{wrong:?}");
    let flipped = wrong.iter().sum::<u32>();
    assert_eq!(u64::from(flipped), bed.relay.traffic(To::Server).flipped);
    assert!((30..70).contains(&flipped), "{flipped} of 100");
    Ok(())
}

#[test]
fn a_cut_is_one_way_and_heals() -> TestResult {
    let bed = Bed::new(5)?;
    let from = bed.send(1)?.1.ok_or("nothing arrived")?;
    bed.relay.cut(To::Client);
    assert_eq!(bed.send(1)?.0.len(), 1, "the other way carries");
    bed.server.send_to(b"lost", from)?;
    while bed.relay.traffic(To::Client).dropped == 0 {
        std::thread::yield_now();
    }
    bed.relay.heal();
    bed.server.send_to(b"back", from)?;
    let mut buffer = [0; 64];
    bed.client.recv(&mut buffer)?;
    assert_eq!(&buffer[..4], b"back");
    Ok(())
}

#[test]
fn a_client_gets_another_address_and_keeps_its_own() -> TestResult {
    let bed = Bed::new(6)?;
    let before = bed.send(1)?.1.ok_or("nothing arrived")?;
    bed.relay.rebind();
    while bed.relay.rebinds() == 0 {
        std::thread::yield_now();
    }
    let after = bed.send(1)?.1.ok_or("nothing arrived")?;
    assert_ne!(before, after);
    bed.server.send_to(b"lost", before)?;
    bed.server.send_to(b"back", after)?;
    let mut buffer = [0; 64];
    bed.client.recv(&mut buffer)?;
    assert_eq!(&buffer[..4], b"back");
    Ok(())
}

#[test]
fn two_clients_are_two_to_the_server() -> TestResult {
    let bed = Bed::new(7)?;
    let other = socket()?;
    other.connect(bed.relay.front())?;
    other.send(b"other")?;
    let mut buffer = [0; 64];
    let (_, there) = bed.server.recv_from(&mut buffer)?;
    bed.client.send(b"first")?;
    let (_, here) = bed.server.recv_from(&mut buffer)?;
    assert_ne!(here, there);
    bed.server.send_to(b"to other", there)?;
    bed.server.send_to(b"to first", here)?;
    for (socket, expected) in [(&other, b"to other"), (&bed.client, b"to first")] {
        socket.recv(&mut buffer)?;
        assert_eq!(&buffer[..8], expected);
    }
    Ok(())
}

#[test]
fn what_clients_sent_can_be_sent_again() -> TestResult {
    let bed = Bed::new(8)?;
    bed.relay.record();
    let sent = bed.send(10)?.0;
    let recorded = bed.relay.recorded();
    assert_eq!(recorded, sent);
    bed.relay.inject(To::Server, recorded);
    let mut buffer = [0; 64];
    for datagram in &sent {
        let length = bed.server.recv(&mut buffer)?;
        assert_eq!(&buffer[..length], datagram);
    }
    assert!(bed.relay.is_injected(To::Server));
    Ok(())
}

#[test]
fn the_checksum_is_the_one_of_rfc_3720() {
    assert_eq!(datagrams::crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(datagrams::crc32c(&[0; 32]), 0x8a91_36aa);
}
