//! Channels whose ends are on two sides of a connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::pair::{all, pair, pair_with, receiver_away, sender_away, settle};
use crate::{
    Code, Error, Limits, Outcome,
    channel::{Receiver, Sender, channel},
};

#[tokio::test]
async fn items_go_to_a_receiver_that_was_sent_away() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<String>(&here, &mut there).await;
    let items = tokio::spawn(all(receiver));
    for item in ["a", "b", "c"] {
        sender.send(item.to_owned()).await.expect("taken");
    }
    sender.finish();
    assert_eq!(
        items.await.expect("a task"),
        ["a", "b", "c"].map(|item| Ok(item.to_owned()))
    );
    settle().await;
    assert_eq!((here.streams(), there.streams()), (0, 0));
}

#[tokio::test]
async fn items_come_from_a_sender_that_was_sent_away() {
    let (here, mut there) = pair();
    let (sender, receiver) = sender_away::<u64>(&here, &mut there).await;
    sender.send(1).await.expect("taken");
    sender.fail(Error::out_of_range("no more"));
    assert_eq!(all(receiver).await, [Ok(1), Err(Error::out_of_range("no more"))]);
}

#[tokio::test]
async fn what_was_queued_before_the_receiver_left_is_sent_on() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel();
    for item in 0..16_u32 {
        sender.send(item).await.expect("room");
    }
    sender.finish();
    here.send(&receiver).expect("sent");
    let away: Receiver<u32> = there.received().await;
    assert_eq!(all(away).await, (0..16).map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_queued_before_the_sender_left_comes_first() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel();
    sender.send(1_u32).await.expect("room");
    here.send(&sender).expect("sent");
    let away: Sender<u32> = there.received().await;
    away.send(2).await.expect("taken");
    away.finish();
    assert_eq!(all(receiver).await, [Ok(1), Ok(2)]);
    let error = sender.send(3).await.unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
}

#[tokio::test]
async fn a_sender_that_waits_goes_on_when_its_receiver_has_left() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel();
    let feeding = tokio::spawn(async move {
        for item in 0..100_u32 {
            sender.send(item).await?;
        }
        sender.finish();
        Ok::<(), Error>(())
    });
    settle().await;
    here.send(&receiver).expect("sent");
    let away: Receiver<u32> = there.received().await;
    assert_eq!(all(away).await.len(), 100);
    assert_eq!(feeding.await.expect("a task"), Ok(()));
}

#[tokio::test]
async fn an_end_leaves_once_and_not_from_a_connection() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel::<u32>();
    here.send(&receiver).expect("sent");
    let twice = here.send(&receiver).unwrap_err();
    assert!(twice.message().contains("was sent already"), "{twice}");
    let away: Receiver<u32> = there.received().await;
    let onward = there.send(&away).unwrap_err();
    assert!(onward.message().contains("cannot be sent on"), "{onward}");
    let other = here.send(&sender).unwrap_err();
    assert!(other.message().contains("cannot be sent on"), "{other}");
}

#[tokio::test]
async fn both_ends_in_one_message_are_told() {
    let (here, mut there) = pair();
    here.send(&channel::<u32>()).expect("sent");
    let (sender, mut receiver): (Sender<u32>, Receiver<u32>) = there.received().await;
    assert_eq!(sender.closed().await.code(), Code::FailedPrecondition);
    let error = receiver.recv().await.expect("an item").unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn each_end_hears_that_the_other_was_dropped() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    drop(receiver);
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
    assert!(sender.is_closed());
    assert_eq!(sender.send(1).await.unwrap_err().code(), Code::Cancelled);
    drop(sender);

    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    sender.send(1).await.expect("taken");
    drop(sender);
    let items = all(receiver).await;
    assert_eq!(items[0], Ok(1));
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::Aborted);

    let (sender, receiver) = sender_away::<u32>(&here, &mut there).await;
    receiver.close(Error::out_of_range("enough"));
    assert_eq!(sender.closed().await, Error::out_of_range("enough"));
    drop(sender);
    settle().await;
    assert_eq!((here.streams(), there.streams()), (0, 0));
}

#[tokio::test]
async fn ends_that_nobody_claims_go_back() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel::<u32>();
    let (other_sender, other_receiver) = channel::<u32>();
    here.send(&(receiver, other_sender)).expect("sent");
    drop(there.request().await);
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
    let items = all(other_receiver).await;
    assert_eq!(items.len(), 1);
    assert!(items[0].is_err());
}

#[tokio::test]
async fn a_message_that_is_refused_takes_its_streams_back() {
    let (here, _there) = pair_with(&Limits::default().max_message(100));
    let (sender, receiver) = channel::<u32>();
    let error = here.send(&(receiver, "x".repeat(200))).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(sender.is_closed(), "the receiver is gone with the message");
    assert_eq!(here.streams(), 0);
}

