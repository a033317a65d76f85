//! What messages carry is claimed or given back, even if the message is lost.

use thin_vec::ThinVec;

use super::*;
use crate::{
    Code,
    proto::{
        frame::{Kind, PIECE},
        tests::{answers, content, frame, inject, start},
    },
};

/// Opens a stream in each direction for a message of `end`.
fn streams(pair: &mut ConnectionPair, end: usize) -> ThinVec<Attachment> {
    [Flow::Sends, Flow::Receives]
        .map(|flow| Attachment::Stream {
            stream: pair.connection(end).open_stream(flow).expect("there are few"),
            flow,
        })
        .into()
}

/// Both streams of a list came back to `end` with the reason that its message was discarded.
fn assert_given_back(pair: &mut ConnectionPair, end: usize, list: &[Attachment]) {
    exchange(pair);
    for entry in list {
        let &Attachment::Stream { stream, flow } = entry else {
            continue;
        };
        match flow {
            Flow::Sends => {
                let why = stopped(pair, end, stream);
                assert_eq!(why.code(), Code::Cancelled);
                assert!(why.message().contains("was discarded"), "{why}");
                finish(pair, end, stream);
            }
            Flow::Receives => {
                let (items, error) = receive(pair, end, stream);
                assert!(items.is_empty() && matches!(error, Some(Err(error)) if error.code() == Code::Cancelled));
                stop(pair, end, stream);
            }
        }
    }
}

/// The user at `end` claims the streams of a list, and lets go at once.
fn let_go(pair: &mut ConnectionPair, end: usize, list: &[Attachment]) {
    for entry in list {
        match *entry {
            Attachment::Stream {
                stream,
                flow: Flow::Sends,
            } => finish(pair, end, stream),
            Attachment::Stream { stream, .. } => stop(pair, end, stream),
            _ => {}
        }
    }
}

