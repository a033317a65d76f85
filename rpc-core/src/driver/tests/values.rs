//! A watched value over a connection.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::pair::{Side, pair, settle};
use crate::{
    Code, Error,
    channel::{Receiver, channel, watch},
};

async fn sent_away(from: &Side, to: &mut Side, receiver: &watch::Receiver<u32>) -> watch::Receiver<u32> {
    from.send(receiver).expect("sent");
    to.received().await
}

#[tokio::test]
async fn the_value_of_the_moment_travels_in_the_message() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(1_u32);
    sender.send(2);
    let mut away = sent_away(&here, &mut there, &receiver).await;
    assert_eq!(*away.latest(), 2);
    sender.send(3);
    away.changed().await.expect("a value");
    assert_eq!(*away.latest(), 3);
    assert_eq!(sender.receiver_count(), 2);
    drop(away);
    settle().await;
    assert_eq!(sender.receiver_count(), 1);
}

#[tokio::test]
async fn the_latest_wins_and_the_last_comes_before_the_end() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(0_u32);
    let mut away = sent_away(&here, &mut there, &receiver).await;
    // No await in between: nothing of these has left before the last one.
    (1..=1000).for_each(|value| sender.send(value));
    drop(sender);
    away.changed().await.expect("a value");
    assert_eq!(*away.latest(), 1000);
    let error = away.changed().await.unwrap_err();
    assert_eq!(error.code(), Code::Aborted);
    assert_eq!(*away.latest(), 1000);
}

#[tokio::test]
async fn clones_elsewhere_share_what_comes() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(0_u32);
    let mut first = sent_away(&here, &mut there, &receiver).await;
    let mut second = first.clone();
    let waits = tokio::spawn(async move {
        first.changed().await.expect("a value");
        *first.latest()
    });
    let also = tokio::spawn(async move {
        second.changed().await.expect("a value");
        *second.latest()
    });
    settle().await;
    sender.send(9);
    assert_eq!((waits.await.expect("a task"), also.await.expect("a task")), (9, 9));
}

#[tokio::test]
async fn a_lost_connection_ends_the_values() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(0_u32);
    let mut away = sent_away(&here, &mut there, &receiver).await;
    sender.send(1);
    settle().await;
    here.cut();
    settle().await;
    away.changed().await.expect("what came before the end");
    assert_eq!(*away.latest(), 1);
    assert_eq!(away.changed().await.unwrap_err().code(), Code::Unavailable);
    sender.send(2);
    assert_eq!(sender.receiver_count(), 1);
}

#[tokio::test]
async fn a_value_that_changed_before_the_message_left_follows() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(0_u32);
    let payload = crate::service::Payload::encode(here.link.wire().format, &receiver).expect("encoded");
    sender.send(5);
    let head = crate::proto::RequestHead::default();
    assert!(
        here.link
            .start(&head, payload, None, crate::clock::now(), Waker::noop(), || false)
            .is_ok()
    );
    let mut away: watch::Receiver<u32> = there.received().await;
    away.changed().await.expect("a value");
    assert_eq!(*away.latest(), 5);
}

#[tokio::test]
async fn a_change_to_something_that_cannot_follow_ends_the_values_elsewhere() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(None);
    here.send(&receiver).expect("sent");
    let mut away: watch::Receiver<Option<Receiver<u32>>> = there.received().await;
    let (numbers, inside) = channel::<u32>();
    sender.send(Some(inside));
    let error = away.changed().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("cannot be sent with it"), "{error}");
    assert!(!numbers.is_closed(), "it is where it was");
    assert_eq!(sender.receiver_count(), 1);
}

/// Sends another value while it is encoded, as another thread may.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Overtaken(u32);

static OVERTAKING: std::sync::OnceLock<watch::Sender<Overtaken>> = std::sync::OnceLock::new();

impl serde::Serialize for Overtaken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (1, Some(sender)) = (self.0, OVERTAKING.get()) {
            sender.send(Self(2));
        }
        serializer.serialize_newtype_struct("Overtaken", &self.0)
    }
}

#[tokio::test]
async fn a_value_that_is_sent_while_another_one_goes_out_follows_it() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(Overtaken(0));
    here.send(&receiver).expect("sent");
    let away: watch::Receiver<Overtaken> = there.received().await;
    let sender = OVERTAKING.get_or_init(|| sender);
    let (done, waits) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        sender.send(Overtaken(1));
        done.send(())
    });
    waits
        .recv_timeout(std::time::Duration::from_secs(10))
        .expect("nobody waits for the one who sends");
    settle().await;
    assert_eq!(*away.latest(), Overtaken(2));
}

/// While one of these is decoded, another receiver looks for news, as it may in another thread.
#[derive(Debug, PartialEq, serde::Serialize)]
struct Slow(u32);

const UNDECODABLE: u32 = 13;

/// Another receiver that waits for news.
type Waiting = Pin<Box<dyn Future<Output = (watch::Receiver<Slow>, Result<(), Error>)>>>;