#[tokio::test]
async fn more_streams_than_the_peer_takes_are_refused_together() {
    let (here, mut there) = pair_with(&Limits::default().max_streams(2));
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| channel::<u32>()).unzip();
    let error = here.send(&receivers).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    assert!(senders.iter().all(Sender::is_closed));
    let (_first, away) = receiver_away::<u32>(&here, &mut there).await;
    let (_second, _) = receiver_away::<u32>(&here, &mut there).await;
    drop(away);
}

#[tokio::test]
async fn a_result_carries_streams() {
    let (here, mut there) = pair();
    let call = here.send(&()).expect("sent");
    let request = there.request().await;
    let (sender, receiver) = channel();
    there.reply(request.call, &receiver);
    sender.send(5_u32).await.expect("taken");
    sender.finish();
    let away: Receiver<u32> = here.answer(call).await.expect("a result");
    assert_eq!(all(away).await, [Ok(5)]);
}

#[tokio::test]
async fn a_result_for_a_caller_who_left_gives_its_streams_back() {
    let (here, mut there) = pair();
    let call = here.send(&()).expect("sent");
    let request = there.request().await;
    here.link.abandon(call);
    settle().await;
    let (sender, receiver) = channel::<u32>();
    there.reply(request.call, &receiver);
    drop(receiver);
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
}

#[tokio::test]
async fn items_carry_channels() {
    let (here, mut there) = pair();
    let (sender, mut receiver) = receiver_away::<Receiver<u32>>(&here, &mut there).await;
    let (inner, travels) = channel();
    sender.send(travels).await.expect("taken");
    inner.send(3).await.expect("taken");
    inner.finish();
    let arrived = receiver.recv().await.expect("an item").expect("a receiver");
    assert_eq!(all(arrived).await, [Ok(3)]);
}

#[tokio::test]
async fn channels_that_nobody_takes_out_of_a_stream_go_back() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<Receiver<u32>>(&here, &mut there).await;
    let (inner, travels) = channel();
    sender.send(travels).await.expect("taken");
    settle().await;
    drop(receiver);
    assert_eq!(inner.closed().await.code(), Code::Cancelled);
}

#[tokio::test]
async fn an_item_that_is_too_large_is_refused_alone() {
    let (here, mut there) = pair_with(&Limits::default().max_message(1000));
    let (sender, receiver) = receiver_away::<String>(&here, &mut there).await;
    let error = sender.send("x".repeat(2000)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::ResourceExhausted, Outcome::NotExecuted)
    );
    sender.send("small".to_owned()).await.expect("the stream goes on");
    sender.finish();
    assert_eq!(all(receiver).await, [Ok("small".to_owned())]);
}

#[tokio::test]
async fn an_item_that_cannot_be_decoded_ends_the_stream() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel::<u64>();
    here.send(&receiver).expect("sent");
    let mut away: Receiver<String> = there.received().await;
    sender.send(1 << 60).await.expect("taken");
    let error = away.recv().await.expect("an item").unwrap_err();
    assert_eq!(error.code(), Code::DataLoss);
    assert_eq!(away.recv().await, None);
    assert_eq!(sender.closed().await.code(), Code::DataLoss);
}

#[tokio::test]
async fn what_came_before_the_end_of_the_connection_is_delivered() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<u32>(&here, &mut there).await;
    sender.send(1).await.expect("taken");
    settle().await;
    here.cut();
    let items = all(receiver).await;
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], Ok(1));
    assert_eq!(items[1].as_ref().unwrap_err().code(), Code::Unavailable);
    assert_eq!(sender.closed().await.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_sender_waits_for_a_receiver_that_does_not_read() {
    let (here, mut there) = pair();
    let (sender, mut receiver) = receiver_away::<Vec<u8>>(&here, &mut there).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let feeding = tokio::spawn(async move {
        for _ in 0..1000 {
            sender.send(vec![0; 1000]).await?;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        sender.finish();
        Ok::<(), Error>(())
    });
    settle().await;
    let ahead = sent.load(Ordering::Relaxed);
    assert!((64..200).contains(&ahead), "{ahead}");
    let mut received = 0;
    while let Some(item) = receiver.recv().await {
        item.expect("an item");
        received += 1;
    }
    assert_eq!((received, feeding.await.expect("a task")), (1000, Ok(())));
}

#[tokio::test]
async fn several_tasks_take_turns_at_one_sender() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<Vec<u8>>(&here, &mut there).await;
    let sender = Arc::new(sender);
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let sender = Arc::clone(&sender);
            tokio::spawn(async move {
                for _ in 0..100 {
                    sender.send(vec![0; 1000]).await.expect("taken");
                }
            })
        })
        .collect();
    drop(sender);
    let items = all(receiver).await;
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 400);
    for task in tasks {
        task.await.expect("a task");
    }
}

