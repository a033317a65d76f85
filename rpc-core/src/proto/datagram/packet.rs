//! The outside of every datagram: a kind, a checksum, and a body.
//!
//! ```text
//!  0      1          5
//!  +------+----------+--------…
//!  | kind | crc32c   | body
//!  +------+----------+--------…
//! ```
//! The checksum covers the whole datagram with its own four bytes zero. UDP's own is weak, and some paths skip it.

use bytes::{Buf, BufMut};

/// Kind and checksum.
const PREFIX: usize = 5;
/// What stands before the chunks of a packet.
pub(crate) const PACKET_HEADER: usize = PREFIX + 14;
/// The least length of a client's hello: an answer is never longer than the hello, and every path carries this length.
pub(crate) const HELLO: usize = 1200;
/// The version of the datagram wire.
pub(crate) const VERSION: u8 = 1;
/// The bytes of a cookie.
pub(crate) const COOKIE: usize = 20;

/// Proof that a client receives what is sent to its address; all zero for none.
pub(crate) type Cookie = [u8; COOKIE];

/// Why a server opens no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It speaks another version.
    Version,
    /// It has as many sessions as it takes.
    Full,
}

/// A datagram whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datagram<'a> {
    /// A client opens a session; `version` is not checked yet.
    Hello {
        version: u8,
        nonce: u64,
        window: u32,
        cookie: Cookie,
    },
    Retry {
        nonce: u64,
        cookie: Cookie,
    },
    Welcome {
        nonce: u64,
        session: u64,
        window: u32,
    },
    Refused {
        nonce: u64,
        reason: Refusal,
    },
    Reset {
        session: u64,
    },
    Packet {
        session: u64,
        number: u64,
        chunks: &'a [u8],
    },
}

impl<'a> Datagram<'a> {
    /// Reads a datagram; `None` for one that is not of this protocol or was damaged, which must be ignored.
    pub(crate) fn read(datagram: &'a [u8]) -> Option<Self> {
        let (&[kind, a, b, c, d], mut body) = datagram.split_first_chunk::<PREFIX>()?;
        if checksum(kind, body) != u32::from_le_bytes([a, b, c, d]) {
            return None;
        }
        let read = match kind {
            1 if datagram.len() >= HELLO => Self::Hello {
                version: body.try_get_u8().ok()?,
                nonce: body.try_get_u64_le().ok()?,
                window: body.try_get_u32_le().ok()?,
                cookie: *body.first_chunk()?,
            },
            2 => Self::Retry {
                nonce: body.try_get_u64_le().ok()?,
                cookie: *body.first_chunk()?,
            },
            3 => Self::Welcome {
                nonce: body.try_get_u64_le().ok()?,
                session: body.try_get_u64_le().ok()?,
                window: body.try_get_u32_le().ok()?,
            },
            4 => Self::Refused {
                nonce: body.try_get_u64_le().ok()?,
                reason: match body.try_get_u8().ok()? {
                    1 => Refusal::Version,
                    2 => Refusal::Full,
                    _ => return None,
                },
            },
            5 => Self::Reset {
                session: body.try_get_u64_le().ok()?,
            },
            6 => Self::Packet {
                session: body.try_get_u64_le().ok()?,
                number: body.try_get_uint_le(6).ok()?,
                chunks: body,
            },
            _ => return None,
        };
        Some(read)
    }

    /// The session that a packet names, if it is one; nothing is checked.
    pub(crate) fn peek_session(datagram: &[u8]) -> Option<u64> {
        let (&[kind, ..], mut body) = datagram.split_first_chunk::<PREFIX>()?;
        (kind == 6).then(|| body.try_get_u64_le().ok()).flatten()
    }

    /// Appends the datagram, whole: [`Packet`](Self::Packet) with its chunks, a hello with its padding.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; PREFIX]);
        out[start] = match *self {
            Self::Hello {
                version,
                nonce,
                window,
                cookie,
            } => {
                out.put_u8(version);
                out.put_u64_le(nonce);
                out.put_u32_le(window);
                out.put_slice(&cookie);
                out.resize(start + HELLO, 0);
                1
            }
            Self::Retry { nonce, cookie } => {
                out.put_u64_le(nonce);
                out.put_slice(&cookie);
                2
            }
            Self::Welcome { nonce, session, window } => {
                out.put_u64_le(nonce);
                out.put_u64_le(session);
                out.put_u32_le(window);
                3
            }
            Self::Refused { nonce, reason } => {
                out.put_u64_le(nonce);
                out.put_u8(match reason {
                    Refusal::Version => 1,
                    Refusal::Full => 2,
                });
                4
            }
            Self::Reset { session } => {
                out.put_u64_le(session);
                5
            }
            Self::Packet {
                session,
                number,
                chunks,
            } => {
                out.put_u64_le(session);
                out.put_uint_le(number, 6);
                out.put_slice(chunks);
                6
            }
        };
        seal(&mut out[start..]);
    }
}

/// Begins a packet in place, so that its chunks are written where they are sent from; [`seal`] ends it.
pub(crate) fn begin_packet(out: &mut Vec<u8>, session: u64, number: u64) {
    out.extend_from_slice(&[6, 0, 0, 0, 0]);
    out.put_u64_le(session);
    out.put_uint_le(number, 6);
}

/// Writes the checksum of a whole datagram into its place.
pub(crate) fn seal(datagram: &mut [u8]) {
    if let Some((prefix, body)) = datagram.split_first_chunk_mut::<PREFIX>() {
        let sum = checksum(prefix[0], body);
        prefix[1..].copy_from_slice(&sum.to_le_bytes());
    }
}

/// CRC32C over the kind, four zeros and the body.
fn checksum(kind: u8, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&[kind, 0, 0, 0, 0]), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Datagram<'static>> {
        let cookie = std::array::from_fn(|index| index as u8);
        vec![
            Datagram::Hello {
                version: VERSION,
                nonce: 7,
                window: 1 << 20,
                cookie,
            },
            Datagram::Retry { nonce: 7, cookie },
            Datagram::Welcome {
                nonce: 7,
                session: u64::MAX,
                window: 3,
            },
            Datagram::Refused {
                nonce: 7,
                reason: Refusal::Full,
            },
            Datagram::Reset { session: 9 },
            Datagram::Packet {
                session: 9,
                number: (1 << 48) - 1,
                chunks: b"chunks",
            },
        ]
    }

    #[test]
    fn what_is_put_is_read() {
        for datagram in all() {
            let mut out = vec![0xff];
            datagram.put(&mut out);
            assert_eq!(Datagram::read(&out[1..]), Some(datagram));
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        for datagram in all() {
            let mut out = Vec::new();
            datagram.put(&mut out);
            for bit in 0..out.len() * 8 {
                out[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Datagram::read(&out), None, "bit {bit} of {datagram:?}");
                out[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn a_short_datagram_is_none() {
        for datagram in all() {
            let mut out = Vec::new();
            datagram.put(&mut out);
            for length in 0..out.len() {
                assert_eq!(Datagram::read(&out[..length]), None);
            }
        }
    }
}
