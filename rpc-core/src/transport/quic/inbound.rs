//! What comes on all lanes, as one stream of whole frames.

use std::{
    collections::{HashSet, VecDeque},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use quinn::{Connection, ConnectionError, ReadError, RecvStream, VarInt};

use super::{
    NEW_LANES,
    lane::{LaneFrames, Preface},
    waking::WokenLanes,
};
use crate::{
    clock::now,
    proto::{
        Role,
        lanes::{CONTROL, Expected},
    },
    transport::LastHeard,
};

/// How many frames may have begun and not ended, besides one of the connection itself: each may take its 64 KiB. A lane
/// whose next frame would be one more is not read, so its bytes count as what the peer may have under way. An honest
/// peer hands each frame to QUIC whole before the next one, so those that have begun always end.
const MOST_BEGUN: usize = 64;
/// Chunks taken from a lane at a time.
const CHUNKS: usize = 16;

/// Why nothing more comes.
#[derive(Clone, Debug)]
pub(super) enum InboundEnd {
    /// The peer broke a rule.
    Broken(&'static str),
    /// The connection is over, and all that had come was read.
    Over(ConnectionError),
}

/// All lanes that the peer writes.
pub(super) struct Inbound {
    connection: Connection,
    /// Waits for the next lane.
    accepting: Pin<Box<dyn Future<Output = Result<RecvStream, ConnectionError>> + Send>>,
    /// The side that sends what comes.
    sender: Role,
    lanes: Vec<InboundLane>,
    /// The lanes there have been: none comes twice.
    numbers: HashSet<u32>,
    woken: Arc<WokenLanes>,
    /// Lanes that may have something to read, each in its turn.
    turns: VecDeque<usize>,
    /// Lanes that have, and may not be read yet.
    held: Vec<usize>,
    /// Frames that have begun and not ended.
    begun: usize,
    /// Whole frames.
    ready: VecDeque<Bytes>,
    /// How many bytes of frames came on all lanes.
    delivered: u64,
    /// The hello has come.
    greeted: bool,
    /// Lanes on which a whole frame has come, and how many the peer may open in all.
    proven: u32,
    granted: u32,
    heard: LastHeard,
    end: Option<InboundEnd>,
}

struct InboundLane {
    /// `None` when its sender has finished it.
    stream: Option<RecvStream>,
    preface: Preface,
    frames: LaneFrames,
    /// A whole frame has come.
    proven: bool,
    waker: Waker,
}

impl Inbound {
    pub(super) fn new(connection: Connection, sender: Role, heard: LastHeard) -> Self {
        Self {
            accepting: accept(&connection),
            connection,
            sender,
            lanes: Vec::new(),
            numbers: HashSet::new(),
            woken: Arc::default(),
            turns: VecDeque::new(),
            held: Vec::new(),
            begun: 0,
            ready: VecDeque::new(),
            delivered: 0,
            greeted: false,
            proven: 0,
            granted: NEW_LANES,
            heard,
            end: None,
        }
    }

    /// The next whole frames, and the parts of more.
    pub(super) fn ready(&mut self) -> &mut VecDeque<Bytes> {
        &mut self.ready
    }

    /// Reads until there is something ready. Cancel safe: what was read is kept here.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), InboundEnd>> {
        while self.ready.is_empty() {
            if let Some(end) = &self.end {
                return Poll::Ready(Err(end.clone()));
            }
            if self.turns.is_empty() {
                self.turns.extend(self.woken.take(cx.waker()));
            }
            if let Some(lane) = self.turns.pop_front() {
                if let Err(what) = self.read(lane) {
                    self.end = Some(InboundEnd::Broken(what));
                }
                continue;
            }
            match self.accepting.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(stream)) => self.open(stream),
                // quinn gives all streams that have come before it says this.
                Poll::Ready(Err(error)) => self.end = Some(InboundEnd::Over(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn open(&mut self, stream: RecvStream) {
        self.accepting = accept(&self.connection);
        let index = self.lanes.len();
        self.lanes.push(InboundLane {
            stream: Some(stream),
            preface: Preface::new(),
            frames: LaneFrames::default(),
            proven: false,
            waker: self.woken.waker(index),
        });
        self.turns.push_back(index);
    }

    /// Reads some of a lane, if it may be read now.
    fn read(&mut self, index: usize) -> Result<(), &'static str> {
        let Some(lane) = self.lanes.get(index) else {
            return Ok(());
        };
        if !self.may_read(lane) {
            self.held.push(index);
            return Ok(());
        }
        let lane = &mut self.lanes[index];
        let mut chunks: [Bytes; CHUNKS] = Default::default();
        let length = match lane.read(&mut chunks) {
            LaneRead::Chunks(length) => length,
            LaneRead::Nothing => return Ok(()),
            LaneRead::Finished => return self.finished(index),
            LaneRead::Reset => return Err("a lane was reset"),
        };
        self.turns.push_back(index);
        self.heard.set(Some(now()));
        for chunk in chunks.into_iter().take(length) {
            self.take(index, chunk)?;
        }
        Ok(())
    }

    fn may_read(&self, lane: &InboundLane) -> bool {
        match lane.preface {
            Preface::Partial(_) | Preface::Lane(CONTROL) => true,
            Preface::Lane(_) => self.greeted && (lane.frames.has_begun() || self.begun < MOST_BEGUN),
            Preface::Last { position } => self.delivered >= position,
        }
    }

    fn take(&mut self, index: usize, chunk: Bytes) -> Result<(), &'static str> {
        let lane = &mut self.lanes[index];
        if let Preface::Partial(_) = lane.preface {
            let number = lane.preface.take(&chunk)?;
            if number.is_some_and(|number| !self.numbers.insert(number)) {
                return Err("a lane that there is already");
            }
            return Ok(());
        }
        let expected = Expected {
            greeting: !self.greeted,
            lane: lane.preface.lane(),
            sender: self.sender,
        };
        let had_begun = lane.frames.has_begun();
        let delivered = lane.frames.take(chunk, expected, &mut self.ready)?;
        self.begun = self.begun + usize::from(lane.frames.has_begun()) - usize::from(had_begun);
        if delivered > 0 {
            self.greeted = true;
            self.delivered += delivered as u64;
            self.prove(index);
            // What was waited for may be there, each lane sees for itself.
            self.turns.extend(self.held.drain(..));
        }
        Ok(())
    }

    /// A whole frame has come on this lane: the peer may open another one.
    fn prove(&mut self, index: usize) {
        if std::mem::replace(&mut self.lanes[index].proven, true) {
            return;
        }
        self.proven += 1;
        // quinn does not tell the peer of less than an eighth more.
        let granted = self.proven.saturating_add(NEW_LANES.max(self.proven / 4));
        if granted.saturating_sub(self.granted) >= NEW_LANES / 4 {
            self.granted = granted;
            self.connection
                .set_max_concurrent_uni_streams(VarInt::from_u32(granted));
        }
    }

    /// The peer writes no more on this lane, since it shuts down.
    fn finished(&mut self, index: usize) -> Result<(), &'static str> {
        let lane = &mut self.lanes[index];
        if lane.frames.has_begun() {
            return Err("a lane that ends inside a frame");
        }
        if !lane.proven {
            return Err("a lane without a frame");
        }
        lane.stream = None;
        Ok(())
    }
}

fn accept(connection: &Connection) -> Pin<Box<dyn Future<Output = Result<RecvStream, ConnectionError>> + Send>> {
    let connection = connection.clone();
    Box::pin(async move { connection.accept_uni().await })
}

/// What reading a lane has given.
enum LaneRead {
    /// So many chunks.
    Chunks(usize),
    /// Nothing for now; the lane is woken. Or for ever: then the connection says why.
    Nothing,
    Finished,
    Reset,
}

impl InboundLane {
    /// Dropping the future of a read that has nothing loses nothing.
    fn read(&mut self, chunks: &mut [Bytes; CHUNKS]) -> LaneRead {
        let Some(stream) = &mut self.stream else {
            return LaneRead::Nothing;
        };
        let cx = &mut Context::from_waker(&self.waker);
        let read = match self.preface.missing() {
            0 => pin!(stream.read_chunks(chunks)).poll(cx),
            missing => pin!(stream.read_chunk(missing, true)).poll(cx).map_ok(|chunk| {
                chunk.map(|chunk| {
                    chunks[0] = chunk.bytes;
                    1
                })
            }),
        };
        match read {
            Poll::Ready(Ok(Some(length))) => LaneRead::Chunks(length),
            Poll::Ready(Ok(None)) => LaneRead::Finished,
            Poll::Ready(Err(ReadError::Reset(_))) => LaneRead::Reset,
            Poll::Ready(Err(_)) | Poll::Pending => LaneRead::Nothing,
        }
    }
}
