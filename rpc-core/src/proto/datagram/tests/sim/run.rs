//! One seed, one world, from its first call until nothing is on its way any more.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use fastrand::Rng;

use super::{
    conditions::{Happening, SimConditions},
    hosts::{ClientHost, ServerHost, SimWorld},
    ledger::{CallFate, Ledger},
    link::SimLink,
    network::{SERVER, SimNetwork, TrafficCounts},
    streams::StreamCounts,
};

/// By then every call has ended, even one that was made when its server had vanished.
const LIMIT: Duration = Duration::from_secs(300);
/// Longer than any datagram is on its way.
const QUIET: Duration = Duration::from_secs(13);

/// What came of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) sent: TrafficCounts,
    /// The bytes of all requests, replies and items.
    pub(super) planned: usize,
    pub(super) answered: usize,
    pub(super) executed: usize,
    pub(super) not_executed: usize,
    pub(super) unknown: usize,
    pub(super) streams: StreamCounts,
    pub(super) sessions: usize,
    pub(super) lost: usize,
    pub(super) took: Duration,
}

/// How a world is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) story: bool,
    pub(super) mutant: bool,
    /// Nothing happens to any datagram.
    pub(super) calm: bool,
}

/// The world that a seed stands for.
pub(super) fn run(seed: u64, watch: Watch) -> Report {
    let drawn = SimConditions::draw(seed, Instant::now());
    let conditions = if watch.calm { drawn.calm() } else { drawn };
    run_under(&conditions, seed, watch)
}

/// A world of these conditions.
pub(super) fn run_under(conditions: &SimConditions, seed: u64, watch: Watch) -> Report {
    let begin = conditions.begin;
    let mut network = SimNetwork::new(conditions.ways.clone(), seed, begin);
    network.outages.clone_from(&conditions.outages);
    network.narrows = conditions.narrows;
    network.story = watch.story.then(VecDeque::new);
    let mut world = SimWorld {
        network,
        ledger: Ledger::new(conditions.calls.clone()),
        terms: conditions.terms.clone(),
        rng: Rng::with_seed(!seed),
        mutant: watch.mutant,
        lost: 0,
        sessions: 0,
    };
    let mut run = SimRun {
        clients: (0..conditions.clients)
            .map(|index| ClientHost::new(index, conditions.fresh_ports, begin))
            .collect(),
        server: ServerHost::new(&mut world, begin),
        agenda: agenda(conditions),
        world,
        now: begin,
        stuck: 0,
    };
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.finish(conditions)));
    if let Some(story) = &run.world.network.story {
        tell(conditions, story);
    }
    if let Err(cause) = ended {
        std::panic::resume_unwind(cause);
    }
    let count = |told| run.world.ledger.count(told);
    Report {
        sent: run.world.network.sent,
        planned: run.world.ledger.planned() + run.world.ledger.streams.planned(),
        streams: run.world.ledger.streams.counts(),
        answered: count(CallFate::Answered),
        executed: count(CallFate::Executed),
        not_executed: count(CallFate::NotExecuted),
        unknown: count(CallFate::Unknown),
        sessions: run.world.sessions,
        lost: run.world.lost,
        took: run.now - begin,
    }
}

#[expect(clippy::print_stderr, reason = "asked for, to look into a failure")]
fn tell(conditions: &SimConditions, story: &VecDeque<String>) {
    for line in story {
        eprintln!("{line}");
    }
    eprintln!("{:#?}\n{:#?}", conditions.ways, conditions.terms);
    eprintln!("{} outages, narrows {:?}", conditions.outages.len(), conditions.narrows);
}

/// What is to be done, in order.
#[derive(Clone, Copy, Debug)]
enum PlanItem {
    Call(usize),
    Cancel(usize),
    Happening(Happening),
}

fn agenda(conditions: &SimConditions) -> VecDeque<(Instant, PlanItem)> {
    let mut agenda = Vec::new();
    for (number, call) in conditions.calls.iter().enumerate() {
        agenda.push((call.at, PlanItem::Call(number)));
        agenda.extend(call.cancelled.map(|at| (at, PlanItem::Cancel(number))));
    }
    agenda.extend(
        conditions
            .happenings
            .iter()
            .map(|&(at, happening)| (at, PlanItem::Happening(happening))),
    );
    agenda.sort_by_key(|&(at, _)| at);
    agenda.into()
}

struct SimRun {
    world: SimWorld,
    clients: Vec<ClientHost>,
    server: ServerHost,
    agenda: VecDeque<(Instant, PlanItem)>,
    now: Instant,
    /// Steps at the same instant.
    stuck: u32,
}

