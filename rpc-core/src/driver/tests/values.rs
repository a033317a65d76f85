//! A watched value over a connection.

use super::pair::{Side, pair, settle};
use crate::{Code, channel::watch};

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
    assert!(here.link.start(&head, payload, None, std::task::Waker::noop()).is_ok());
    let mut away: watch::Receiver<u32> = there.received().await;
    away.changed().await.expect("a value");
    assert_eq!(*away.latest(), 5);
}

/// Sends another value while it is encoded, as somebody in another thread may.
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
