//! Streams between two ends, without I/O.

mod datagrams;
mod ends;
mod flow;
mod lists;
mod long_items;
mod replaced;
mod turns;
mod violations;

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{exchange, pair, with_limits};
use crate::harness::{CLIENT, ConnectionPair, SERVER, body};
use crate::{
    Error,
    proto::{Attachment, Capacity, Event, Flow, ItemReader, Limits, Received, RequestHead, StreamId},
};

/// The other end.
fn other(end: usize) -> usize {
    1 - end
}

/// A stream that `opener` announces with a call, and sends on or receives from; gives what it is called at both ends,
/// the sender's first. The call has ended.
fn open(pair: &mut ConnectionPair, opener: usize, flow: Flow) -> (StreamId, StreamId) {
    let stream = pair.connection(opener).open_stream(flow).expect("there are few");
    let call = announce(pair, opener, &[Attachment::Stream { stream, flow }]);
    exchange(pair);
    let list = claimed(pair, other(opener));
    let [
        Attachment::Stream {
            stream: theirs,
            flow: heard,
        },
    ] = list[..]
    else {
        panic!("{list:?} where a stream was due");
    };
    assert_ne!(heard, flow);
    end_call(pair, opener, call);
    match flow {
        Flow::Sends => (stream, theirs),
        Flow::Receives => (theirs, stream),
    }
}

/// Makes a call that carries something.
fn announce(pair: &mut ConnectionPair, from: usize, list: &[Attachment]) -> u32 {
    let head = RequestHead {
        attachments: list.into(),
        ..RequestHead::default()
    };
    let content = Bytes::new();
    let connection = pair.connection(from);
    connection
        .start(&head, body(&content), None)
        .expect("it is within the limits")
}

/// What the one request carries that came to `end`.
fn claimed(pair: &mut ConnectionPair, end: usize) -> ThinVec<Attachment> {
    let mut events = pair.events(end);
    let Some(Event::Request { head, .. }) = events.pop() else {
        panic!("a request was due");
    };
    assert!(events.is_empty(), "{events:?}");
    head.attachments
}

fn end_call(pair: &mut ConnectionPair, caller: usize, call: u32) {
    pair.reply(other(caller), call, &Bytes::new());
    exchange(pair);
    let answered = pair
        .events(caller)
        .into_iter()
        .any(|event| matches!(event, Event::Reply { .. }));
    assert!(answered);
    pair.connection(caller).release(call);
}

fn send(pair: &mut ConnectionPair, end: usize, stream: StreamId, item: &[u8]) {
    let item = Bytes::copy_from_slice(item);
    let sent = pair.connection(end).send_item(stream, &[], body(&item));
    sent.expect("the item is within the limits");
}

fn has_room(pair: &mut ConnectionPair, end: usize, stream: StreamId) -> bool {
    matches!(pair.connection(end).capacity(stream), Capacity::Room)
}

fn finish(pair: &mut ConnectionPair, end: usize, stream: StreamId) {
    pair.connection(end).end_stream(stream, Ok(()));
}

fn stop(pair: &mut ConnectionPair, end: usize, stream: StreamId) {
    pair.connection(end).stop_stream(stream, None);
}

/// Why the receiver takes no more.
fn stopped(pair: &mut ConnectionPair, end: usize, stream: StreamId) -> Error {
    match pair.connection(end).capacity(stream) {
        Capacity::Stopped(why) => why,
        other => panic!("{other:?} of a stream that was stopped"),
    }
}

/// How a stream ended.
type LastWord = Result<(), Error>;

/// Takes all items that have come, and the end if it has.
fn receive(pair: &mut ConnectionPair, end: usize, stream: StreamId) -> (Vec<Bytes>, Option<LastWord>) {
    let mut items = Vec::new();
    loop {
        match pair.connection(end).receive(stream) {
            Received::Items(batch) => items.extend(split(batch.items)),
            Received::Nothing => return (items, None),
            Received::Finished => return (items, Some(Ok(()))),
            Received::Failed(error) => return (items, Some(Err(error))),
        }
    }
}

/// The items of a batch.
fn split(batch: Bytes) -> Vec<Bytes> {
    let (mut items, mut reader) = (Vec::new(), ItemReader::new(batch));
    while let Some(item) = reader.next() {
        items.push(Bytes::copy_from_slice(item.bytes));
    }
    assert!(reader.is_over(), "a part of an item");
    items
}

/// Both users of a stream have let go: all about it is forgotten.
fn assert_over(pair: &mut ConnectionPair) {
    exchange(pair);
    for end in [CLIENT, SERVER] {
        pair.events(end);
    }
    super::assert_empty(pair);
}
