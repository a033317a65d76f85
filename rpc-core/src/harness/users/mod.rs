//! Honest users that do as programs do: they nest streams in items, send long ones, read in any order, give up, and
//! call back.
//!
//! Each is a task that waits for one thing at a time. When nothing is on its way and no task can go on, all of them
//! must be done: otherwise programs that are right each by itself wait for each other for ever.

mod calls;
mod choices;
mod readers;
mod senders;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use ::bytes::Bytes;
use thin_vec::ThinVec;

use self::{choices::Choices, readers::StreamReader, senders::StreamWriter};
use super::{script::Script, streams::Net};
use crate::{
    Error, Limits,
    proto::{Attachment, Carrier, Connection, Event, Flow, PeerHead, RequestHead, StreamId, connection::Usage},
};

/// The first window of every stream.
const WINDOW: usize = 16 << 10;
/// Longer than a connection waits for users that do not take what they asked for.
const REST: Duration = Duration::from_secs(6);

static ZEROS: [u8; 128 << 10] = [0; 128 << 10];

/// Two sides with limits and users that the script chooses, and random choices behind its end.
pub(super) fn run(script: Script<'_>, now: Instant) {
    let mut choices = Choices::new(script);
    let carrier = *choices.pick(&[Carrier::Stream, Carrier::Stream, Carrier::Datagrams]);
    let limits = [limits(&mut choices), limits(&mut choices)];
    let most = 2 + choices.below(24);
    let mut world = UserWorld {
        net: Net::new(carrier, &limits, now),
        limits,
        choices,
        tasks: Vec::new(),
        readers: BTreeMap::new(),
        callers: BTreeMap::new(),
        handlers: BTreeMap::new(),
        streams: most,
    };
    for _ in 0..=world.choices.below(4) {
        let side = usize::from(world.choices.one_in(4));
        world.call(side, 0);
    }
    world.mingle();
    world.finish();
}

/// Small ones, so that everything is short of room.
fn limits(choices: &mut Choices<'_>) -> Limits {
    let message = choices.between(20 << 10, 120 << 10);
    let buffered = message * choices.pick(&[10, 11, 15, 20, 30]) / 10;
    Limits::default()
        .max_message(message)
        .max_udp_message(message)
        .max_buffered(buffered)
        .max_calls(1 + choices.below(7))
        .max_streams(2 + choices.below(10))
        .stream_window(WINDOW)
        .max_stream_window(*choices.pick(&[WINDOW, 32 << 10, 100 << 10]))
        .normalised()
}

/// What a user is at.
#[derive(Debug)]
enum UserWork {
    Sends(StreamWriter),
    Reads(StreamReader),
    /// It waits for the answer of a call, if it does not give up before.
    Calls {
        call: u32,
        gives_up: bool,
    },
    /// It serves a call: waits for the users of what the call carried, may call back, and answers.
    Serves {
        call: u32,
        children: Vec<usize>,
        depth: u64,
        calls_back: bool,
        stopped: bool,
    },
    Done,
}

#[derive(Debug)]
struct UserTask {
    side: usize,
    work: UserWork,
    /// It waits to be woken.
    asleep: bool,
}

struct UserWorld<'a> {
    net: Net,
    limits: [Limits; 2],
    choices: Choices<'a>,
    tasks: Vec<UserTask>,
    /// Which task is to be woken, by its side and the stream or call.
    readers: BTreeMap<(usize, u32), usize>,
    callers: BTreeMap<(usize, u32), usize>,
    handlers: BTreeMap<(usize, u32), usize>,
    /// How many streams may still be opened.
    streams: usize,
}