impl SimRun {
    fn finish(&mut self, conditions: &SimConditions) {
        let limit = conditions.until + LIMIT;
        while self.world.ledger.open() + self.world.ledger.streams.open() > 0 || !self.agenda.is_empty() {
            self.step();
            let ledger = &self.world.ledger;
            assert!(
                self.now < limit,
                "{} calls never ended, and {} ends of streams and references",
                ledger.open(),
                ledger.streams.open()
            );
        }
        // What is late may still do harm.
        let quiet = self.now + QUIET;
        while self.now < quiet {
            self.step();
        }
        let limit = self.now + LIMIT;
        while let Some(left) = self.left() {
            self.step();
            assert!(self.now < limit, "left when all was over: {left}");
        }
        if conditions.are_mild() {
            let failed = self.world.ledger.failed();
            assert_eq!(
                (self.world.lost, failed, self.world.ledger.streams.counts().lost),
                (0, Vec::new(), 0),
                "lost sessions, failed calls and lost streams in a mild world"
            );
        }
        if conditions.are_orderly() {
            let unknown = self.world.ledger.unknown();
            assert_eq!(unknown, [0; 0], "calls of which nobody knows in an orderly world");
        }
    }

    /// What the sessions hold that both sides have.
    fn left(&self) -> Option<String> {
        let links = self.clients.iter().filter_map(ClientHost::open_link);
        let pairs = links.filter_map(|link| Some([link, self.server.other_end(link.id)?]));
        pairs.flatten().find_map(SimLink::left)
    }

    /// Goes to the next instant at which anything happens.
    fn step(&mut self) {
        let agenda = self.agenda.front().map(|&(at, _)| at);
        let clients = self.clients.iter().filter_map(ClientHost::due);
        let due = clients
            .chain(agenda)
            .chain(self.server.due())
            .chain(self.world.network.due())
            .min();
        let due = due.expect("a client always has something to do").max(self.now);
        self.stuck = if due > self.now { 0 } else { self.stuck + 1 };
        assert!(self.stuck < 10_000, "time stands still");
        self.now = due;
        while let Some(arrival) = self.world.network.receive(self.now) {
            if arrival.to == SERVER {
                self.server
                    .handle_datagram(&mut self.world, arrival.from, &arrival.bytes, self.now);
            } else if let Some(client) = self.clients.iter_mut().find(|client| client.address() == arrival.to) {
                client.handle_datagram(&mut self.world, arrival.from, &arrival.bytes, self.now);
                client.run(&mut self.world, self.now);
            }
        }
        while let Some(&(at, item)) = self.agenda.front()
            && at <= self.now
        {
            self.agenda.pop_front();
            self.act(item);
        }
        for client in &mut self.clients {
            if client.due().is_some_and(|due| due <= self.now) {
                client.run(&mut self.world, self.now);
            }
        }
        self.server.run(&mut self.world, self.now);
    }

    fn act(&mut self, item: PlanItem) {
        let (world, now) = (&mut self.world, self.now);
        match item {
            PlanItem::Call(number) => {
                let call = &world.ledger.calls[number];
                if !call.by_server {
                    let client = &mut self.clients[call.client];
                    client.waiting.push(number);
                    client.run(world, now);
                } else if !self.server.start(world, number, now) {
                    world.ledger.told(number, CallFate::NotExecuted);
                }
            }
            PlanItem::Cancel(number) if world.ledger.is_open(number) => self.cancel(number),
            PlanItem::Cancel(_) => {}
            PlanItem::Happening(happening) => {
                world.network.tell(&format!("{happening:?}"), now);
                self.happen(happening);
            }
        }
    }

    fn cancel(&mut self, number: usize) {
        let (world, now) = (&mut self.world, self.now);
        let client = &mut self.clients[world.ledger.calls[number].client];
        if let Some(index) = client.waiting.iter().position(|&waiting| waiting == number) {
            client.waiting.remove(index);
            world.ledger.told(number, CallFate::NotExecuted);
        } else if client.link().is_some_and(|link| link.cancel(number, &mut world.ledger)) {
            client.run(world, now);
        } else {
            self.server.cancel(world, number, now);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let (world, now) = (&mut self.world, self.now);
        match happening {
            Happening::Rebind(client) => world.network.rebind(self.clients[client].address()),
            Happening::Pause(client, time) => {
                if let Some(link) = self.clients[client].link() {
                    link.pause(now + time);
                }
            }
            Happening::PauseServer(time) => self.server.pause(now + time),
            Happening::Crash => {
                self.server.crash(world);
                self.server = ServerHost::new(world, now);
            }
            Happening::GoAway => self.server.go_away(world, now),
            Happening::Vanish(client) => self.clients[client].vanish(world, now),
        }
    }
}
