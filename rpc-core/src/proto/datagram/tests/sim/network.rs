//! A network that loses, repeats, damages, delays and reorders, the same for the same seed.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::proto::datagram::packet::Datagram;

pub(super) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7000);
/// The source of copies that an attacker sends.
const STRANGER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 9);

/// What happens to datagrams in one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// How many of a thousand are lost, come twice, come again seconds later, are damaged, are cut short.
    pub(super) loss: u32,
    pub(super) twice: u32,
    pub(super) late: u32,
    pub(super) flipped: u32,
    pub(super) cut: u32,
    /// How many of a thousand an attacker repeats from another address, now and then faster than the original.
    pub(super) replayed: u32,
    pub(super) delay: Duration,
    /// Each datagram takes up to this much longer, on its own: they overtake one another.
    pub(super) jitter: Duration,
    /// Bytes per second, and how many wait for their turn at most.
    pub(super) rate: Option<(u64, u64)>,
    /// What is longer disappears, or is refused by the sender's system.
    pub(super) most: usize,
    pub(super) refuses: bool,
}

/// No datagram gets through meanwhile, in one direction or in both.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    pub(super) time: Range<Instant>,
    pub(super) ways: Range<usize>,
}

/// A datagram that arrives at the host behind `to`.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) to: SocketAddr,
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// The direction to the server, and the one to the clients.
pub(super) const TO_SERVER: usize = 0;
pub(super) const TO_CLIENT: usize = 1;

#[derive(Debug)]
pub(super) struct SimNetwork {
    pub(super) ways: [Way; 2],
    pub(super) outages: Vec<Outage>,
    /// From then on the path carries no datagram that is longer.
    pub(super) narrows: Option<(Instant, usize)>,
    rng: Rng,
    begin: Instant,
    /// What each client's address looks like from outside.
    translation: BTreeMap<SocketAddr, SocketAddr>,
    ports: u16,
    queue: BTreeMap<(Instant, u64), Arrival>,
    serial: u64,
    /// When the bottleneck of each direction is free again.
    free: [Instant; 2],
    pub(super) sent: TrafficCounts,
    /// The last datagrams in words, for the story of a run.
    pub(super) story: Option<VecDeque<String>>,
}

/// What was given to the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TrafficCounts {
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
    /// Of all datagrams, times and addresses.
    pub(super) hash: u64,
}

impl SimNetwork {
    pub(super) fn new(ways: [Way; 2], seed: u64, begin: Instant) -> Self {
        Self {
            ways,
            outages: Vec::new(),
            narrows: None,
            rng: Rng::with_seed(seed),
            begin,
            translation: BTreeMap::new(),
            ports: 20_000,
            queue: BTreeMap::new(),
            serial: 0,
            free: [begin; 2],
            sent: TrafficCounts::default(),
            story: None,
        }
    }