#[tokio::test]
async fn whoever_has_an_end_keeps_the_connection_until_all_has_left() {
    let (here, mut there) = pair();
    let (sender, receiver) = receiver_away::<Vec<u8>>(&here, &mut there).await;
    here.link.abandon(0);
    let request = there.link.clone();
    request.reply(0, &crate::Metadata::new(), Ok(crate::service::Payload::default()));
    here.link.finish();
    settle().await;
    assert!(!here.driver.is_finished());
    // More than the receiver's window: what waits for credit is not lost either.
    let feeding = tokio::spawn(async move {
        for _ in 0..100 {
            sender.send(vec![0; 1000]).await?;
        }
        sender.finish();
        Ok::<(), Error>(())
    });
    settle().await;
    let items = all(receiver).await;
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 100);
    assert_eq!((items.len(), feeding.await.expect("a task")), (100, Ok(())));
    tokio::time::timeout(Duration::from_secs(5), here.driver)
        .await
        .expect("nobody needs it")
        .expect("its end");
}

#[tokio::test]
async fn a_connection_that_drains_waits_for_what_is_left_of_handlers() {
    let (here, mut there) = pair();
    let busy = there.link.busy();
    let (_kept, _other) = sender_away::<u32>(&here, &mut there).await;
    there
        .link
        .reply(0, &crate::Metadata::new(), Ok(crate::service::Payload::default()));
    there.link.go_away();
    settle().await;
    assert!(!there.driver.is_finished());
    drop(busy);
    tokio::time::timeout(Duration::from_secs(5), there.driver)
        .await
        .expect("other streams do not count")
        .expect("its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_that_end_anywhere_leave_nothing_behind() {
    let (here, mut there) = pair();
    let mut tasks = Vec::new();
    for round in 0..100_u32 {
        let (sender, mut receiver) = if round % 2 == 0 {
            receiver_away::<Vec<u8>>(&here, &mut there).await
        } else {
            sender_away::<Vec<u8>>(&here, &mut there).await
        };
        tasks.push(tokio::spawn(async move {
            for _ in 0..round {
                if sender.send(vec![7; 500]).await.is_err() {
                    return;
                }
            }
            if round % 3 == 0 {
                sender.finish();
            }
        }));
        tasks.push(tokio::spawn(async move {
            let mut left = round * (round % 5) / 2;
            while let Some(item) = receiver.recv().await {
                if item.is_err() || left == 0 {
                    return;
                }
                left -= 1;
            }
        }));
    }
    for task in tasks {
        task.await.expect("a task");
    }
    while here.streams() + there.streams() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn long_items_that_were_taken_make_room_for_those_of_other_streams() {
    let limits = Limits::default().max_message(1 << 20).max_buffered(2 << 20);
    let (here, mut there) = pair_with(&limits);
    let mut kept = Vec::new();
    for _ in 0..5 {
        let (sender, mut receiver) = receiver_away::<Vec<u8>>(&here, &mut there).await;
        sender.send(vec![7; 1 << 19]).await.expect("sent");
        // Each stream is looked at once and then left alone.
        let item = tokio::time::timeout(Duration::from_secs(1), receiver.recv()).await;
        assert_eq!(
            item.expect("room").map(|item| item.expect("an item").len()),
            Some(1 << 19)
        );
        kept.push((sender, receiver));
    }
}

/// As the error of a queue that takes no more, which gives back what was to go in.
#[derive(Debug)]
struct RefusesItems(#[expect(dead_code, reason = "only to be dropped")] Receiver<u32>);

impl std::fmt::Display for RefusesItems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for RefusesItems {}

#[tokio::test]
async fn a_handler_may_fail_with_what_it_was_given_inside_of_the_error() {
    let (here, mut there) = pair();
    let (sender, receiver) = channel::<u32>();
    let call = here.send(&receiver).expect("sent");
    let given = there.received::<Receiver<u32>>().await;
    let (done, waits) = std::sync::mpsc::channel();
    let link = Arc::clone(&there.link);
    std::thread::spawn(move || {
        let error = Error::internal("the queue is gone").with_source(RefusesItems(given));
        link.reply(0, &crate::Metadata::new(), Err(error));
        done.send(())
    });
    waits
        .recv_timeout(Duration::from_secs(10))
        .expect("the answer waits for nobody");
    assert_eq!(here.answer::<()>(call).await.unwrap_err().code(), Code::Internal);
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
}
