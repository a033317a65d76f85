//! Ends in messages that never leave the process, and in what is not a message.

use serde::{Serialize, de::DeserializeOwned};
use thin_vec::ThinVec;

use crate::{
    Code,
    channel::{Receiver, Sender, channel, watch},
    codec::{Codec, CodecError, Format},
    driver::attachments::{self, IncomingAttachment, OutgoingAttachment, Wire},
};

fn encoded<T: Serialize>(value: &T) -> Result<(Vec<u8>, ThinVec<OutgoingAttachment>), CodecError> {
    let mut bytes = Vec::new();
    let (result, offered) = attachments::collecting(|| Format::default().encode(value, &mut bytes));
    result.map(|()| (bytes, offered))
}

fn decoded<T: DeserializeOwned>((bytes, offered): (Vec<u8>, ThinVec<OutgoingAttachment>)) -> Result<T, CodecError> {
    let Wire { format, limits, .. } = Wire::default();
    let carried = offered.into_iter().map(IncomingAttachment::Local).collect();
    attachments::decoding(carried, Wire::default(), || format.decode(&bytes, limits))
}

#[tokio::test]
async fn an_end_comes_out_as_it_went_in() {
    let (sender, receiver) = channel::<u32>();
    sender.send(1).await.expect("room");
    let message = encoded(&receiver).expect("encoded");
    sender.send(2).await.expect("a message on its way is still a receiver");
    let mut receiver: Receiver<u32> = decoded(message).expect("decoded");
    let sender: Sender<u32> = decoded(encoded(&sender).expect("encoded")).expect("decoded");
    sender.finish();
    assert_eq!(receiver.recv().await, Some(Ok(1)));
    assert_eq!(receiver.recv().await, Some(Ok(2)));
    assert_eq!(receiver.recv().await, None);
    // And again.
    assert!(encoded(&receiver).is_ok());
}

#[tokio::test]
async fn what_is_left_of_an_end_says_that_it_has_gone() {
    let (sender, mut receiver) = channel::<u32>();
    let _message = encoded(&receiver).expect("encoded");
    let error = receiver.recv().await.and_then(Result::err);
    assert_eq!(error.map(|error| error.code()), Some(Code::FailedPrecondition));
    assert_eq!(receiver.recv().await, None);
    drop(receiver);
    assert!(!sender.is_closed(), "the end itself is in the message");
    let _message = encoded(&sender).expect("encoded");
    assert_eq!(sender.send(1).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(sender.closed().await.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_message_that_is_dropped_drops_its_ends() {
    let (sender, receiver) = channel::<u32>();
    drop(encoded(&receiver).expect("encoded"));
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
    let (sender, mut receiver) = channel::<u32>();
    drop(encoded(&sender).expect("encoded"));
    let error = receiver.recv().await.and_then(Result::err);
    assert_eq!(error.map(|error| error.code()), Some(Code::Aborted));
}

#[test]
fn ends_go_into_messages_only() {
    let (sender, receiver) = channel::<u32>();
    for result in [
        Format::default().encode(&sender, &mut Vec::new()),
        Format::default().encode(&receiver, &mut Vec::new()),
        Format::default().encode(&watch::channel(0).1, &mut Vec::new()),
    ] {
        assert!(
            result
                .unwrap_err()
                .to_string()
                .contains("can only be serialised into the arguments, results and items")
        );
    }
    assert!(!sender.is_closed(), "what was refused is still there");
}

#[test]
fn something_else_in_the_place_of_an_end_is_an_error() {
    let (_sender, receiver) = channel::<u32>();
    let error = decoded::<Receiver<String>>(encoded(&receiver).expect("encoded")).unwrap_err();
    assert!(error.to_string().contains("another type"), "{error}");
    let (bytes, _) = encoded(&channel::<u32>().1).expect("encoded");
    let error = decoded::<Receiver<u32>>((bytes, ThinVec::new())).unwrap_err();
    assert!(error.to_string().contains("did not come with the message"), "{error}");
}

#[tokio::test]
async fn a_watch_receiver_goes_along_and_stays() {
    let (sender, receiver) = watch::channel(1_u32);
    let message = encoded(&receiver).expect("encoded");
    sender.send(2);
    let mut other: watch::Receiver<u32> = decoded(message).expect("decoded");
    other
        .changed()
        .await
        .expect("the value of the message counts as seen, this one does not");
    assert_eq!((*other.latest(), *receiver.latest()), (2, 2));
    assert_eq!(sender.receiver_count(), 2);
}

#[tokio::test]
async fn a_watched_value_with_something_that_cannot_follow_is_refused_at_once() {
    let (numbers, inside) = channel::<u32>();
    let (sender, mut receiver) = watch::channel(Some(inside));
    let refused = encoded(&receiver).expect_err("a channel inside").to_string();
    assert!(refused.contains("cannot be sent with it"), "{refused}");
    assert!(!numbers.is_closed(), "what was refused is still there");
    assert_eq!(sender.receiver_count(), 1);
    // Without it the receiver goes.
    sender.send(None);
    receiver.changed().await.expect("a value");
    assert!(encoded(&receiver).is_ok());
}
