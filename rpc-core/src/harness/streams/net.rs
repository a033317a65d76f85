//! Two connections and what is on its way between them: a byte stream, or frames that overtake those of other lanes.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::{Bytes, BytesMut};

use crate::harness::{
    lane::{LaneKey, lane},
    script::Script,
};
use crate::{
    Limits,
    proto::{
        Announced, Carrier, Connection, Lost, Settings,
        frame::{HEADER, Header},
    },
};

#[derive(Default)]
struct InTransit {
    /// Written, and not a whole frame yet where frames are told apart.
    bytes: BytesMut,
    lanes: BTreeMap<LaneKey, VecDeque<BytesMut>>,
}

pub(in crate::harness) struct Net {
    pub(in crate::harness) ends: [Connection; 2],
    pub(in crate::harness) now: Instant,
    carrier: Carrier,
    /// What is on its way to each end.
    wires: [InTransit; 2],
}

impl Net {
    /// Two ends, each with its limits.
    pub(in crate::harness) fn new(carrier: Carrier, limits: &[Limits; 2], now: Instant) -> Self {
        let end = |ours: usize| {
            let settings = Settings {
                ours: limits[ours].clone(),
                peer: Announced::over(carrier, &limits[1 - ours]),
                carrier,
                idle: None,
            };
            Connection::new(settings, now)
        };
        Self {
            ends: [end(0), end(1)],
            now,
            carrier,
            wires: Default::default(),
        }
    }

    /// Time passes.
    pub(in crate::harness) fn pass(&mut self, time: Duration) -> Result<(), Lost> {
        self.now += time;
        for end in &mut self.ends {
            end.handle_heard(self.now);
            end.handle_timeout(self.now)?;
        }
        Ok(())
    }

    /// All that `from` has to write goes on its way.
    pub(in crate::harness) fn write(&mut self, from: usize) {
        let mut chunks = VecDeque::new();
        self.ends[from].poll_transmit(&mut chunks);
        let length = chunks.iter().map(Bytes::len).sum();
        if length == 0 {
            return;
        }
        self.ends[from].handle_written(length, false, self.now);
        let wire = &mut self.wires[1 - from];
        for chunk in chunks {
            wire.bytes.extend_from_slice(&chunk);
        }
        if self.carrier.overtakes() {
            wire.sort(from);
        }
    }

    /// Some of what is on its way comes to `to`; returns whether there was anything.
    pub(in crate::harness) fn read(&mut self, to: usize, script: &mut Script<'_>) -> Result<bool, Lost> {
        let wire = &mut self.wires[to];
        let mut input = match self.carrier {
            Carrier::Stream => std::mem::take(&mut wire.bytes),
            Carrier::Datagrams | Carrier::Lanes => wire.next(script),
        };
        if input.is_empty() {
            return Ok(false);
        }
        let rest = match self.carrier {
            Carrier::Stream => input.split_off(input.len().min(1 + script.length(1 << 17))),
            Carrier::Datagrams | Carrier::Lanes => BytesMut::new(),
        };
        self.ends[to].handle_heard(self.now);
        let before = input.len();
        while self.ends[to].handle_input(&mut input, 3, self.now)? {}
        let moved = input.len() < before;
        input.unsplit(rest);
        if !self.carrier.overtakes() {
            self.wires[to].bytes = input;
        }
        Ok(moved)
    }

    /// Everything moves, until nothing does.
    pub(in crate::harness) fn settle(&mut self) -> Result<(), Lost> {
        let mut all = Script::new(&[255; 2]);
        loop {
            let mut moved = false;
            for end in 0..2 {
                self.write(end);
                let to = 1 - end;
                if self.carrier.overtakes() {
                    while self.read(to, &mut all)? {
                        moved = true;
                    }
                } else {
                    let mut input = std::mem::take(&mut self.wires[to].bytes);
                    moved |= !input.is_empty();
                    while self.ends[to].handle_input(&mut input, 64, self.now)? {}
                    assert!(input.is_empty(), "half a frame");
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }
}

impl InTransit {
    /// Puts whole frames on their lanes.
    fn sort(&mut self, from: usize) {
        while let Some(header) = Header::read(&self.bytes) {
            let frame = self.bytes.split_to(HEADER + header.length);
            self.lanes
                .entry(lane(header.kind().expect("only frames were written"), header.id, from))
                .or_default()
                .push_back(frame);
        }
    }

    /// The next frame of some lane.
    fn next(&mut self, script: &mut Script<'_>) -> BytesMut {
        let place = script.below(self.lanes.len());
        let Some(&lane) = self.lanes.keys().nth(place) else {
            return BytesMut::new();
        };
        let frames = self.lanes.get_mut(&lane);
        let next = frames.and_then(VecDeque::pop_front).unwrap_or_default();
        self.lanes.retain(|_, frames| !frames.is_empty());
        next
    }
}
