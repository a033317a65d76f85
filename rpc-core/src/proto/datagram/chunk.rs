//! What a packet holds: one chunk after the other.
//!
//! Integers are variable in length as in RFC 9000: the top two bits of the first byte say whether 1, 2, 4 or 8 bytes
//! hold the number, most significant first.

use std::{ops::Range, time::Duration};

use bytes::{Buf, BufMut};

use super::ranges::Ranges;

const PADDING: u8 = 0;
const DATA: u8 = 1;
const LAST: u8 = 2;
const ACK: u8 = 3;
const PING: u8 = 4;
const CHALLENGE: u8 = 5;
const RESPONSE: u8 = 6;
const CLOSE: u8 = 7;

/// An acknowledgement names at most this many ranges, the newest ones.
pub(crate) const ACK_RANGES: usize = 32;
/// The bytes of a challenge or its response.
pub(crate) const TOKEN_CHUNK: usize = 9;

/// One chunk, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk<'a> {
    /// Bytes of a lane. With `after` they are not delivered before that many bytes on all lanes were.
    Data {
        lane: u32,
        offset: u64,
        after: Option<u64>,
        bytes: &'a [u8],
    },
    Ack(Ack<'a>),
    Ping,
    Challenge(u64),
    Response(u64),
    Close,
}

/// Which packets arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack<'a> {
    pub(crate) largest: u64,
    /// How long the newest of them waited for this.
    pub(crate) delay: Duration,
    /// The length of the first range less one, then gaps and lengths less one.
    ranges: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Takes the next chunk off a packet; `Ok(None)` at its end.
    pub(crate) fn take(packet: &mut &'a [u8]) -> Result<Option<Self>, Malformed> {
        loop {
            let Some((&kind, rest)) = packet.split_first() else {
                return Ok(None);
            };
            *packet = rest;
            return Ok(Some(match kind {
                PADDING => continue,
                DATA => Self::take_data(packet, None)?,
                LAST => {
                    let position = take_varint(packet)?;
                    Self::take_data(packet, Some(position))?
                }
                ACK => Self::Ack(Ack::take(packet)?),
                PING => Self::Ping,
                CHALLENGE => Self::Challenge(packet.try_get_u64().map_err(|_| Malformed)?),
                RESPONSE => Self::Response(packet.try_get_u64().map_err(|_| Malformed)?),
                CLOSE => Self::Close,
                _ => return Err(Malformed),
            }));
        }
    }

    fn take_data(packet: &mut &'a [u8], after: Option<u64>) -> Result<Self, Malformed> {
        let lane = u32::try_from(take_varint(packet)?).map_err(|_| Malformed)?;
        let offset = take_varint(packet)?;
        let length = usize::try_from(take_varint(packet)?).map_err(|_| Malformed)?;
        let (bytes, rest) = packet.split_at_checked(length).ok_or(Malformed)?;
        *packet = rest;
        Ok(Self::Data {
            lane,
            offset,
            after,
            bytes,
        })
    }

    /// Whether the peer must acknowledge a packet with this chunk.
    pub(crate) fn elicits(&self) -> bool {
        !matches!(self, Self::Ack(_) | Self::Close)
    }
}

impl<'a> Ack<'a> {
    fn take(packet: &mut &'a [u8]) -> Result<Self, Malformed> {
        let largest = take_varint(packet)?;
        let delay = Duration::from_micros(take_varint(packet)?);
        let count = take_varint(packet)?;
        let start = *packet;
        let mut lowest = step(largest, take_varint(packet)?)?;
        for _ in 0..count {
            // Between two ranges at least one packet is missing.
            let highest = step(lowest, take_varint(packet)?.saturating_add(2))?;
            lowest = step(highest, take_varint(packet)?)?;
        }
        Ok(Self {
            largest,
            delay,
            ranges: &start[..start.len() - packet.len()],
        })
    }

    /// The ranges, from the highest to the lowest.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<u64>> + use<'a> {
        let mut rest = self.ranges;
        let mut highest = Some(self.largest);
        std::iter::from_fn(move || {
            let top = highest?;
            let lowest = step(top, take_varint(&mut rest).ok()?).ok()?;
            highest = take_varint(&mut rest)
                .ok()
                .and_then(|gap| step(lowest, gap.saturating_add(2)).ok());
            Some(lowest..top + 1)
        })
    }
}

fn step(from: u64, down: u64) -> Result<u64, Malformed> {
    from.checked_sub(down).ok_or(Malformed)
}

/// A chunk that cannot be read: the peer is broken, since the checksum was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// How many of `length` bytes of a lane fit, with their header, into `room`.
pub(crate) fn data_fits(room: usize, lane: u32, offset: u64, after: Option<u64>, length: usize) -> usize {
    let fixed = 1 + varint_len(u64::from(lane)) + varint_len(offset) + after.map_or(0, varint_len);
    let Some(room) = room.checked_sub(fixed) else {
        return 0;
    };
    if length + varint_len(length as u64) <= room {
        return length;
    }
    // A datagram has less than 16 KiB, so two bytes hold any length that does not fit.
    room.saturating_sub(2)
}

