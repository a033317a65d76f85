//! Traffic of honest peers with bytes changed on the way: it may be a violation or another message, and every call still ends
//! once.

use fastrand::Rng;

use super::{content, pair};
use crate::proto::{
    Event, Lost,
    fuzzing::{CLIENT, Pair, SERVER},
};

/// Calls that wait at the client, by id.
#[derive(Default)]
struct Waiting(Vec<u32>);

impl Waiting {
    fn end(&mut self, id: u32) {
        let index = self.0.iter().position(|&waiting| waiting == id);
        self.0.swap_remove(index.expect("a call that ended twice"));
    }
}

#[test]
fn calls_end_once_whatever_happens_to_the_bytes() {
    let mut violations = 0;
    for seed in 0..1500 {
        let mut rng = Rng::with_seed(seed);
        let mut pair = pair(seed);
        let mut waiting = Waiting::default();
        let lost = (0..60).find_map(|_| step(&mut pair, &mut waiting, &mut rng).err());
        violations += usize::from(matches!(lost, Some(Lost::Violation(_))));
        take_events(&mut pair, &mut waiting);
        for (id, _) in pair.connection(CLIENT).drain_lost() {
            waiting.end(id);
        }
        assert!(waiting.0.is_empty(), "seed {seed}: calls {:?} never ended", waiting.0);
    }
    assert!(
        violations > 500,
        "only {violations} violations: the bytes were hardly touched"
    );
}

fn step(pair: &mut Pair, waiting: &mut Waiting, rng: &mut Rng) -> Result<(), Lost> {
    if rng.u8(..3) == 0 {
        let most = 1 << rng.u32(1..17);
        let length = rng.usize(..most);
        let id = pair
            .start(CLIENT, 7, &content(length), None)
            .expect("it is within the limits");
        waiting.0.push(id);
    }
    for end in [CLIENT, SERVER] {
        pair.write(end, rng.usize(1..40_000));
        if rng.u8(..8) == 0 {
            pair.garble(1 - end, rng);
        }
    }
    for end in [CLIENT, SERVER] {
        pair.read(end, rng.usize(1..40_000))?;
    }
    take_events(pair, waiting);
    Ok(())
}

fn take_events(pair: &mut Pair, waiting: &mut Waiting) {
    for event in pair.events(SERVER) {
        if let Event::Request { call, body, .. } = event {
            pair.reply(SERVER, call, &body);
        }
    }
    for event in pair.events(CLIENT) {
        if let Event::Reply { call, .. } | Event::Failed { call, .. } = event {
            waiting.end(call);
            pair.connection(CLIENT).release(call);
        }
    }
}