    /// A NAT gives the client another port; what is on its way to the old one is lost.
    pub(super) fn rebind(&mut self, client: SocketAddr) {
        self.ports += 1;
        let outside = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), self.ports);
        self.translation.insert(client, outside);
    }

    /// A socket is closed.
    pub(super) fn unbind(&mut self, client: SocketAddr) {
        self.translation.remove(&client);
    }

    /// Sends a datagram, and says whether the sender's system takes one of this length.
    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) -> bool {
        let way = if to == SERVER { TO_SERVER } else { TO_CLIENT };
        self.note(from, to, bytes, now);
        let conditions = self.ways[way].clone();
        if conditions.refuses && bytes.len() > conditions.most {
            return false;
        }
        let narrow = self
            .narrows
            .filter(|&(since, _)| since <= now)
            .map_or(usize::MAX, |(_, most)| most);
        let out = |outage: &Outage| outage.time.contains(&now) && outage.ways.contains(&way);
        let Some(from) = self.outside(from) else { return true };
        let vanishes =
            bytes.len() > conditions.most.min(narrow) || self.outages.iter().any(out) || self.odds(conditions.loss);
        if vanishes {
            return true;
        }
        let Some(leaves) = self.queued(way, bytes.len(), now) else {
            return true;
        };
        let mut copies = vec![leaves + self.delay(&conditions)];
        if self.odds(conditions.twice) {
            copies.push(leaves + self.delay(&conditions));
        }
        if self.odds(conditions.late) {
            copies.push(leaves + Duration::from_millis(self.rng.u64(500..12_000)));
        }
        for at in copies {
            let mut bytes = bytes.to_vec();
            self.damage(&conditions, &mut bytes);
            self.queue(at, Arrival { to, from, bytes });
        }
        if self.odds(conditions.replayed) {
            let from = SocketAddr::new(STRANGER.ip(), self.rng.u16(1..4));
            let at = leaves + conditions.delay * self.rng.u32(1..16) / 8;
            self.queue(
                at,
                Arrival {
                    to,
                    from,
                    bytes: bytes.to_vec(),
                },
            );
        }
        true
    }

    /// When the next datagram arrives.
    pub(super) fn due(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(&(at, _), _)| at)
    }

    /// A datagram that has arrived, at the address that its host knows.
    pub(super) fn receive(&mut self, now: Instant) -> Option<Arrival> {
        while self.due()? <= now {
            let (_, mut arrival) = self.queue.pop_first()?;
            if arrival.to == SERVER {
                return Some(arrival);
            }
            let inside = self.translation.iter().find(|(_, outside)| **outside == arrival.to);
            if let Some((&inside, _)) = inside {
                arrival.to = inside;
                return Some(arrival);
            }
        }
        None
    }

    fn queue(&mut self, at: Instant, arrival: Arrival) {
        self.serial += 1;
        self.queue.insert((at, self.serial), arrival);
    }

    fn outside(&self, from: SocketAddr) -> Option<SocketAddr> {
        if from == SERVER {
            return Some(from);
        }
        self.translation.get(&from).copied()
    }

    /// When a datagram has passed the bottleneck, if its queue has room.
    fn queued(&mut self, way: usize, length: usize, now: Instant) -> Option<Instant> {
        let Some((rate, room)) = self.ways[way].rate else {
            return Some(now);
        };
        let free = self.free[way].max(now);
        let waiting = (free - now).as_nanos() * u128::from(rate) / 1_000_000_000;
        if waiting > u128::from(room) {
            return None;
        }
        self.free[way] = free + Duration::from_nanos(length as u64 * 1_000_000_000 / rate);
        Some(self.free[way])
    }

    fn delay(&mut self, conditions: &Way) -> Duration {
        let jitter = conditions.jitter.as_micros() as u64;
        conditions.delay + Duration::from_micros(self.rng.u64(0..=jitter))
    }

    /// Up to three bits: the checksum notices those in any datagram.
    fn damage(&mut self, conditions: &Way, bytes: &mut Vec<u8>) {
        if self.odds(conditions.cut) {
            bytes.truncate(self.rng.usize(..bytes.len()));
        }
        if self.odds(conditions.flipped) && !bytes.is_empty() {
            for _ in 0..self.rng.u32(1..=3) {
                let index = self.rng.usize(..bytes.len());
                bytes[index] ^= 1 << self.rng.u8(..8);
            }
        }
    }

    fn odds(&mut self, of_a_thousand: u32) -> bool {
        of_a_thousand > 0 && self.rng.u32(..1000) < of_a_thousand
    }

    fn note(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], now: Instant) {
        let at = now - self.begin;
        let mut hash = self.sent.hash;
        let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        add(at.as_nanos() as u64);
        add(u64::from(from.port()) << 16 | u64::from(to.port()));
        add(bytes.len() as u64);
        // The checksum stands for the rest.
        add(bytes.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head)));
        self.sent = TrafficCounts {
            datagrams: self.sent.datagrams + 1,
            bytes: self.sent.bytes + bytes.len() as u64,
            hash,
        };
        if let Some(story) = &mut self.story {
            story.push_back(format!("{at:?} {from} > {to} {:4} {}", bytes.len(), words(bytes)));
        }
    }

    /// A line among the datagrams.
    pub(super) fn tell(&mut self, line: &str, now: Instant) {
        let at = now - self.begin;
        if let Some(story) = &mut self.story {
            story.push_back(format!("{at:?} {line}"));
        }
    }
}

fn words(bytes: &[u8]) -> String {
    match Datagram::read(bytes) {
        Some(Datagram::Packet {
            session,
            number,
            mut chunks,
        }) => {
            let mut words = format!("{:04x}#{number}", session as u16);
            while let Ok(Some(chunk)) = crate::proto::datagram::chunk::Chunk::take(&mut chunks) {
                words.push(' ');
                words.push_str(&chunk_words(&chunk));
            }
            words
        }
        other => format!("{other:?}"),
    }
}

fn chunk_words(chunk: &crate::proto::datagram::chunk::Chunk<'_>) -> String {
    use crate::proto::datagram::chunk::Chunk;
    match chunk {
        Chunk::Data {
            lane,
            offset,
            after,
            bytes,
        } => {
            let after = after.map_or(String::new(), |after| format!(" after {after}"));
            format!("[{lane}: {offset}+{}{after}]", bytes.len())
        }
        Chunk::Ack(ack) => {
            let ranges: Vec<_> = ack
                .ranges()
                .map(|range| format!("{}..{}", range.start, range.end))
                .collect();
            format!("ack({})", ranges.join(","))
        }
        other => format!("{other:?}"),
    }
}
