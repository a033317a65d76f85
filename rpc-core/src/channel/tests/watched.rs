//! Watch channels whose ends are in one process.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use crate::{Code, channel::watch};

#[tokio::test]
async fn a_receiver_hears_of_what_it_has_not_seen() {
    let (sender, mut receiver) = watch::channel("a");
    let mut other = receiver.clone();
    {
        let changed = pin!(receiver.changed());
        assert!(
            changed.poll(&mut Context::from_waker(Waker::noop())).is_pending(),
            "the initial value counts as seen"
        );
    }
    sender.send("b");
    sender.send("c");
    receiver.changed().await.expect("a value");
    assert_eq!(*receiver.latest(), "c");
    sender.send("d");
    drop(sender);
    for receiver in [&mut receiver, &mut other] {
        receiver.changed().await.expect("the last value");
        assert_eq!(*receiver.latest(), "d");
        for _ in 0..2 {
            assert_eq!(receiver.changed().await.unwrap_err().code(), Code::Aborted);
        }
    }
}

#[tokio::test]
async fn a_change_builds_on_the_value_before() {
    let (sender, receiver) = watch::channel(vec![1]);
    sender.send_modify(|value| value.push(2));
    assert_eq!(*sender.latest(), [1, 2]);
    // Another task sends while the change is made: it is made again.
    let mut calls = 0;
    sender.send_modify(|value| {
        calls += 1;
        if calls == 1 {
            sender.send(vec![7]);
        }
        value.push(3);
    });
    assert_eq!((calls, &**receiver.latest()), (2, &[7, 3][..]));
}

#[tokio::test]
async fn values_go_when_they_are_replaced() {
    let first = Arc::new(());
    let (sender, receiver) = watch::channel(Arc::clone(&first));
    let seen = receiver.latest();
    sender.send(Arc::new(()));
    assert_eq!(Arc::strong_count(&first), 2, "whoever looks at a value keeps it");
    drop(seen);
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(sender.receiver_count(), 1);
    let subscribed = sender.subscribe();
    assert_eq!(sender.receiver_count(), 2);
    drop((receiver, subscribed));
    assert_eq!(sender.receiver_count(), 0);
}