#[test]
fn requests_replies_and_items_carry_lists() {
    let mut pair = pair(1);
    let to_server = streams(&mut pair, CLIENT);
    let call = announce(&mut pair, CLIENT, &to_server);
    exchange(&mut pair);
    let at_server = claimed(&mut pair, SERVER);
    assert_eq!(at_server.len(), 2);
    let to_client = streams(&mut pair, SERVER);
    assert!(pair.connection(SERVER).can_reply(call, &Bytes::new(), 0));
    pair.connection(SERVER).attach_reply(call, &to_client);
    pair.reply(SERVER, call, &Bytes::new());
    exchange(&mut pair);
    let events = pair.events(CLIENT);
    let [
        Event::Reply {
            attachments: at_client, ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    pair.connection(CLIENT).release(call);
    assert_eq!(at_client.len(), 2);
    let Attachment::Stream {
        stream,
        flow: Flow::Sends,
    } = to_server[0]
    else {
        panic!("{to_server:?}");
    };
    let Attachment::Stream { stream: to, .. } = at_server[0] else {
        panic!("{at_server:?}");
    };
    let nested = streams(&mut pair, CLIENT);
    send(&mut pair, CLIENT, stream, b"without");
    let carries = pair
        .connection(CLIENT)
        .send_item(stream, &nested, crate::proto::Body::Small(b"with"));
    carries.expect("the item is within the limits");
    exchange(&mut pair);
    let Received::Items(mut batch) = pair.connection(SERVER).receive(to) else {
        panic!("items had come");
    };
    assert_eq!(batch.items[..4], [7, 0, 0, 0]);
    assert_eq!(batch.items[11..15], [4, 0, 0, 0x80]);
    let at_server_nested = batch.attachments.pop_front().expect("the list of the second item");
    assert!(batch.attachments.is_empty());
    for (end, list) in [
        (CLIENT, &to_server),
        (SERVER, &at_server),
        (SERVER, &to_client),
        (CLIENT, at_client),
        (CLIENT, &nested),
        (SERVER, &at_server_nested),
    ] {
        let_go(&mut pair, end, list);
    }
    assert_over(&mut pair);
}

#[test]
fn nothing_is_said_on_a_stream_before_the_item_that_carries_it_has_left() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    // The credit is gone before the list comes to its turn.
    for _ in 0..70 {
        send(&mut pair, CLIENT, from, &content(1000));
    }
    let nested = streams(&mut pair, CLIENT);
    let carries = pair
        .connection(CLIENT)
        .send_item(from, &nested, crate::proto::Body::Small(b"with"));
    carries.expect("the item is within the limits");
    let (Attachment::Stream { stream: inner, .. }, Attachment::Stream { stream: given_up, .. }) =
        (nested[0], nested[1])
    else {
        panic!("{nested:?}");
    };
    send(&mut pair, CLIENT, inner, b"early");
    finish(&mut pair, CLIENT, inner);
    stop(&mut pair, CLIENT, given_up);
    exchange(&mut pair);
    assert_eq!(pair.connection(SERVER).held().streams, 1);
    let mut lists = Vec::new();
    for _ in 0..4 {
        if let Received::Items(batch) = pair.connection(SERVER).receive(to) {
            lists.extend(batch.attachments);
        }
        exchange(&mut pair);
    }
    let [list] = &lists[..] else { panic!("{lists:?}") };
    let (Attachment::Stream { stream: inner, .. }, Attachment::Stream { stream: given_up, .. }) = (list[0], list[1])
    else {
        panic!("{list:?}");
    };
    assert_eq!(
        receive(&mut pair, SERVER, inner),
        (vec![Bytes::from_static(b"early")], Some(Ok(())))
    );
    stopped(&mut pair, SERVER, given_up);
    let_go(&mut pair, SERVER, list);
    finish(&mut pair, CLIENT, from);
    stop(&mut pair, SERVER, to);
    assert_over(&mut pair);
}

#[test]
fn a_large_request_that_is_withdrawn_gives_its_list_back() {
    let limits = Limits::default().max_message(1 << 20).max_buffered(1 << 20);
    let mut pair = with_limits(limits, 1);
    start(&mut pair, &content(1 << 20));
    let list = streams(&mut pair, CLIENT);
    let head = RequestHead {
        attachments: list.clone(),
        ..RequestHead::default()
    };
    let content = content(1 << 20);
    let call = pair
        .connection(CLIENT)
        .start(&head, body(&content), None)
        .expect("it may wait");
    exchange(&mut pair);
    assert_eq!(pair.connection(SERVER).held().lists, 1);
    pair.connection(CLIENT).abandon(call);
    assert_given_back(&mut pair, CLIENT, &list);
    pair.events(CLIENT);
    assert_eq!(pair.connection(SERVER).held().lists, 0);
    // The id is used again, and its new call carries nothing.
    let again = start(&mut pair, &Bytes::new());
    assert_eq!(again, call);
    exchange(&mut pair);
    for event in pair.events(SERVER) {
        if let Event::Request { call, head, .. } = event {
            assert_eq!(head.attachments, []);
            pair.reply(SERVER, call, &Bytes::new());
        }
    }
    exchange(&mut pair);
    for (call, _) in answers(&mut pair) {
        pair.connection(CLIENT).release(call);
    }
    assert_over(&mut pair);
}

#[test]
fn a_request_that_is_cancelled_while_it_comes_gives_its_list_back() {
    let mut pair = pair(1);
    let list = streams(&mut pair, CLIENT);
    let head = RequestHead {
        attachments: list.clone(),
        ..RequestHead::default()
    };
    let content = content(1 << 20);
    let call = pair
        .connection(CLIENT)
        .start(&head, body(&content), None)
        .expect("it is within the limits");
    for _ in 0..4 {
        pair.write(CLIENT, PIECE);
        pair.read(SERVER, PIECE).expect("both are honest");
    }
    pair.connection(CLIENT).abandon(call);
    assert_given_back(&mut pair, CLIENT, &list);
    assert!(pair.events(SERVER).is_empty());
    assert_over(&mut pair);
}

#[test]
fn a_request_that_is_refused_gives_its_list_back() {
    let mut pair = pair(1);
    pair.connection(SERVER).go_away();
    let list = streams(&mut pair, CLIENT);
    let call = announce(&mut pair, CLIENT, &list);
    assert_given_back(&mut pair, CLIENT, &list);
    pair.events(CLIENT);
    pair.connection(CLIENT).release(call);
    assert_over(&mut pair);
}

#[test]
fn a_request_that_comes_too_late_gives_its_list_back() {
    let mut pair = pair(1);
    let list = streams(&mut pair, CLIENT);
    let head = RequestHead {
        attachments: list.clone(),
        timeout: Some(std::time::Duration::from_secs(1)),
        ..RequestHead::default()
    };
    let content = content(1 << 20);
    let call = pair
        .connection(CLIENT)
        .start(&head, body(&content), None)
        .expect("it is within the limits");
    for _ in 0..4 {
        pair.write(CLIENT, PIECE);
        pair.read(SERVER, PIECE).expect("both are honest");
    }
    pair.now += std::time::Duration::from_secs(2);
    super::super::time_out(&mut pair, SERVER);
    assert_given_back(&mut pair, CLIENT, &list);
    pair.events(CLIENT);
    pair.connection(CLIENT).release(call);
    assert_over(&mut pair);
}

#[test]
fn the_list_of_a_reply_to_nobody_is_given_back() {
    // When the caller goes: before the reply is written, while it is on its way, after it was read.
    for when in 0..3 {
        for length in [0, 1 << 20] {
            let mut pair = pair(1);
            let call = start(&mut pair, &Bytes::new());
            exchange(&mut pair);
            pair.events(SERVER);
            let list = streams(&mut pair, SERVER);
            if when == 0 {
                pair.connection(CLIENT).abandon(call);
            }
            pair.connection(SERVER).attach_reply(call, &list);
            pair.reply(SERVER, call, &content(length));
            if when == 1 {
                pair.write(SERVER, 60_000);
                pair.read(CLIENT, 60_000).expect("both are honest");
                pair.connection(CLIENT).abandon(call);
            } else if when == 2 {
                exchange(&mut pair);
                pair.connection(CLIENT).abandon(call);
                pair.events(CLIENT);
            }
            exchange(&mut pair);
            pair.events(CLIENT);
            assert_given_back(&mut pair, SERVER, &list);
            assert_over(&mut pair);
        }
    }
}

#[test]
fn a_failure_in_the_place_of_a_reply_gives_its_list_back() {
    let mut pair = pair(1);
    let call = start(&mut pair, &Bytes::new());
    exchange(&mut pair);
    pair.events(SERVER);
    let list = streams(&mut pair, SERVER);
    pair.connection(SERVER).attach_reply(call, &list);
    let error = Error::internal("no");
    pair.connection(SERVER).reply(call, &Bytes::new(), Err(&error));
    assert_given_back(&mut pair, SERVER, &list);
    assert_eq!(answers(&mut pair).len(), 1);
    pair.connection(CLIENT).release(call);
    assert_over(&mut pair);
}

#[test]
fn lists_that_nobody_took_from_a_stream_are_given_back_with_all_below_them() {
    // Before they leave, and when they have come.
    for comes in [false, true] {
        let mut pair = pair(1);
        let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
        if !comes {
            for _ in 0..70 {
                send(&mut pair, CLIENT, from, &content(1000));
            }
        }
        let outer = streams(&mut pair, CLIENT);
        let inner = streams(&mut pair, CLIENT);
        let Attachment::Stream { stream, .. } = outer[0] else {
            panic!("{outer:?}");
        };
        for (on, list) in [(from, &outer), (stream, &inner)] {
            let sent = pair
                .connection(CLIENT)
                .send_item(on, list, crate::proto::Body::Small(b"item"));
            sent.expect("the item is within the limits");
        }
        exchange(&mut pair);
        stop(&mut pair, SERVER, to);
        exchange(&mut pair);
        stopped(&mut pair, CLIENT, from);
        finish(&mut pair, CLIENT, from);
        assert_given_back(&mut pair, CLIENT, &outer);
        assert_given_back(&mut pair, CLIENT, &inner);
        assert_over(&mut pair);
    }
}

#[test]
fn what_a_stopped_stream_would_carry_is_announced_and_given_back() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    stop(&mut pair, SERVER, to);
    exchange(&mut pair);
    let list = streams(&mut pair, CLIENT);
    let sent = pair
        .connection(CLIENT)
        .send_item(from, &list, crate::proto::Body::Small(b"item"));
    sent.expect("the item is within the limits");
    finish(&mut pair, CLIENT, from);
    assert_given_back(&mut pair, CLIENT, &list);
    assert_over(&mut pair);
}

#[test]
fn a_later_list_for_the_same_call_replaces_the_one_before() {
    let mut pair = pair(1);
    let first = [0, 0, 0, 0, 0];
    let second = [1, 1, 0, 0, 0];
    for list in [&first[..], &second] {
        inject(&mut pair, SERVER, frame(Kind::RequestAttach, false, 0, list)).expect("lists are welcome");
    }
    assert_eq!(pair.connection(SERVER).held().streams, 2);
    assert_eq!(pair.connection(SERVER).streams().len(), 1, "the first was given back");
    inject(&mut pair, SERVER, frame(Kind::RequestAttach, false, 0, &[])).expect("lists are welcome");
    assert_eq!(pair.connection(SERVER).streams(), []);
}
