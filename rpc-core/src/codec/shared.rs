//! Long runs of bytes that are not copied between a message and a value.
//!
//! serde shows a format only borrowed bytes. So who encodes a [`Bytes`] says here which one that is, and the writer
//! leaves it out where it comes; who decodes one says which message it comes from, and the value becomes a part of it.

use std::{cell::Cell, fmt, mem};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Codec, CodecError, Format};

/// The shortest bytes that become a part of their message, which is kept as long as they are.
const LONG_PART: usize = 32 << 10;
/// The shortest run that is left out. Who made a shorter one should have its memory back soon: a copy lies in a buffer
/// that is used again, while most allocators return what many answers free at once to the system.
pub(crate) const LONG_RUN: usize = 512 << 10;

/// A run of bytes that is left out where it is written.
struct LeftOut {
    run: Bytes,
    /// Where it belongs.
    at: Option<usize>,
}

thread_local! {
    static LEFT_OUT: Cell<Option<LeftOut>> = const { Cell::new(None) };
    static MESSAGE: Cell<Bytes> = const { Cell::new(Bytes::new()) };
}

/// Puts back what was there before, also on unwinding.
struct Restore<F: FnMut()>(F);

impl<F: FnMut()> Drop for Restore<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Appends `value`, which ends with `run`, to `buffer`; says whether the run was left out and is to follow.
pub(crate) fn encode_before<T: Serialize + ?Sized>(
    format: Format,
    value: &T,
    run: &Bytes,
    buffer: &mut Vec<u8>,
) -> Result<bool, CodecError> {
    let left_out = LeftOut {
        run: run.clone(),
        at: None,
    };
    let mut outer = LEFT_OUT.replace(Some(left_out));
    let (encoded, at) = {
        let _restore = Restore(|| LEFT_OUT.set(outer.take()));
        let encoded = format.encode(value, buffer);
        (encoded, LEFT_OUT.take().and_then(|left_out| left_out.at))
    };
    encoded?;
    match at {
        Some(at) if at < buffer.len() => {
            buffer.splice(at..at, run.iter().copied());
            Ok(false)
        }
        at => Ok(at.is_some()),
    }
}

/// Whether these bytes are a run to be left out, which then belongs at that place.
#[cold]
pub(super) fn leaves_out(bytes: &[u8], at: usize) -> bool {
    let Some(mut left_out) = LEFT_OUT.take() else {
        return false;
    };
    let same = left_out.at.is_none() && left_out.run.as_ptr() == bytes.as_ptr() && left_out.run.len() == bytes.len();
    if same {
        left_out.at = Some(at);
    }
    LEFT_OUT.set(Some(left_out));
    same
}

/// Decodes values that may become parts of `message`.
pub(crate) fn decoding_from<R>(message: &Bytes, decode: impl FnOnce() -> R) -> R {
    if message.len() < LONG_PART {
        return decode();
    }
    let mut outer = MESSAGE.replace(message.clone());
    let _restore = Restore(|| MESSAGE.set(mem::take(&mut outer)));
    decode()
}

/// Bytes that are decoded as a part of their message.
#[derive(Debug)]
pub(crate) struct SharedBytes(pub(crate) Bytes);

impl<'de> Deserialize<'de> for SharedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(SharedVisitor)
    }
}

struct SharedVisitor;

impl<'de> de::Visitor<'de> for SharedVisitor {
    type Value = SharedBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<SharedBytes, E> {
        Ok(SharedBytes(
            part(bytes).unwrap_or_else(|| Bytes::copy_from_slice(bytes)),
        ))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<SharedBytes, E> {
        Ok(SharedBytes(bytes.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SharedBytes, E> {
        Ok(SharedBytes(Bytes::copy_from_slice(bytes)))
    }
}

/// These bytes as a part of the message that is being decoded, if they are at least half of it.
fn part(bytes: &[u8]) -> Option<Bytes> {
    let message = MESSAGE.take();
    let start = (bytes.as_ptr() as usize).checked_sub(message.as_ptr() as usize);
    let range = start.map(|start| start..start + bytes.len());
    let part = range.filter(|range| range.end <= message.len() && bytes.len() >= LONG_PART.max(message.len() / 2));
    let part = part.map(|range| message.slice(range));
    MESSAGE.set(message);
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DecodeLimits;

    fn content(length: usize) -> Bytes {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn a_long_run_at_the_end_is_left_out_and_the_bytes_are_the_same() {
        for &format in Format::ALL {
            for length in [0, 100, LONG_RUN - 1, LONG_RUN, LONG_RUN + 1, 1 << 20] {
                let run = content(length);
                let value = (7_u8, run.clone());
                let (mut whole, mut before) = (Vec::new(), Vec::new());
                format.encode(&value, &mut whole).expect("it has an encoding");
                let left_out = encode_before(format, &value, &run, &mut before).expect("it has an encoding");
                // As base64 it is not the run that is written.
                let whole_run = !format.is_readable();
                assert_eq!(left_out, length >= LONG_RUN && whole_run, "{length}");
                if left_out {
                    assert!(before.len() < 10, "{} bytes before", before.len());
                    before.extend_from_slice(&run);
                }
                assert_eq!(before, whole, "{format}, {length}");
            }
        }
    }

    #[test]
    fn only_that_run_is_left_out_and_only_at_the_end() {
        let (run, other) = (content(LONG_RUN), content(LONG_RUN));
        for value in [(run.clone(), 9_u8), (other, 9)] {
            for &format in Format::ALL {
                let (mut whole, mut before) = (Vec::new(), Vec::new());
                format.encode(&value, &mut whole).expect("it has an encoding");
                assert_eq!(encode_before(format, &value, &run, &mut before), Ok(false));
                assert_eq!(before, whole);
            }
        }
    }

    #[test]
    fn long_bytes_become_a_part_of_their_message_and_others_are_copied() {
        for &format in Format::ALL {
            // The first one is short, and the other two are less than half of the message that they are in.
            for (length, behind, shared) in [
                (100, 0, false),
                (LONG_PART, 0, true),
                (LONG_PART, LONG_PART + 100, false),
            ] {
                let mut encoded = Vec::new();
                let value = (content(length), content(behind));
                format.encode(&value, &mut encoded).expect("it has an encoding");
                let message = Bytes::from(encoded);
                let decoded = decoding_from(&message, || {
                    format.decode::<(SharedBytes, Bytes)>(&message, DecodeLimits::default())
                });
                let (SharedBytes(bytes), _) = decoded.expect("it was encoded");
                assert_eq!(bytes, value.0);
                let inside = message.as_ptr_range().contains(&bytes.as_ptr());
                let whole_run = !format.is_readable();
                assert_eq!(inside, shared && whole_run, "{format}, {length} and {behind}");
                let unknown = format.decode::<(SharedBytes, Bytes)>(&message, DecodeLimits::default());
                let (SharedBytes(copy), _) = unknown.expect("it was encoded");
                assert!(
                    !message.as_ptr_range().contains(&copy.as_ptr()),
                    "nothing says what it is a part of"
                );
            }
        }
    }
}
