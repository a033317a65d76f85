//! Items that take the place of those before them.

use super::*;
use crate::proto::tests::content;

fn replace(pair: &mut ConnectionPair, stream: StreamId, item: &[u8]) {
    let item = Bytes::copy_from_slice(item);
    let replaced = pair.connection(CLIENT).replace_items(stream, body(&item));
    replaced.expect("the item is within the limits");
}

#[test]
fn only_the_last_of_those_that_have_not_left_goes() {
    let mut pair = pair(1);
    let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
    for item in [1, 2, 3] {
        replace(&mut pair, from, &[item; 100]);
    }
    exchange(&mut pair);
    replace(&mut pair, from, &[4]);
    exchange(&mut pair);
    for item in [5, 6] {
        replace(&mut pair, from, &vec![item; 10_000]);
    }
    exchange(&mut pair);
    let items: Vec<_> = receive(&mut pair, SERVER, to).0;
    let brief: Vec<_> = items.iter().map(|item| (item[0], item.len())).collect();
    assert_eq!(brief, [(3, 100), (4, 1), (6, 10_000)]);
}

#[test]
fn one_that_has_begun_to_leave_goes_to_its_end() {
    for length in [3000, 30_000] {
        let mut pair = pair(1);
        let (from, to) = open(&mut pair, CLIENT, Flow::Sends);
        // 64 KiB of credit end within one of these.
        let sent = (64 << 10) / (length + 4) + 1;
        for _ in 0..sent {
            send(&mut pair, CLIENT, from, &content(length));
        }
        exchange(&mut pair);
        for item in [1, 2, 3] {
            replace(&mut pair, from, &[item; 5]);
        }
        let mut items = Vec::new();
        while items.len() <= sent {
            exchange(&mut pair);
            items.extend(receive(&mut pair, SERVER, to).0);
        }
        assert!(items[..sent].iter().all(|item| *item == content(length)));
        assert_eq!(items[sent..], [Bytes::from_static(&[3; 5])]);
    }
}

#[test]
fn however_many_are_replaced_one_waits() {
    let mut pair = pair(1);
    let (from, _) = open(&mut pair, CLIENT, Flow::Sends);
    for _ in 0..3 {
        send(&mut pair, CLIENT, from, &content(30_000));
        exchange(&mut pair);
    }
    for _ in 0..100 {
        replace(&mut pair, from, &content(5000));
    }
    assert!(has_room(&mut pair, CLIENT, from), "no more than one item waits");
}
