//! One connection whose peer sends anything at all: nothing panics, memory is bounded, every local call ends once.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::{Bytes, BytesMut};

use super::{pair::body, script::Script};
use crate::{
    Error, Limits,
    proto::{
        Announced, Carrier, Connection, Event, Lost, RequestHead, Settings,
        frame::{MAX_PAYLOAD, PIECE},
    },
};

const MESSAGE: usize = 80 << 10;
const BUFFERED: usize = 100 << 10;
const CALLS: usize = 8;
/// The longest answer that the handlers here make, with its head.
const ANSWER: usize = 256;

/// A local side that makes and answers calls, and a peer made of the script's bytes.
pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let limits = Limits::default()
        .max_message(MESSAGE)
        .max_buffered(BUFFERED)
        .max_calls(CALLS);
    let announced = Announced {
        max_metadata: u32::MAX,
        ..Announced::over(Carrier::Stream, &limits)
    };
    let settings = Settings {
        ours: limits,
        peer: announced,
        carrier: Carrier::Stream,
        idle: Some(Duration::from_secs(60)),
    };
    let mut local = Local {
        connection: Connection::new(settings, now),
        now,
        input: BytesMut::new(),
        waiting: BTreeSet::new(),
        answered: Vec::new(),
        serving: Vec::new(),
    };
    while let Some(action) = script.byte() {
        if let Err(lost) = local.act(action, &mut script) {
            assert!(!format!("{lost:?}").is_empty());
            break;
        }
        local.check_bounds();
    }
    local.end();
}

struct Local {
    connection: Connection,
    now: Instant,
    input: BytesMut,
    waiting: BTreeSet<u32>,
    answered: Vec<u32>,
    serving: Vec<u32>,
}

impl Local {
    fn act(&mut self, action: u8, script: &mut Script<'_>) -> Result<(), Lost> {
        match action % 16 {
            0..=7 => {
                self.frame(script);
                self.handle_input()?;
            }
            8 => {
                let length = script.below(32);
                self.input.extend_from_slice(script.bytes(length));
                self.handle_input()?;
            }
            9 => {
                let content = Bytes::from(vec![1; script.length(MESSAGE)]);
                let timeout = (script.below(3) == 0).then(|| Duration::from_millis(100));
                let deadline = timeout.map(|timeout| self.now + timeout);
                if let Ok(id) = self.connection.start(&RequestHead::default(), body(&content), deadline) {
                    assert!(self.waiting.insert(id), "the id {id} is in use");
                }
            }
            10 => {
                if let Some(&id) = self.waiting.iter().nth(script.below(self.waiting.len())) {
                    self.waiting.remove(&id);
                    self.connection.abandon(id);
                }
            }
            11 if !self.serving.is_empty() => {
                let id = self.serving.swap_remove(script.below(self.serving.len()));
                let content = [1; ANSWER - 32];
                let answer = Bytes::copy_from_slice(&content[..script.below(content.len())]);
                self.connection.reply(id, &Bytes::new(), Ok(body(&answer)));
            }
            12 => {
                let mut chunks = VecDeque::new();
                self.connection.poll_transmit(&mut chunks);
                let length = chunks.iter().map(Bytes::len).sum();
                if length > 0 {
                    self.connection.handle_written(length, false, self.now);
                }
            }
            13 => {
                self.now += Duration::from_millis(50 * script.below(64) as u64);
                self.connection.handle_timeout(self.now)?;
                self.take_events();
            }
            14 if script.below(16) == 0 => self.connection.go_away(),
            _ => {
                if let Some(id) = self.answered.pop() {
                    self.connection.release(id);
                }
            }
        }
        Ok(())
    }

    /// A frame that looks like one, so that the script gets behind the first checks.
    fn frame(&mut self, script: &mut Script<'_>) {
        let kind = 1 + script.below(6) as u8;
        let more = if script.below(2) == 0 { 0 } else { 0x80 };
        let id = script.below(CALLS + 1) as u8;
        let mut payload = Vec::new();
        let total = match script.below(8) {
            0 => script.length(2 * MESSAGE),
            small => 200 * small,
        };
        match kind {
            1 => payload.extend([0; 9]),
            3 => payload.push(0),
            5 => payload.extend([5, script.below(3) as u8, 0]),
            _ => {}
        }
        if more != 0 && (kind == 1 || kind == 3) {
            payload.extend((total as u32).to_le_bytes());
        }
        payload.extend(std::iter::repeat_n(b'x', script.length(PIECE)));
        let [a, b, c, _] = (payload.len() as u32).to_le_bytes();
        self.input.extend_from_slice(&[a, b, c, kind | more, id, 0, 0, 0]);
        self.input.extend_from_slice(&payload);
    }

    fn handle_input(&mut self) -> Result<(), Lost> {
        self.connection.handle_heard(self.now);
        let handled = loop {
            match self.connection.handle_input(&mut self.input, 3, self.now) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(lost) => break Err(lost),
            }
        };
        self.take_events();
        handled
    }

    fn take_events(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Reply { call, .. } | Event::Failed { call, .. } => {
                    assert!(
                        self.waiting.remove(&call),
                        "an answer to call {call}, which nobody waits for"
                    );
                    self.answered.push(call);
                }
                Event::Request { call, .. } => {
                    assert!(!self.serving.contains(&call), "two calls with the id {call}");
                    self.serving.push(call);
                }
                Event::Stop { .. }
                | Event::GoAway
                | Event::Sendable { .. }
                | Event::Receivable { .. }
                | Event::Released { .. } => {}
            }
        }
    }

    fn check_bounds(&self) {
        let held = self.connection.held();
        assert!(held.requests <= BUFFERED && held.replies <= BUFFERED, "{held:?}");
        // A buffer doubles as bytes come, so it is at most twice as long as what came.
        assert!(held.assembled <= 2 * (held.requests + held.replies) + 64, "{held:?}");
        assert!(self.connection.outgoing() <= CALLS && self.connection.incoming() <= CALLS);
        assert!(
            self.input.len() <= MAX_PAYLOAD + 64,
            "{} bytes wait for a frame",
            self.input.len()
        );
        // Each id has at most one answer that did not leave; each local call one request and one cancellation.
        let bound = CALLS * ANSWER + 2 * CALLS * (MESSAGE + 64);
        assert!(
            self.connection.queued() <= bound,
            "{} bytes wait",
            self.connection.queued()
        );
    }

    fn end(&mut self) {
        self.take_events();
        for (id, _) in self.connection.drain_lost() {
            assert!(self.waiting.remove(&id), "call {id} ended twice");
        }
        assert!(self.waiting.is_empty(), "calls {:?} never ended", self.waiting);
        // A handler may answer a connection that is over.
        for id in self.serving.drain(..) {
            self.connection
                .reply(id, &Bytes::new(), Err(&Error::internal("too late")));
        }
    }
}