thread_local! {
    static OTHER: RefCell<Option<(Waiting, Arc<Woken>)>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'de> serde::Deserialize<'de> for Slow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if let Some((mut other, woken)) = OTHER.take() {
            let waker = Waker::from(Arc::clone(&woken));
            let polled = other.as_mut().poll(&mut Context::from_waker(&waker));
            let found = polled.map(|(_, news)| news);
            assert_eq!(found, Poll::Pending, "there is no end before the last value");
            OTHER.set(Some((other, woken)));
        }
        let number = u32::deserialize(deserializer)?;
        if number == UNDECODABLE {
            return Err(serde::de::Error::custom("on purpose"));
        }
        Ok(Self(number))
    }
}

/// Two receivers elsewhere, one of which takes in `last` while the other one finds the end. What they hear then.
async fn overtaken_by_the_end(last: u32) -> [(watch::Receiver<Slow>, Result<(), Error>); 2] {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(Slow(0));
    here.send(&receiver).expect("sent");
    let mut first: watch::Receiver<Slow> = there.received().await;
    let mut other = first.clone();
    let waiting = async move {
        let news = other.changed().await;
        (other, news)
    };
    OTHER.set(Some((Box::pin(waiting), Arc::default())));
    sender.send(Slow(last));
    drop((sender, receiver));
    settle().await;
    let _ = first.latest();
    let (other, woken) = OTHER.take().expect("it was put back");
    assert!(woken.0.load(Ordering::Relaxed), "there is news");
    let news = first.changed().await;
    [other.await, (first, news)]
}

#[tokio::test]
async fn nobody_sees_the_end_while_another_one_takes_in_the_last_value() {
    for (mut receiver, news) in overtaken_by_the_end(1).await {
        assert_eq!(news, Ok(()));
        assert_eq!(*receiver.latest(), Slow(1));
        assert_eq!(receiver.changed().await.unwrap_err().code(), Code::Aborted);
    }
}

#[tokio::test]
async fn a_last_value_that_cannot_be_decoded_is_the_end_for_all() {
    for (receiver, news) in overtaken_by_the_end(UNDECODABLE).await {
        assert_eq!(news.unwrap_err().code(), Code::DataLoss);
        assert_eq!(*receiver.latest(), Slow(0));
    }
}

/// The driver, which is woken between an end that one receiver takes in and what that one makes of it: another receiver
/// looks then, as it may in another thread.
struct LooksMeanwhile(watch::Receiver<Option<Receiver<u32>>>);

impl Wake for LooksMeanwhile {
    fn wake(self: Arc<Self>) {
        let _ = self.0.latest();
    }
}

#[tokio::test]
async fn why_the_values_ended_is_told_although_another_one_finds_them_ended() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(None);
    here.send(&receiver).expect("sent");
    let mut away: watch::Receiver<Option<Receiver<u32>>> = there.received().await;
    sender.send(Some(channel::<u32>().1));
    settle().await;
    let driver = Waker::from(Arc::new(LooksMeanwhile(away.clone())));
    there.link.lock().sleep(&driver);
    drop(driver);
    let _ = away.latest();
    assert_eq!(away.changed().await.unwrap_err().code(), Code::InvalidArgument);
}

thread_local! {
    static FALLS: RefCell<Option<Arc<crate::driver::Link>>> = const { RefCell::new(None) };
}

/// While it is encoded a connection ends, as it may at any time.
#[derive(Debug, serde::Deserialize)]
struct Falling(u32);

impl serde::Serialize for Falling {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (1, Some(link)) = (self.0, FALLS.take()) {
            link.end(&Error::unavailable("cut"));
        }
        serializer.serialize_newtype_struct("Falling", &self.0)
    }
}

#[tokio::test]
async fn a_receiver_may_go_while_it_is_told_of_a_value() {
    let (sender, receiver) = watch::channel(Falling(0));
    let mut sides = Vec::new();
    for _ in 0..3 {
        let (here, mut there) = pair();
        here.send(&receiver).expect("sent");
        let away: watch::Receiver<Falling> = there.received().await;
        sides.push((here, there, away));
    }
    for falls in 0..2 {
        assert_eq!(sender.receiver_count(), 4 - falls);
        FALLS.set(Some(Arc::clone(&sides[falls].0.link)));
        sender.send(Falling(1));
        assert_eq!(sender.receiver_count(), 3 - falls);
        settle().await;
        assert_eq!(sides[2].2.latest().0, 1, "the others are told");
        sender.send(Falling(0));
    }
}

#[tokio::test]
async fn a_receiver_that_stops_is_answered_without_another_value() {
    let (here, mut there) = pair();
    let (sender, receiver) = watch::channel(0_u32);
    let away = sent_away(&here, &mut there, &receiver).await;
    assert_eq!((here.streams(), there.streams()), (1, 1));
    drop(away);
    settle().await;
    assert_eq!((here.streams(), there.streams()), (0, 0));
    assert_eq!(sender.receiver_count(), 1);
}