impl UserWorld<'_> {
    /// Tasks, writers and readers go on in any order.
    fn mingle(&mut self) {
        for _ in 0..self.choices.below(256) {
            let end = self.choices.below(2);
            match self.choices.below(4) {
                0 => self.net.write(end),
                1 => {
                    let bytes = [(); 4].map(|()| self.choices.below(256) as u8);
                    self.net.read(end, &mut Script::new(&bytes)).expect("both are honest");
                    self.take_events(end);
                }
                _ => {
                    let task = self.choices.below(self.tasks.len());
                    self.step(task);
                }
            }
            self.check();
        }
    }

    /// Everything goes on until all is done.
    fn finish(&mut self) {
        loop {
            if self.go_on(false) {
                continue;
            }
            if self.tasks.iter().all(UserTask::is_done) {
                break;
            }
            assert!(!self.go_on(true), "a task was not woken: {}", self.state());
            assert!(self.rests(), "they wait for each other: {}", self.state());
            self.net.pass(REST).expect("both are honest");
        }
        for end in &self.net.ends {
            assert_eq!(end.held(), Usage::default(), "something is left");
        }
    }

    /// Moves all bytes and lets the tasks go on that are awake, or all of them; says whether anything has moved.
    fn go_on(&mut self, all: bool) -> bool {
        let mut moved = self.wants_write();
        self.net.settle().expect("both are honest");
        for end in 0..2 {
            moved |= self.take_events(end);
        }
        for task in 0..self.tasks.len() {
            if !self.tasks[task].asleep || all {
                moved |= self.step(task);
            }
        }
        self.check();
        moved | self.wants_write()
    }

    fn wants_write(&self) -> bool {
        self.net.ends.iter().any(Connection::wants_write)
    }

    /// Whether a user waits for a limit that is raised in time: that of items that were asked for and not
    /// taken.
    fn rests(&self) -> bool {
        let sides = self.net.ends.iter().zip(&self.limits);
        sides
            .into_iter()
            .any(|(end, limits)| end.held().asked > limits.max_buffered)
    }

    fn check(&self) {
        for (end, limits) in self.net.ends.iter().zip(&self.limits) {
            let held = end.held();
            assert!(held.beyond <= limits.max_buffered, "{held:?} with {limits:?}");
            assert!(held.requests <= limits.max_buffered, "{held:?} with {limits:?}");
            let most = held.beyond + held.asked + held.streams * WINDOW;
            assert!(held.arrived <= most, "{held:?} with {limits:?}");
        }
    }

    fn state(&self) -> String {
        let side = |(end, limits): (&Connection, &Limits)| {
            let (message, buffered) = (limits.max_message, limits.max_buffered);
            format!("\nmax_message {message}, max_buffered {buffered}, {:?}", end.held())
        };
        let sides = self.net.ends.iter().zip(&self.limits).map(side);
        let tasks = self.tasks.iter().filter(|task| !task.is_done());
        sides.chain(tasks.map(|task| format!("\n{task:?}"))).collect()
    }

    fn add(&mut self, side: usize, work: UserWork) -> usize {
        self.tasks.push(UserTask {
            side,
            work,
            asleep: false,
        });
        self.tasks.len() - 1
    }

    /// A task does one thing; says whether it could.
    fn step(&mut self, number: usize) -> bool {
        let side = self.tasks[number].side;
        let mut work = std::mem::replace(&mut self.tasks[number].work, UserWork::Done);
        let (moved, done) = match &mut work {
            UserWork::Sends(sender) => self.send(side, sender),
            UserWork::Reads(reader) => self.read(number, side, reader),
            UserWork::Calls { call, gives_up } => self.wait_or_give_up(side, *call, *gives_up),
            UserWork::Serves { .. } => self.serve(side, &mut work),
            UserWork::Done => return false,
        };
        // A serving user looks again and again, because what it waits for does not wake it.
        self.tasks[number].asleep = !moved && !matches!(work, UserWork::Serves { .. });
        if !done {
            self.tasks[number].work = work;
        }
        moved
    }

    fn wake(&mut self, task: Option<usize>) {
        if let Some(task) = task {
            self.tasks[task].asleep = false;
        }
    }

    /// Hands on what happened; says whether anything did.
    fn take_events(&mut self, side: usize) -> bool {
        let mut any = false;
        while let Some(event) = self.net.ends[side].poll_event() {
            any = true;
            match event {
                Event::Request { call, head, .. } => self.serve_new(side, call, &head),
                Event::Reply { call, attachments, .. } => {
                    self.end_call(side, call);
                    self.claim(side, &attachments);
                }
                Event::Failed { call, .. } => self.end_call(side, call),
                Event::Stop { call, .. } => self.stop(side, call),
                Event::Sendable { stream } | Event::Receivable { stream } => {
                    self.wake(self.readers.get(&(side, stream.0)).copied());
                }
                Event::GoAway
                | Event::Released { .. }
                | Event::Watched { .. }
                | Event::Revoked { .. }
                | Event::Left { .. } => {}
            }
        }
        any
    }
}

impl UserTask {
    fn is_done(&self) -> bool {
        matches!(self.work, UserWork::Done)
    }
}
