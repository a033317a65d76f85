//! One task uses a sender while another one sends it away.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    Code, Outcome,
    channel::{Receiver, Sender, channel},
    driver::tests::pair::{pair, settle},
};

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Between the look for room and the item, as it may happen when the other task runs in another thread.
#[tokio::test]
async fn an_item_is_refused_when_the_sender_has_left_meanwhile() {
    let (here, mut there) = pair();
    let (sender, mut receiver) = channel::<u32>();
    let pipe = Arc::clone(sender.pipe());
    assert_eq!(
        pipe.poll_ready(&Context::from_waker(Waker::noop())),
        Poll::Ready(Ok(()))
    );
    here.send(&sender).expect("sent");
    let receiving = tokio::spawn(async move { (receiver.recv().await, receiver) });
    settle().await;
    let refused = pipe.put(1).expect_err("nobody waits for it here");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let away: Sender<u32> = there.received().await;
    away.send(2).await.expect("room");
    let (item, _receiver) = receiving.await.expect("a task");
    assert_eq!(item, Some(Ok(2)));
}

/// In the process the new owner may have ended the stream already.
#[tokio::test]
async fn an_item_is_refused_when_the_stream_has_ended_meanwhile() {
    let (sender, mut receiver) = channel::<u32>();
    let pipe = Arc::clone(sender.pipe());
    assert_eq!(
        pipe.poll_ready(&Context::from_waker(Waker::noop())),
        Poll::Ready(Ok(()))
    );
    sender.finish();
    assert_eq!(receiver.recv().await, None);
    assert_eq!(pipe.put(1).expect_err("it is late").code(), Code::FailedPrecondition);
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test]
async fn whoever_waits_for_room_or_for_the_end_hears_that_the_sender_has_left() {
    let (here, mut there) = pair();
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = channel();
    for item in 0..16 {
        sender.send(item).await.expect("room");
    }
    let mut sent = pin!(sender.send(16));
    let mut closed = pin!(sender.closed());
    assert!(poll_once(sent.as_mut()).is_pending());
    assert!(poll_once(closed.as_mut()).is_pending());
    here.send(&sender).expect("sent");
    let _away: Sender<u32> = there.received().await;
    assert_eq!(sent.await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(closed.await.code(), Code::FailedPrecondition);
    drop(receiver);
}

/// In the process the message with it may be dropped, or go to a task that ends the stream.
#[tokio::test]
async fn whoever_waits_for_room_or_for_the_end_hears_that_the_stream_has_ended() {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = channel();
    for item in 0..16 {
        sender.send(item).await.expect("room");
    }
    let waits = Arc::clone(sender.pipe());
    let sent = tokio::spawn(poll_fn({
        let pipe = Arc::clone(&waits);
        move |cx| pipe.poll_ready(cx)
    }));
    let closed = tokio::spawn(poll_fn(move |cx| waits.poll_stopped(cx)));
    settle().await;
    assert!(!sent.is_finished() && !closed.is_finished());
    sender.finish();
    settle().await;
    assert!(sent.is_finished() && closed.is_finished(), "both are woken");
    let refused = sent.await.expect("a task");
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(closed.await.expect("a task").code(), Code::FailedPrecondition);
    drop(receiver);
}

/// It is encoded only when the receiver leaves; what is before it has come.
#[tokio::test]
async fn a_queued_item_that_is_too_large_breaks_a_stream_that_ran() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel::<Vec<u8>>();
    sender.send(vec![1]).await.expect("room");
    sender.send(vec![0; 17 << 20]).await.expect("room");
    here.send(&receiver).expect("sent");
    let mut away: Receiver<Vec<u8>> = there.received().await;
    assert_eq!(away.recv().await, Some(Ok(vec![1])));
    let error = away.recv().await.expect("an error").unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::Unknown)
    );
    assert_eq!(away.recv().await, None);
}
