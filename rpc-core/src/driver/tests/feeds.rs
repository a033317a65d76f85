//! Streams that feed channels.

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

use super::pair::{all, pair, pair_with, receiver_away};
use crate::{
    Code, Error, Limits, Outcome,
    channel::{Receiver, channel, feed},
};

/// A stream of numbers that is dropped with a trace.
struct Numbers {
    next: u32,
    end: u32,
    /// What it does at its end.
    last: Last,
    _alive: Arc<()>,
}

#[derive(Clone, Copy)]
enum Last {
    Ends,
    Fails,
    Waits,
    Panics,
}

impl Stream for Numbers {
    type Item = Result<u32, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.next < self.end {
            self.next += 1;
            return Poll::Ready(Some(Ok(self.next - 1)));
        }
        match self.last {
            Last::Ends => Poll::Ready(None),
            Last::Fails => Poll::Ready(Some(Err(Error::out_of_range("no more numbers")))),
            Last::Waits => Poll::Pending,
            Last::Panics => panic!("out of numbers"),
        }
    }
}

fn numbers(end: u32, last: Last) -> (Numbers, Weak<()>) {
    let alive = Arc::new(());
    let weak = Arc::downgrade(&alive);
    (
        Numbers {
            next: 0,
            end,
            last,
            _alive: alive,
        },
        weak,
    )
}

#[tokio::test]
async fn a_stream_is_fed_through_a_connection() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    let (stream, alive) = numbers(100_000, Last::Ends);
    let feeding = tokio::spawn(feed(sender, stream, None));
    let items = all(receiver).await;
    assert_eq!(items, (0..100_000).map(Ok).collect::<Vec<_>>());
    feeding.await.expect("a task");
    assert!(alive.upgrade().is_none());
}

#[tokio::test]
async fn a_stream_is_fed_within_the_process_and_across_the_departure() {
    let (here, mut there) = pair();
    let (sender, mut receiver) = channel();
    let (stream, _) = numbers(1000, Last::Ends);
    let feeding = tokio::spawn(feed(sender, stream, None));
    assert_eq!(receiver.recv().await, Some(Ok(0)));
    here.send(&receiver).expect("sent");
    let away: Receiver<u32> = there.received().await;
    assert_eq!(all(away).await, (1..1000).map(Ok).collect::<Vec<_>>());
    feeding.await.expect("a task");
}

#[tokio::test]
async fn a_feed_ends_with_its_receiver() {
    let (here, mut there) = pair();
    let (sender, mut receiver) = receiver_away::<u32>(&here, &mut there).await;
    let (stream, alive) = numbers(10, Last::Waits);
    let feeding = tokio::spawn(feed(sender, stream, None));
    assert_eq!(receiver.recv().await, Some(Ok(0)));
    assert!(alive.upgrade().is_some());
    drop(receiver);
    feeding.await.expect("a task");
    assert!(alive.upgrade().is_none());
}

#[tokio::test]
async fn a_stream_that_panics_fails_after_its_items() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    let (stream, alive) = numbers(3, Last::Panics);
    feed(sender, stream, None).await;
    assert!(alive.upgrade().is_none());
    let items = all(receiver).await;
    assert_eq!(items[..3], [Ok(0), Ok(1), Ok(2)]);
    let error = items[3].as_ref().unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(error.message().starts_with("the stream panicked; "), "{error}");
}

#[tokio::test]
async fn a_stream_that_fails_does_so_after_its_items() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    let (stream, alive) = numbers(1, Last::Fails);
    feed(sender, stream, None).await;
    assert!(alive.upgrade().is_none());
    let failed = Error::out_of_range("no more numbers").with_outcome(Outcome::Unknown);
    assert_eq!(all(receiver).await, [Ok(0), Err(failed)]);
}

#[tokio::test(start_paused = true)]
async fn a_feed_ends_at_its_deadline() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    let (stream, alive) = numbers(1, Last::Waits);
    let deadline = tokio::time::Instant::now().into_std() + Duration::from_millis(50);
    feed(sender, stream, Some(deadline)).await;
    assert!(alive.upgrade().is_none());
    let items = all(receiver).await;
    assert_eq!(items[0], Ok(0));
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::DeadlineExceeded);
}

/// A stream of what is in a list.
struct Listed<T>(std::vec::IntoIter<T>);

impl<T> Listed<T> {
    fn new(items: Vec<T>) -> Self {
        Self(items.into_iter())
    }
}

impl<T: Unpin> Stream for Listed<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

#[tokio::test]
async fn a_feed_sends_large_items_and_channels_among_small_ones() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<(Vec<u8>, Option<Receiver<u32>>)>(&here, &mut there).await;
    let (inner, travels) = channel();
    inner.send(1).await.expect("room");
    inner.finish();
    let items = vec![
        (vec![1; 10], None),
        (vec![2; 100_000], None),
        (vec![3; 10], Some(travels)),
        (vec![4; 10], None),
    ];
    let feeding = tokio::spawn(feed(sender, Listed::new(items), None));
    let items = all(receiver).await;
    feeding.await.expect("a task");
    let mut lengths = Vec::new();
    for item in items {
        let (bytes, carried) = item.expect("an item");
        lengths.push((bytes[0], bytes.len()));
        if let Some(carried) = carried {
            assert_eq!(all(carried).await, [Ok(1)]);
        }
    }
    assert_eq!(lengths, [(1, 10), (2, 100_000), (3, 10), (4, 10)]);
}

#[tokio::test]
async fn a_feed_fails_with_an_item_that_is_too_large() {
    let (here, mut there) = pair_with(&Limits::default().max_message(1000));
    let (sender, receiver) = receiver_away::<String>(&here, &mut there).await;
    let items = ["small".to_owned(), "x".repeat(2000), "never".to_owned()];
    feed(sender, Listed::new(items.to_vec()), None).await;
    let items = all(receiver).await;
    assert_eq!(items[0], Ok("small".to_owned()));
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(items.len(), 2);
}

/// Panics when it is encoded, or when it is dropped.
#[derive(serde::Deserialize)]
struct PanicsOnDrop {
    in_drop: bool,
}

impl serde::Serialize for PanicsOnDrop {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.in_drop, "on purpose");
        serializer.serialize_bool(true)
    }
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(!self.in_drop || std::thread::panicking(), "on purpose");
    }
}

#[tokio::test]
async fn an_item_that_panics_on_its_way_out_leaves_nobody_waiting() {
    for in_drop in [false, true] {
        let (here, mut there) = pair();
        let (sender, receiver) = channel();
        sender.send(PanicsOnDrop { in_drop }).await.expect("room");
        here.send(&receiver).expect("sent");
        let mut away: Receiver<bool> = there.received().await;
        if in_drop {
            assert_eq!(away.recv().await, Some(Ok(true)));
        }
        let error = away.recv().await.and_then(Result::err).expect("it broke");
        assert_eq!(error.code(), Code::Internal);
        let closed = std::pin::pin!(sender.closed());
        assert!(
            closed
                .poll(&mut Context::from_waker(std::task::Waker::noop()))
                .is_ready()
        );
        let send = std::pin::pin!(sender.send(PanicsOnDrop { in_drop: false }));
        assert!(send.poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready());
    }
}
