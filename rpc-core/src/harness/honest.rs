//! Two honest peers: in every order of bytes, actions and timers every call ends once and with its own answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use ::bytes::{BufMut, Bytes, BytesMut};

use super::{
    pair::{CLIENT, ConnectionPair, SERVER},
    script::Script,
};
use crate::{
    Code, Error, Limits, Outcome,
    proto::{Event, Lost, connection::Usage},
};

/// Longer than one turn of the writer, so that calls end while their messages are half written.
const MESSAGE: usize = 600 << 10;
const BUFFERED: usize = 1 << 20;
const CALLS: usize = 6;

/// Both sides make and answer calls until the script ends, then finish what is under way.
pub(super) fn run(mut script: Script<'_>, now: Instant) {
    let limits = || {
        Limits::default()
            .max_message(MESSAGE)
            .max_buffered(BUFFERED)
            .max_calls(CALLS)
            .write_stall(Duration::from_secs(5))
            .keepalive(Duration::from_secs(4))
    };
    let seed = script.below(256) as u64;
    let mut model = CallModel {
        pair: ConnectionPair::new([limits(), limits()], Some(Duration::from_secs(3600)), seed, now),
        sides: [CallSide::default(), CallSide::default()],
        calls: 0,
        unstarted: BTreeSet::new(),
    };
    while let Some(action) = script.byte() {
        if let Err(lost) = model.act(action, &mut script) {
            assert!(
                matches!(lost, Lost::Silent(_) | Lost::Stalled(_)),
                "{lost:?} between honest peers"
            );
            return model.cut();
        }
    }
    if seed.is_multiple_of(3) {
        return model.cut();
    }
    model.finish();
    model.assert_empty();
}

/// What one side knows of its calls.
#[derive(Default)]
struct CallSide {
    /// Calls that it made and that have not ended for it, by id; a call's number is its own for ever.
    waiting: BTreeMap<u32, u64>,
    /// Calls that have ended and whose answer was not taken yet.
    answered: Vec<u32>,
    /// Calls of the peer that its handlers work at.
    serving: BTreeMap<u32, u64>,
    /// Calls of the peer that ever reached a handler.
    started: BTreeSet<u64>,
}

struct CallModel {
    pair: ConnectionPair,
    sides: [CallSide; 2],
    calls: u64,
    /// Calls whose callers were told that they never ran.
    unstarted: BTreeSet<u64>,
}

impl CallModel {
    fn act(&mut self, action: u8, script: &mut Script<'_>) -> Result<(), Lost> {
        let end = usize::from(action & 1);
        match action / 2 % 12 {
            0 | 1 => self.start(end, script),
            2 => self.abandon(end, script),
            3 | 4 => self.reply(end, script),
            5 => self.release(end, script),
            6 | 7 => {
                self.pair.write(end, 1 + script.length(1 << 20));
            }
            8 | 9 => {
                self.pair.read(end, 1 + script.length(1 << 20))?;
            }
            10 => self.take_events(end),
            _ => match script.below(32) {
                0 => self.pair.connection(end).go_away(),
                time => {
                    self.pair.now += Duration::from_millis(20 * time as u64);
                    self.pair.fire()?;
                }
            },
        }
        self.check_bounds(end);
        Ok(())
    }

