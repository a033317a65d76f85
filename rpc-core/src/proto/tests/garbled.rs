//! Traffic of honest peers with bytes changed on the way: it may be a violation or another message, and every call
//! still ends once.

use fastrand::Rng;

use super::{content, pair};
use crate::harness::{CLIENT, ConnectionPair, SERVER, body};
use crate::proto::{Attachment, Capacity, Event, Flow, Lost, Received, RequestHead};

/// Calls that wait at the client, by id.
#[derive(Default)]
struct WaitingCalls(Vec<u32>);

impl WaitingCalls {
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
        let mut waiting = WaitingCalls::default();
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

fn step(pair: &mut ConnectionPair, waiting: &mut WaitingCalls, rng: &mut Rng) -> Result<(), Lost> {
    if rng.u8(..3) == 0 {
        let most = 1 << rng.u32(1..17);
        let length = rng.usize(..most);
        let id = pair
            .start(CLIENT, 7, &content(length), None)
            .expect("it is within the limits");
        waiting.0.push(id);
    }
    if rng.u8(..6) == 0 {
        open(pair, waiting, rng);
    }
    for end in [CLIENT, SERVER] {
        use_streams(pair, end, rng);
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

/// The client makes a call that carries a stream.
fn open(pair: &mut ConnectionPair, waiting: &mut WaitingCalls, rng: &mut Rng) {
    let flow = if rng.bool() { Flow::Sends } else { Flow::Receives };
    let client = pair.connection(CLIENT);
    let stream = client.open_stream(flow).expect("there are few");
    let head = RequestHead {
        attachments: thin_vec::thin_vec![Attachment::Stream { stream, flow }],
        ..RequestHead::default()
    };
    let call = client.start(&head, body(&content(10)), None);
    waiting.0.push(call.expect("it is within the limits"));
}

/// One of the streams at `end` goes on.
fn use_streams(pair: &mut ConnectionPair, end: usize, rng: &mut Rng) {
    let connection = pair.connection(end);
    let streams = connection.streams();
    let Some(&stream) = rng.choice(&streams) else { return };
    if let Capacity::Room = connection.capacity(stream) {
        let item = content(rng.usize(..5000));
        let sent = connection.send_item(stream, &[], body(&item));
        sent.expect("it is within the limits");
    }
    while let Received::Items(_) = connection.receive(stream) {}
    if rng.u8(..8) == 0 {
        connection.end_stream(stream, Ok(()));
        connection.stop_stream(stream, None);
    }
}

fn take_events(pair: &mut ConnectionPair, waiting: &mut WaitingCalls) {
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
