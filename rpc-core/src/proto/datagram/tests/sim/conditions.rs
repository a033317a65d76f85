//! What a seed makes of the world.

use core::ops::Range;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{
    ledger::{CallPlan, LONGEST},
    network::{Outage, Way},
};
use crate::Limits;

/// What both ends of all sessions go by.
#[derive(Clone, Debug)]
pub(super) struct SharedTerms {
    pub(super) limits: Limits,
    pub(super) idle: Option<Duration>,
    pub(super) window: u32,
    pub(super) budget: usize,
    pub(super) segments: usize,
}

/// What happens to a host at some time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    /// The client's NAT gives it another port.
    Rebind(usize),
    /// The client reads nothing for a while; then all server sessions.
    Pause(usize, Duration),
    PauseServer(Duration),
    /// The server is another one all at once, without a word.
    Crash,
    /// The server ends its connections in order.
    GoAway,
    /// The client's process ends, without a word.
    Vanish(usize),
}

/// The longest message of a world that is drawn.
const LONG: usize = 256 << 10;
/// By then every client of a mild world is in its first session.
const OPENED: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct SimConditions {
    pub(super) ways: [Way; 2],
    pub(super) outages: Vec<Outage>,
    pub(super) narrows: Option<(Instant, usize)>,
    pub(super) happenings: Vec<(Instant, Happening)>,
    pub(super) terms: SharedTerms,
    pub(super) clients: usize,
    /// Each session of a client has a socket of its own.
    pub(super) fresh_ports: bool,
    pub(super) calls: Vec<CallPlan>,
    pub(super) begin: Instant,
    pub(super) until: Instant,
}

impl SimConditions {
    pub(super) fn draw(seed: u64, begin: Instant) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let until = begin + Duration::from_secs(rng.u64(5..40));
        let clients = rng.usize(1..=3);
        let ways = [way(rng), way(rng)];
        Self {
            ways,
            outages: some(rng, 4, 3).map(|()| outage(rng, begin..until)).collect(),
            narrows: rare(rng, 6).then(|| (time(rng, begin..until), rng.usize(1200..1452))),
            happenings: happenings(rng, clients, begin..until),
            terms: terms(rng),
            clients,
            fresh_ports: rng.bool(),
            calls: calls(rng, clients, begin..until),
            begin,
            until,
        }
    }

    /// A message of 1 MiB on a way that is long and slow and loses many datagrams: whole pieces come rarely, and less
    /// often than the ends want to hear from each other.
    pub(super) fn slow(begin: Instant, seed: u64) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let way = Way {
            loss: rng.u32(100..=200),
            rate: Some((8_000, 16_000)),
            delay: Duration::from_millis(130),
            most: 1500,
            ..Way::default()
        };
        let (request, reply) = if rng.bool() { (LONGEST, 1) } else { (1, LONGEST) };
        Self {
            ways: [way.clone(), way],
            outages: Vec::new(),
            narrows: None,
            happenings: Vec::new(),
            terms: SharedTerms {
                limits: Limits::default().keepalive(Duration::from_secs(3)),
                idle: None,
                window: 256 << 10,
                budget: 1 << 20,
                segments: 10,
            },
            clients: 1,
            fresh_ports: false,
            calls: vec![CallPlan {
                at: begin,
                client: 0,
                by_server: false,
                request,
                reply,
                timeout: None,
                cancelled: None,
                one_way: false,
            }],
            begin,
            until: begin,
        }
    }

    /// The same calls, and a network that does nothing but carry them.
    pub(super) fn calm(self) -> Self {
        let calm = |way: &Way| Way {
            loss: 0,
            twice: 0,
            late: 0,
            flipped: 0,
            cut: 0,
            replayed: 0,
            jitter: Duration::ZERO,
            rate: None,
            most: 1500,
            ..way.clone()
        };
        Self {
            ways: [calm(&self.ways[0]), calm(&self.ways[1])],
            outages: Vec::new(),
            narrows: None,
            happenings: Vec::new(),
            ..self
        }
    }

    /// Nothing happens that a session may not survive.
    pub(super) fn are_mild(&self) -> bool {
        let mild = |&(at, happening): &(Instant, Happening)| match happening {
            // A client that waits for the server's hello sends nothing: if it moves then, it cannot be found.
            Happening::Rebind(_) => at > self.begin + OPENED,
            Happening::Pause(_, time) => self.is_short(time),
            _ => false,
        };
        self.happenings.iter().all(mild) && self.terms.idle.is_none() && self.is_mild_network()
    }

    /// Sessions end, but in order.
    pub(super) fn are_orderly(&self) -> bool {
        // A client that moves after its server's last word has no way to hear it.
        let orderly = |&(_, happening): &(Instant, Happening)| match happening {
            Happening::GoAway => true,
            Happening::Pause(_, time) => self.is_short(time),
            _ => false,
        };
        // A driver repeats its last words for 3 s only: on a way that is long and loses much that is not enough.
        let heard = |way: &Way| way.loss <= 50 && way.delay < Duration::from_millis(20);
        self.happenings.iter().all(orderly) && self.is_mild_network() && self.ways.iter().all(heard)
    }

    /// A host that reads nothing for longer takes its peer for silent.
    fn is_short(&self, pause: Duration) -> bool {
        pause < self.terms.limits.keepalive
    }

    /// No host is silent for so long that it counts as gone.
    fn is_mild_network(&self) -> bool {
        let most = self.terms.limits.keepalive / 4;
        let short = |outage: &Outage| outage.time.end - outage.time.start < most;
        self.outages.iter().all(short) && self.ways.iter().all(|way| way.loss <= 200 && way.rate.is_none())
    }
}

