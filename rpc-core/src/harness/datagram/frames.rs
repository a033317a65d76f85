//! Two honest ends that write frames: each arrives once and whole, in its lane's order, and a close behind everything.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use bytes::BytesMut;

use super::ScriptedLink;
use crate::{
    harness::{
        lane::{LaneKey, lane},
        script::Script,
    },
    proto::{
        StreamId,
        frame::{Kind, Subject, deframe, put_header},
    },
};

pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let mut model = FrameModel {
        link: ScriptedLink::new(&mut script, now),
        ends: Default::default(),
        frames: 0,
    };
    while let Some(action) = script.byte() {
        let end = usize::from(action & 1);
        match action / 2 % 8 {
            0 | 1 => model.write(end, &mut script),
            2 => drop(model.read(end, 1 + script.length(1 << 20))),
            3 => {
                for end in 0..2 {
                    model.send(end);
                    model.read(end, usize::MAX);
                }
            }
            4 if script.below(64) == 0 => model.close(end),
            _ => model.link.act(&mut script),
        }
    }
    model.finish();
}

#[derive(Default)]
struct FrameEnd {
    /// Not taken by the session yet.
    unsent: VecDeque<u8>,
    /// Read, and not a whole frame yet.
    input: BytesMut,
    /// What the peer is to read, by lane: payloads.
    expected: HashMap<LaneKey, VecDeque<(Kind, Vec<u8>)>>,
    closed: bool,
}

struct FrameModel {
    link: ScriptedLink,
    ends: [FrameEnd; 2],
    frames: u32,
}

impl FrameModel {
    fn write(&mut self, end: usize, script: &mut Script<'_>) {
        // A close comes once, behind everything else.
        let kind = match Kind::ALL[script.below(Kind::ALL.len())] {
            Kind::Close => Kind::Ping,
            kind => kind,
        };
        let mut id = [0, 1, 2, 3, 40, 300][script.below(6)];
        if kind.subject() == Subject::Stream && script.below(2) == 0 {
            id = StreamId::theirs(id).0;
        }
        let most = [100, 100, 2000, 1 << 16][script.below(4)];
        let length = script.length(most);
        self.put(end, kind, id, length);
        self.send(end);
    }

    fn close(&mut self, end: usize) {
        self.put(end, Kind::Close, 0, 10);
        self.ends[end].closed = true;
        self.send(end);
    }

    fn put(&mut self, end: usize, kind: Kind, id: u32, length: usize) {
        let writer = &mut self.ends[end];
        // Nothing is written behind a close; nor without end while nothing leaves.
        if writer.closed || writer.unsent.len() > 1 << 20 {
            return;
        }
        self.frames += 1;
        let payload: Vec<u8> = self.frames.to_le_bytes().into_iter().cycle().take(length).collect();
        let mut frame = BytesMut::new();
        put_header(&mut frame, kind, false, id, length);
        frame.extend_from_slice(&payload);
        writer.unsent.extend(frame);
        let lane = writer.expected.entry(lane(kind, id, end)).or_default();
        lane.push_back((kind, payload));
    }

    fn send(&mut self, end: usize) {
        let unsent = &mut self.ends[end].unsent;
        let taken = self.link.send(end, unsent.make_contiguous());
        unsent.drain(..taken);
    }

    fn read(&mut self, end: usize, most: usize) -> bool {
        let bytes = self.link.receive(end, most);
        self.ends[end].input.extend_from_slice(&bytes);
        while let Some(frame) = deframe(&mut self.ends[end].input).expect("only frames were written") {
            let writer = &mut self.ends[1 - end];
            let lane = lane(frame.kind, frame.id, 1 - end);
            let expected = writer.expected.get_mut(&lane).and_then(VecDeque::pop_front);
            assert!(
                expected == Some((frame.kind, frame.payload.to_vec())),
                "{:?} of {lane:?} comes twice, too early or changed",
                frame.kind
            );
            if frame.kind == Kind::Close {
                let missing = writer.expected.values().map(VecDeque::len).sum::<usize>();
                assert_eq!(missing, 0, "frames that come behind a close");
            }
        }
        !bytes.is_empty()
    }

    fn finish(&mut self) {
        loop {
            let mut busy = self.link.settle();
            for end in 0..2 {
                // Asked before: what the session takes now is yet to come.
                busy |= !self.ends[end].unsent.is_empty();
                self.send(end);
                busy |= self.read(end, usize::MAX);
            }
            if !busy {
                break;
            }
        }
        for end in &self.ends {
            assert!(end.input.is_empty(), "half a frame");
            assert!(end.expected.values().all(VecDeque::is_empty), "frames that never came");
        }
        self.link.assert_empty();
    }
}