    fn start(&mut self, end: usize, script: &mut Script<'_>) {
        let content = content(self.calls, script.length(MESSAGE));
        let timeout = match script.below(4) {
            0 => Some(Duration::from_millis(50 * script.below(64) as u64)),
            _ => None,
        };
        match self.pair.start(end, self.calls, &content, timeout) {
            Ok(id) => {
                let other = self.sides[end].waiting.insert(id, self.calls);
                assert_eq!(other, None, "the id {id} is in use");
                assert!(
                    !self.sides[end].answered.contains(&id),
                    "the id {id} has an answer that waits"
                );
                self.calls += 1;
            }
            Err(error) => assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}"),
        }
    }

    fn abandon(&mut self, end: usize, script: &mut Script<'_>) {
        let waiting = &mut self.sides[end].waiting;
        if let Some(&id) = waiting.keys().nth(script.below(waiting.len())) {
            waiting.remove(&id);
            self.pair.connection(end).abandon(id);
        }
    }

    fn reply(&mut self, end: usize, script: &mut Script<'_>) {
        let serving = &mut self.sides[end].serving;
        let Some((id, number)) = serving
            .iter()
            .nth(script.below(serving.len()))
            .map(|(&id, &number)| (id, number))
        else {
            return;
        };
        serving.remove(&id);
        if script.below(4) == 0 {
            let error = Error::not_found(number.to_string());
            self.pair.connection(end).reply(id, &Bytes::new(), Err(&error));
        } else {
            // Above the limit now and then: such a result is a failure for the caller.
            let content = content(number, script.length(MESSAGE + 1));
            self.pair.reply(end, id, &content);
        }
    }

    fn release(&mut self, end: usize, script: &mut Script<'_>) {
        let answered = &mut self.sides[end].answered;
        if !answered.is_empty() {
            let id = answered.swap_remove(script.below(answered.len()));
            self.pair.connection(end).release(id);
        }
    }

    fn take_events(&mut self, end: usize) {
        for event in self.pair.events(end) {
            let side = &mut self.sides[end];
            match event {
                Event::Reply { call, body, .. } => {
                    let number = side
                        .waiting
                        .remove(&call)
                        .expect("a reply to a call that nobody waits for");
                    assert_content(number, &body);
                    side.answered.push(call);
                }
                Event::Failed { call, error } => {
                    let number = side
                        .waiting
                        .remove(&call)
                        .expect("a failure of a call that nobody waits for");
                    side.answered.push(call);
                    if error.code() == Code::NotFound {
                        assert_eq!(error.message(), number.to_string(), "another call's failure");
                    }
                    self.ended(number, error.outcome());
                }
                Event::Request { call, head, body, .. } => {
                    assert_content(head.method, &body);
                    let other = side.serving.insert(call, head.method);
                    assert_eq!(other, None, "a request with the id of a call that is being handled");
                    assert!(side.started.insert(head.method), "a call that started twice");
                }
                Event::Stop { .. }
                | Event::GoAway
                | Event::Sendable { .. }
                | Event::Receivable { .. }
                | Event::Released { .. }
                | Event::Watched { .. }
                | Event::Revoked { .. }
                | Event::Left { .. } => {}
            }
        }
    }

    fn ended(&mut self, number: u64, outcome: Outcome) {
        if outcome == Outcome::NotExecuted {
            self.unstarted.insert(number);
        }
    }

    /// What waits is bounded by what is in flight.
    fn check_bounds(&mut self, end: usize) {
        let connection = self.pair.connection(end);
        let held = connection.held();
        assert!(held.requests <= BUFFERED && held.replies <= BUFFERED, "{held:?}");
        assert!(held.spent.iter().all(|&spent| spent <= BUFFERED), "{held:?}");
        assert!(held.assembled <= 4 * BUFFERED, "{held:?}");
        let calls = connection.outgoing() + connection.incoming();
        assert!(calls <= 2 * CALLS, "{calls} calls");
        assert!(
            connection.queued() <= 2 * CALLS * (MESSAGE + 256),
            "{} bytes wait",
            connection.queued()
        );
    }

    /// Answers all that is under way and takes all answers.
    fn finish(&mut self) {
        loop {
            self.pair.exchange().expect("both are honest");
            let mut quiet = true;
            for end in [CLIENT, SERVER] {
                self.take_events(end);
                let side = &mut self.sides[end];
                for id in std::mem::take(&mut side.answered) {
                    quiet = false;
                    self.pair.connection(end).release(id);
                }
                for (id, number) in std::mem::take(&mut self.sides[end].serving) {
                    quiet = false;
                    self.pair.reply(end, id, &content(number, 100));
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn assert_empty(&mut self) {
        for end in [CLIENT, SERVER] {
            assert_eq!(self.sides[end].waiting, BTreeMap::new(), "calls that never ended");
            let connection = self.pair.connection(end);
            assert_eq!(connection.held(), Usage::default());
            assert_eq!(
                (connection.outgoing(), connection.incoming(), connection.queued()),
                (0, 0, 0)
            );
            assert!(connection.is_drained());
        }
        self.check_outcomes();
    }

    /// The connection is over: each call still ends once, and what is said to have never run has not.
    fn cut(&mut self) {
        for end in [CLIENT, SERVER] {
            self.take_events(end);
            for (id, outcome) in self.pair.connection(end).drain_lost() {
                let number = self.sides[end].waiting.remove(&id).expect("a call that had ended");
                self.ended(number, outcome);
            }
            assert_eq!(self.sides[end].waiting, BTreeMap::new(), "calls that never ended");
        }
        for end in [CLIENT, SERVER] {
            // What the transport has may still arrive and start handlers; their answers have no reader.
            let _ = self.pair.read(end, usize::MAX);
            for event in self.pair.events(end) {
                if let Event::Request { head, .. } = event {
                    self.sides[end].started.insert(head.method);
                }
            }
        }
        self.check_outcomes();
    }

    fn check_outcomes(&self) {
        for side in &self.sides {
            let both: Vec<_> = side.started.intersection(&self.unstarted).collect();
            assert!(
                both.is_empty(),
                "calls {both:?} ran, and their callers were told that they had not"
            );
        }
    }
}

/// A body of at least eight bytes that shows whose it is.
fn content(number: u64, length: usize) -> Bytes {
    let mut content = BytesMut::with_capacity(length + 8);
    content.put_u64_le(number);
    content.resize(length.max(8), number as u8);
    content.freeze()
}

fn assert_content(number: u64, body: &Bytes) {
    let (first, rest) = body.split_at(8);
    assert_eq!(first, number.to_le_bytes(), "another call's bytes");
    assert!(
        rest.iter().all(|&byte| byte == number as u8),
        "bytes of call {number} were lost or mixed up"
    );
}