fn way(rng: &mut Rng) -> Way {
    let mut often = |values: &[u32]| {
        if rng.bool() {
            0
        } else {
            *rng.choice(values).expect("a value")
        }
    };
    let (loss, twice, late) = (
        often(&[5, 20, 50, 100, 200, 300]),
        often(&[10, 100, 300]),
        often(&[5, 30]),
    );
    let (flipped, cut, replayed) = (often(&[5, 50]), often(&[5, 50]), often(&[5, 30]));
    Way {
        loss,
        twice,
        late,
        flipped,
        cut,
        replayed,
        delay: Duration::from_micros(1 << rng.u32(6..18)),
        jitter: if rng.bool() {
            Duration::ZERO
        } else {
            Duration::from_micros(1 << rng.u32(4..17))
        },
        rate: rare(rng, 4).then(|| (1 << rng.u32(15..24), 1 << rng.u32(14..19))),
        most: if rare(rng, 4) { rng.usize(1200..1452) } else { 1500 },
        refuses: rng.bool(),
    }
}

fn outage(rng: &mut Rng, range: Range<Instant>) -> Outage {
    let from = time(rng, range);
    let time = from..from + Duration::from_millis(1 << rng.u32(5..15));
    let ways = [0..2, 0..1, 1..2][rng.usize(..3)].clone();
    Outage { time, ways }
}

fn happenings(rng: &mut Rng, clients: usize, range: Range<Instant>) -> Vec<(Instant, Happening)> {
    let mut all = Vec::new();
    for () in some(rng, 2, 5) {
        let client = rng.usize(..clients);
        let pause = Duration::from_millis(1 << rng.u32(5..13));
        let happening = match rng.u32(..12) {
            0..6 => Happening::Rebind(client),
            6 | 7 => Happening::Pause(client, pause),
            8 => Happening::PauseServer(pause),
            9 => Happening::Crash,
            10 => Happening::GoAway,
            _ => Happening::Vanish(client),
        };
        all.push((time(rng, range.clone()), happening));
    }
    all.sort_by_key(|&(at, _)| at);
    all
}

fn terms(rng: &mut Rng) -> SharedTerms {
    let mut one = |values: [usize; 3]| values[rng.usize(..3)];
    let limits = Limits::default()
        .max_message(LONG)
        .max_buffered(one([LONG, 1 << 20, 64 << 20]))
        .max_calls(one([3, 64, 1024]))
        .max_streams(one([3, 32, 1024]))
        .stream_window(one([16 << 10, 64 << 10, 64 << 10]))
        .max_stream_window(one([64 << 10, 200 << 10, 16 << 20]))
        .max_objects(one([2, 16 << 10, 16 << 10]))
        .keepalive(Duration::from_secs(one([3, 15, 15]) as u64));
    SharedTerms {
        limits,
        window: one([16 << 10, 256 << 10, 4 << 20]) as u32,
        budget: one([64 << 10, 1 << 20, 64 << 20]),
        segments: one([1, 4, 10]),
        idle: rare(rng, 8).then(|| Duration::from_secs(2)),
    }
}

fn calls(rng: &mut Rng, clients: usize, range: Range<Instant>) -> Vec<CallPlan> {
    let count = rng.usize(20..150);
    let mut left: usize = 512 << 10;
    let mut at = range.start;
    let mut calls = Vec::with_capacity(count);
    for _ in 0..count {
        // Bursts, and silence between them.
        if rare(rng, 3) {
            at = time(rng, range.clone());
        }
        let (request, reply) = (size(rng, &mut left), size(rng, &mut left));
        calls.push(CallPlan {
            at,
            client: rng.usize(..clients),
            by_server: rare(rng, 8),
            request,
            reply,
            timeout: rare(rng, 6).then(|| Duration::from_millis(1 << rng.u32(..13))),
            cancelled: rare(rng, 8).then(|| at + Duration::from_micros(1 << rng.u32(..20))),
            one_way: rare(rng, 16),
        });
    }
    calls.sort_by_key(|call| call.at);
    calls
}

/// Mostly small, and all together not too much for the time that a test has.
fn size(rng: &mut Rng, left: &mut usize) -> usize {
    let most = [64, 64, 64, 64, 64, 1024, 4096, 10 << 10, 40 << 10, LONG][rng.usize(..10)];
    let size = rng.usize(..=most).min(*left);
    *left -= size;
    size
}

fn rare(rng: &mut Rng, one_of: u32) -> bool {
    rng.u32(..one_of) == 0
}

/// None at all in most worlds, else up to `most`.
fn some(rng: &mut Rng, one_of: u32, most: usize) -> impl Iterator<Item = ()> + use<> {
    let count = if rare(rng, one_of) { rng.usize(1..=most) } else { 0 };
    std::iter::repeat_n((), count)
}

fn time(rng: &mut Rng, range: Range<Instant>) -> Instant {
    let length = (range.end - range.start).as_micros() as u64;
    range.start + Duration::from_micros(rng.u64(..length))
}
