//! What is written, on its way into lanes.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    io::IoSlice,
    pin::{Pin, pin},
    slice,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};
use quinn::{Connection, ConnectionError, SendStream, StoppedError, WriteError};

use super::LAST;
use crate::proto::{
    Role,
    lanes::{Segment, Splitter},
};

/// How many bytes are taken before they are handed to QUIC.
const MOST_TAKEN: usize = 128 << 10;

/// Why nothing more can be written.
#[derive(Debug)]
pub(super) enum OutboundEnd {
    /// The peer does not read a lane any more.
    Stopped,
    Over(ConnectionError),
}

/// All lanes that this side writes.
pub(super) struct Outbound {
    connection: Connection,
    splitter: Splitter,
    /// What was taken and is not QUIC's yet, in order: a frame goes whole before the next one.
    taken: VecDeque<Chunk>,
    lanes: HashMap<u32, OutboundLane>,
    opening: Option<Opening>,
    /// All was written, and it is waited until the peer has it.
    ending: Option<Ending>,
}

struct Chunk {
    lane: u32,
    bytes: Bytes,
}

enum OutboundLane {
    /// Its first bytes wait in `taken`.
    Wanted,
    Open(SendStream),
}

type Opening = Pin<Box<dyn Future<Output = Result<SendStream, ConnectionError>> + Send>>;
type Ending = Pin<Box<dyn Future<Output = Result<(), StoppedError>> + Send>>;

impl Outbound {
    pub(super) fn new(connection: Connection, role: Role) -> Self {
        Self {
            connection,
            splitter: Splitter::new(role),
            taken: VecDeque::new(),
            lanes: HashMap::new(),
            opening: None,
            ending: None,
        }
    }

    /// Takes bytes if all that was taken before is QUIC's; says how many.
    pub(super) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, OutboundEnd>> {
        ready!(self.poll_flush(cx))?;
        let (mut room, mut segments) = (MOST_TAKEN, VecDeque::new());
        for part in slices {
            let length = part.len().min(room);
            self.splitter.split(&part[..length], &mut segments);
            room -= length;
        }
        for segment in segments {
            self.queue(segment);
        }
        Poll::Ready(Ok(MOST_TAKEN - room))
    }

    fn queue(&mut self, segment: Segment) {
        let lane = if segment.last { LAST } else { segment.lane };
        if let Entry::Vacant(place) = self.lanes.entry(lane) {
            place.insert(OutboundLane::Wanted);
            let bytes = preface(lane, segment.position);
            self.taken.push_back(Chunk { lane, bytes });
        }
        let bytes = segment.bytes;
        self.taken.push_back(Chunk { lane, bytes });
    }

    /// Hands what was taken to QUIC. Cancel safe: what remains stays here.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), OutboundEnd>> {
        while let Some(chunk) = self.taken.front_mut() {
            let Some(OutboundLane::Open(stream)) = self.lanes.get_mut(&chunk.lane) else {
                let lane = chunk.lane;
                let stream = ready!(self.poll_open(cx))?;
                self.lanes.insert(lane, OutboundLane::Open(stream));
                continue;
            };
            // Dropping the future of a write that was not taken loses nothing: what was taken left the chunk.
            let written = pin!(stream.write_chunks(slice::from_mut(&mut chunk.bytes))).poll(cx);
            ready!(written).map_err(|error| match error {
                WriteError::ConnectionLost(error) => OutboundEnd::Over(error),
                WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => OutboundEnd::Stopped,
            })?;
            if chunk.bytes.is_empty() {
                self.taken.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendStream, OutboundEnd>> {
        let connection = &self.connection;
        let opening = self.opening.get_or_insert_with(|| {
            let connection = connection.clone();
            Box::pin(async move { connection.open_uni().await })
        });
        let opened = ready!(opening.as_mut().poll(cx));
        self.opening = None;
        Poll::Ready(opened.map_err(OutboundEnd::Over))
    }

    /// Ready when the peer has everything, as far as QUIC knows. Nothing can be written afterwards.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), OutboundEnd>> {
        ready!(self.poll_flush(cx))?;
        let lanes = &mut self.lanes;
        let ending = self.ending.get_or_insert_with(|| {
            let mut stopped = Vec::new();
            for lane in lanes.values_mut() {
                if let OutboundLane::Open(stream) = lane {
                    // It is not finished yet, and if the peer has stopped it, the future says so.
                    let _ = stream.finish();
                    stopped.push(stream.stopped());
                }
            }
            Box::pin(async move {
                for lane in stopped {
                    lane.await?;
                }
                Ok(())
            })
        });
        ready!(ending.as_mut().poll(cx)).map_err(|error| match error {
            StoppedError::ConnectionLost(error) => OutboundEnd::Over(error),
            StoppedError::ZeroRttRejected => OutboundEnd::Stopped,
        })?;
        // A future must not be polled again.
        self.ending = Some(Box::pin(async { Ok(()) }));
        Poll::Ready(Ok(()))
    }
}

/// What the stream of a lane begins with; `position` is that of its first frame.
fn preface(lane: u32, position: u64) -> Bytes {
    let mut bytes = BytesMut::with_capacity(12);
    bytes.put_u32_le(lane);
    if lane == LAST {
        bytes.put_u64_le(position);
    }
    bytes.freeze()
}
