//! What has come on one lane.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use super::LAST;
use crate::{
    buffers::{Buffer, append},
    proto::lanes::{CONTROL, Expected, MAX_LANES, message_length, whole},
};

/// The number of a lane, which its stream begins with, and the position behind that of the last one.
const NUMBER: usize = 4;
const POSITION: usize = 8;

/// What a stream begins with: the lane that it carries.
#[derive(Debug)]
pub(super) enum Preface {
    /// It has not come whole.
    Partial(Vec<u8>),
    Lane(u32),
    /// The last frame, which is read when so many bytes of other lanes were.
    Last {
        position: u64,
    },
}

impl Preface {
    pub(super) fn new() -> Self {
        Self::Partial(Vec::new())
    }

    /// How many bytes are missing.
    pub(super) fn missing(&self) -> usize {
        match self {
            Self::Partial(begun) if begun.starts_with(&LAST.to_le_bytes()) => NUMBER + POSITION - begun.len(),
            Self::Partial(begun) => NUMBER - begun.len(),
            Self::Lane(_) | Self::Last { .. } => 0,
        }
    }

    /// Takes bytes, at most as many as are missing. Gives the number when it has come.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Option<u32>, &'static str> {
        let Self::Partial(begun) = self else { return Ok(None) };
        begun.extend_from_slice(bytes);
        let mut begun = &begun[..];
        let Ok(number) = begun.try_get_u32_le() else {
            return Ok(None);
        };
        if number == LAST {
            let Ok(position) = begun.try_get_u64_le() else {
                return Ok(None);
            };
            *self = Self::Last { position };
        } else if number < MAX_LANES {
            *self = Self::Lane(number);
        } else {
            return Err("a lane above the limit");
        }
        Ok(Some(number))
    }

    /// The lane that frames must be for.
    pub(super) fn lane(&self) -> u32 {
        match self {
            Self::Lane(number) => *number,
            Self::Last { .. } | Self::Partial(_) => CONTROL,
        }
    }
}

/// Hands whole frames on, and keeps the beginning of one. Its memory grows with what came and not with what the frame
/// announces.
#[derive(Debug, Default)]
pub(super) struct LaneFrames {
    begun: Buffer,
}

impl LaneFrames {
    /// Whether a frame has begun and not ended.
    pub(super) fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Takes the next bytes; what is whole goes into `ready`. Says how many bytes these are.
    pub(super) fn take(
        &mut self,
        mut bytes: Bytes,
        mut expected: Expected,
        ready: &mut VecDeque<Bytes>,
    ) -> Result<usize, &'static str> {
        let mut delivered = 0;
        if self.has_begun() {
            self.fill(&mut bytes, expected)?;
            if message_length(&self.begun, expected)? != Some(self.begun.len()) {
                return Ok(0);
            }
            delivered += self.begun.len();
            expected.greeting = false;
            ready.push_back(std::mem::take(&mut self.begun).freeze());
        }
        let length = whole(&bytes, expected)?;
        if length > 0 {
            delivered += length;
            expected.greeting = false;
            ready.push_back(bytes.split_to(length));
        }
        if !bytes.is_empty() {
            self.fill(&mut bytes, expected)?;
        }
        Ok(delivered)
    }

    /// Takes what belongs to the frame that has begun, or begins.
    fn fill(&mut self, bytes: &mut Bytes, expected: Expected) -> Result<(), &'static str> {
        self.append(bytes, expected.header().saturating_sub(self.begun.len()));
        if let Some(length) = message_length(&self.begun, expected)? {
            self.append(bytes, length.saturating_sub(self.begun.len()));
        }
        Ok(())
    }

    fn append(&mut self, bytes: &mut Bytes, most: usize) {
        let part = bytes.split_to(most.min(bytes.len()));
        append(&mut self.begun, &part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        Role,
        frame::{HEADER, Kind, MAX_PAYLOAD},
    };

    /// The lane of the client's call 3, read by the server.
    const CALL: Expected = Expected {
        greeting: false,
        lane: 13,
        sender: Role::Client,
    };

    fn frame(payload: usize) -> Vec<u8> {
        let mut bytes = (payload as u32).to_le_bytes()[..3].to_vec();
        bytes.push(Kind::Request as u8);
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(vec![7; payload]);
        bytes
    }

    #[test]
    fn frames_are_handed_on_whole_however_they_come() {
        let frames: Vec<_> = [0, 1, 700, 0, 3000].map(frame).concat();
        for piece in [1, 2, 7, 8, 9, 100, 709, 4000] {
            let (mut lane, mut ready, mut delivered) = (LaneFrames::default(), VecDeque::new(), 0);
            for part in frames.chunks(piece) {
                delivered += lane
                    .take(Bytes::copy_from_slice(part), CALL, &mut ready)
                    .expect("frames");
                let all: Vec<_> = ready.iter().flatten().copied().collect();
                assert_eq!(
                    (all.len(), whole(&all, CALL)),
                    (delivered, Ok(delivered)),
                    "in pieces of {piece}"
                );
                assert!(frames.starts_with(&all));
            }
            assert!(!lane.has_begun() && delivered == frames.len());
        }
    }

    #[test]
    fn a_claim_takes_no_memory() {
        let (mut lane, mut ready) = (LaneFrames::default(), VecDeque::new());
        let begun = Bytes::from(frame(MAX_PAYLOAD)).slice(..HEADER + 10);
        assert_eq!(lane.take(begun, CALL, &mut ready), Ok(0));
        assert!(
            lane.has_begun() && lane.begun.capacity() < 1024,
            "{}",
            lane.begun.capacity()
        );
    }

    #[test]
    fn a_stream_begins_with_its_lane() {
        let begins = |number: u32, rest: &[u8]| {
            let mut preface = Preface::new();
            for byte in number.to_le_bytes().iter().chain(rest) {
                assert!(preface.missing() > 0);
                preface.take(&[*byte])?;
            }
            Ok::<_, &str>((preface.missing(), preface))
        };
        assert!(matches!(begins(13, &[]), Ok((0, Preface::Lane(13)))));
        assert!(matches!(begins(MAX_LANES - 1, &[]), Ok((0, Preface::Lane(_)))));
        assert!(begins(MAX_LANES, &[]).is_err() && begins(LAST - 1, &[]).is_err());
        assert!(matches!(begins(LAST, &[]), Ok((8, Preface::Partial(_)))));
        let position = 0x0102_0304_u64;
        let begun = begins(LAST, &position.to_le_bytes());
        assert!(matches!(begun, Ok((0, Preface::Last { position: 0x0102_0304 }))));
    }
}