pub(crate) fn put_data(out: &mut Vec<u8>, lane: u32, offset: u64, after: Option<u64>, bytes: &[u8]) {
    match after {
        None => out.push(DATA),
        Some(position) => {
            out.push(LAST);
            put_varint(out, position);
        }
    }
    put_varint(out, u64::from(lane));
    put_varint(out, offset);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends an acknowledgement of the newest ranges; nothing when there are none.
pub(crate) fn put_ack(out: &mut Vec<u8>, received: &Ranges, delay: Duration) {
    let mut ranges = received.descending().take(ACK_RANGES);
    let further = ranges.len().saturating_sub(1);
    let Some(first) = ranges.next() else { return };
    out.push(ACK);
    put_varint(out, first.end - 1);
    put_varint(out, u64::try_from(delay.as_micros()).unwrap_or(0));
    put_varint(out, further as u64);
    put_varint(out, first.end - 1 - first.start);
    let mut lowest = first.start;
    for range in ranges {
        put_varint(out, lowest - range.end - 1);
        put_varint(out, range.end - 1 - range.start);
        lowest = range.start;
    }
}

pub(crate) fn put_ping(out: &mut Vec<u8>) {
    out.push(PING);
}

pub(crate) fn put_challenge(out: &mut Vec<u8>, token: u64) {
    out.push(CHALLENGE);
    out.put_u64(token);
}

pub(crate) fn put_response(out: &mut Vec<u8>, token: u64) {
    out.push(RESPONSE);
    out.put_u64(token);
}

pub(crate) fn put_close(out: &mut Vec<u8>) {
    out.push(CLOSE);
}

fn varint_len(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    match varint_len(value) {
        1 => out.push(value as u8),
        2 => out.put_u16(value as u16 | 1 << 14),
        4 => out.put_u32(value as u32 | 2 << 30),
        // Packet numbers and positions stay far below 2^62.
        _ => out.put_u64(value | 3 << 62),
    }
}

fn take_varint(input: &mut &[u8]) -> Result<u64, Malformed> {
    let first = *input.first().ok_or(Malformed)?;
    let value = match first >> 6 {
        0 => input.try_get_u8().map(u64::from),
        1 => input.try_get_u16().map(|value| u64::from(value & 0x3fff)),
        2 => input.try_get_u32().map(|value| u64::from(value & 0x3fff_ffff)),
        _ => input.try_get_u64().map(|value| value & (u64::MAX >> 2)),
    };
    value.map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_rfc_9000() {
        for (bytes, value) in [
            (&[0x25][..], 37),
            (&[0x7b, 0xbd], 15_293),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (
                &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c],
                151_288_809_941_952_652,
            ),
        ] {
            assert_eq!(take_varint(&mut &*bytes), Ok(value));
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out, bytes);
            assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), Err(Malformed));
        }
    }

    #[test]
    fn chunks_are_read_as_they_were_put() {
        let mut received = Ranges::default();
        for range in [0..3, 5..6, 100..4000] {
            received.insert(range);
        }
        let mut out = Vec::new();
        put_ack(&mut out, &received, Duration::from_micros(77));
        put_data(&mut out, 3, 70_000, None, b"abc");
        put_data(&mut out, 0, 1, Some(9), b"");
        put_ping(&mut out);
        out.extend_from_slice(&[0; 5]);
        put_challenge(&mut out, u64::MAX);
        put_response(&mut out, 1);
        put_close(&mut out);
        let mut packet = &out[..];
        let Ok(Some(Chunk::Ack(ack))) = Chunk::take(&mut packet) else {
            panic!("an acknowledgement")
        };
        assert_eq!((ack.largest, ack.delay), (3999, Duration::from_micros(77)));
        assert_eq!(ack.ranges().collect::<Vec<_>>(), [100..4000, 5..6, 0..3]);
        let rest: Vec<_> = std::iter::from_fn(|| Chunk::take(&mut packet).expect("well formed")).collect();
        let data = |lane, offset, after, bytes| Chunk::Data {
            lane,
            offset,
            after,
            bytes,
        };
        assert_eq!(
            rest,
            [
                data(3, 70_000, None, b"abc"),
                data(0, 1, Some(9), b""),
                Chunk::Ping,
                Chunk::Challenge(u64::MAX),
                Chunk::Response(1),
                Chunk::Close
            ]
        );
    }

    #[test]
    fn what_fits_fills_the_room() {
        for room in 0..200 {
            for length in [0, 1, 62, 63, 64, 65, 150, 1000] {
                for after in [None, Some(1 << 20)] {
                    let fits = data_fits(room, 300, 70_000, after, length);
                    let mut out = Vec::new();
                    put_data(&mut out, 300, 70_000, after, &vec![1; fits]);
                    assert!(fits <= length);
                    assert!(fits == 0 || out.len() <= room, "{room} {length} {fits}");
                    assert!(fits == length || fits == 0 || out.len() + 2 > room);
                }
            }
        }
    }

    #[test]
    fn an_acknowledgement_of_less_than_nothing_is_malformed() {
        for packet in [
            &[ACK, 5, 0, 0, 6][..],
            &[ACK, 5, 0, 1, 0, 4, 0],
            &[ACK, 5, 0, 9, 0],
            &[9],
            &[DATA, 1, 0, 2, 0],
        ] {
            assert_eq!(Chunk::take(&mut &*packet), Err(Malformed), "{packet:?}");
        }
    }
}
