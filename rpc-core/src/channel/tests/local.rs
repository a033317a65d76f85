//! Both ends in one process.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_core::Stream;

use crate::{
    Code, Error,
    channel::{Receiver, channel, feed},
};

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn sixteen_items_wait_and_no_more() {
    let (sender, mut receiver) = channel();
    for item in 0..16 {
        assert_eq!(poll_once(sender.send(item)), Poll::Ready(Ok(())));
    }
    assert!(poll_once(sender.send(16)).is_pending());
    assert_eq!(receiver.recv().await, Some(Ok(0)));
    assert_eq!(
        poll_once(sender.send(17)),
        Poll::Ready(Ok(())),
        "the one that was given up took no place"
    );
    drop(sender);
    for item in (1..16).chain([17]) {
        assert_eq!(receiver.recv().await, Some(Ok(item)));
    }
    assert_eq!(
        receiver.recv().await.and_then(Result::err).map(|error| error.code()),
        Some(Code::Aborted)
    );
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test]
async fn a_stream_ends_well_or_with_its_error() {
    let (sender, mut receiver) = channel();
    sender.send(1).await.expect("room");
    sender.finish();
    assert_eq!(receiver.recv().await, Some(Ok(1)));
    assert_eq!(receiver.recv().await, None);

    let (sender, mut receiver) = channel::<u32>();
    sender.fail(Error::out_of_range("past the end"));
    assert_eq!(receiver.recv().await, Some(Err(Error::out_of_range("past the end"))));
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test]
async fn a_sender_that_panics_says_so() {
    let (sender, mut receiver) = channel::<u32>();
    let task = tokio::spawn(async move {
        let _sender = sender;
        panic!("on purpose");
    });
    assert!(task.await.is_err());
    assert_eq!(receiver.recv().await, Some(Err(Error::internal("the sender panicked"))));
}

#[tokio::test]
async fn whoever_waits_hears_that_the_receiver_is_gone() {
    let (sender, receiver) = channel();
    let sender = Arc::new(sender);
    for item in 0..16 {
        sender.send(item).await.expect("room");
    }
    let waits = |sender: &Arc<super::super::Sender<u32>>| {
        let sender = Arc::clone(sender);
        tokio::spawn(async move { sender.send(0).await })
    };
    let (first, second) = (waits(&sender), waits(&sender));
    let closed = tokio::spawn({
        let sender = Arc::clone(&sender);
        async move { sender.closed().await }
    });
    tokio::task::yield_now().await;
    assert!(!sender.is_closed());
    receiver.close(Error::aborted("enough"));
    assert_eq!(first.await.expect("a task"), Err(Error::aborted("enough")));
    assert_eq!(second.await.expect("a task"), Err(Error::aborted("enough")));
    assert_eq!(closed.await.expect("a task"), Error::aborted("enough"));
    assert!(sender.is_closed());
}

#[tokio::test]
async fn items_that_nobody_took_are_dropped_with_the_receiver() {
    let (sender, receiver) = channel();
    let item = Arc::new(());
    sender.send(Arc::clone(&item)).await.expect("room");
    drop(receiver);
    assert_eq!(Arc::strong_count(&item), 1);
    assert!(sender.send(Arc::clone(&item)).await.is_err());
    assert_eq!(Arc::strong_count(&item), 1);
}

#[tokio::test]
async fn waiting_may_be_given_up_at_any_time() {
    let (sender, mut receiver) = channel();
    assert!(poll_once(receiver.recv()).is_pending());
    let receiving = tokio::spawn(async move {
        let item = receiver.recv().await;
        (item, receiver)
    });
    tokio::task::yield_now().await;
    sender.send(5).await.expect("room");
    let (item, _receiver): (_, Receiver<u32>) = receiving.await.expect("a task");
    assert_eq!(item, Some(Ok(5)));
}

#[tokio::test]
async fn a_receiver_is_a_stream() {
    use futures_core::Stream;
    let (sender, receiver) = channel();
    sender.send(5).await.expect("room");
    sender.finish();
    let mut receiver = pin!(receiver);
    assert_eq!(poll_fn(|cx| receiver.as_mut().poll_next(cx)).await, Some(Ok(5)));
    assert_eq!(poll_fn(|cx| receiver.as_mut().poll_next(cx)).await, None);
}

/// Items without end, whose receiver is as fast as they come.
struct Endless(Receiver<u32>);

impl Stream for Endless {
    type Item = Result<u32, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let last = match self.0.poll_recv(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(last))) => last,
            _ => 0,
        };
        // Here a feed ends that never lets go of its thread.
        Poll::Ready((last < 100_000).then_some(Ok(last + 1)))
    }
}

#[test]
fn a_feed_lets_others_run_however_fast_its_receiver_is() {
    let (sender, receiver) = channel();
    let woken = Arc::new(WakeFlag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut feed = pin!(feed(sender, Endless(receiver), None));
    assert!(feed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(woken.0.load(Ordering::Relaxed), "it goes on by itself");
}

struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
