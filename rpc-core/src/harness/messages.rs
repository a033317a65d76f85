//! Bytes off the wire: what is read is written again and must come out the same, however it was cut.

use std::fmt::Debug;

use ::bytes::{Bytes, BytesMut};

use crate::proto::{
    ClientHello, HelloError, PeerHead, ServerHello,
    frame::{Frame, Kind, MAX_PAYLOAD, deframe, put_header},
    head::{
        decode_failure, encode_failure, encode_metadata, parse_metadata, put_reply_head, reply_head_len,
        take_reply_head,
    },
    limits::MAX_METADATA,
};

/// Reads `data` as frames with everything that can stand in them.
pub fn frames(data: &[u8]) {
    let mut input = BytesMut::from(data);
    let mut written = BytesMut::new();
    while let Ok(Some(frame)) = deframe(&mut input) {
        assert!(frame.payload.len() <= MAX_PAYLOAD, "a frame that is too long");
        put_header(&mut written, frame.kind, frame.more, frame.id, frame.payload.len());
        written.extend_from_slice(&frame.payload);
        payload(&frame);
    }
    assert_eq!(
        written,
        data[..data.len() - input.len()],
        "frames are written as they are read"
    );
}

fn payload(frame: &Frame) {
    let mut rest = frame.payload.clone();
    let mut written = BytesMut::new();
    match frame.kind {
        Kind::Request => {
            let Ok((head, total)) = PeerHead::take(&mut rest, frame.more, MAX_METADATA) else {
                return;
            };
            // An empty block reads like none and is not written again.
            let flag = frame.payload[8] & 4 != 0 && head.metadata.is_empty();
            let length = frame.payload.len() - rest.len() - if flag { 4 } else { 0 };
            head.put(&mut written, total, false);
            assert_eq!((written.len(), head.len(total, false)), (length, length), "{head:?}");
            let mut written = written.freeze();
            let again = PeerHead::take(&mut written, frame.more, MAX_METADATA).expect("what was written is read");
            assert_eq!(again, (head.clone(), total));
            metadata(&head.metadata);
        }
        Kind::Reply => {
            let Ok((block, total)) = take_reply_head(&mut rest, frame.more, MAX_METADATA) else {
                return;
            };
            put_reply_head(&mut written, &block, total);
            assert_eq!(written.len(), reply_head_len(&block, total));
            let again =
                take_reply_head(&mut written.freeze(), frame.more, MAX_METADATA).expect("what was written is read");
            assert_eq!(again, (block.clone(), total));
            metadata(&block);
        }
        Kind::Failure | Kind::Close => {
            let Ok(error) = decode_failure(rest, MAX_METADATA) else {
                return;
            };
            let written = encode_failure(&error, MAX_METADATA).freeze();
            let again = decode_failure(written, MAX_METADATA).expect("what was written is read");
            assert_eq!((again.code(), again.outcome()), (error.code(), error.outcome()));
            assert!(error.message().starts_with(again.message()), "a long text is cut");
            assert_eq!(again.metadata(), error.metadata());
        }
        _ => {}
    }
}

fn metadata(block: &Bytes) {
    let Ok(metadata) = parse_metadata(block) else { return };
    let written = encode_metadata(&metadata);
    assert_eq!(written.len(), block.len(), "only the case of keys may change");
    assert_eq!(parse_metadata(&written).expect("what was written is read"), metadata);
}

/// Reads `data` as the hello of either side.
pub fn handshake(data: &[u8]) {
    if let Some(hello) = hello(data, ClientHello::take) {
        again(&hello, &hello.encode(), ClientHello::take);
    }
    if let Some(hello) = hello(data, ServerHello::take) {
        // The text of a refusal may have been garbled or cut, but it always fits the message that carries it.
        if let ServerHello::Accepted { .. } = hello {
            again(&hello, &hello.encode(), ServerHello::take);
        } else {
            assert!(hello.encode().len() <= 14 + 1024, "a refusal that is too long");
        }
    }
}

type Take<T> = fn(&mut BytesMut) -> Result<Option<T>, HelloError>;

/// Whether it comes at once or byte by byte makes no difference.
fn hello<T: Debug + PartialEq>(data: &[u8], take: Take<T>) -> Option<T> {
    let mut input = BytesMut::from(data);
    let whole = take(&mut input);
    let mut input = BytesMut::new();
    let mut slowly = Ok(None);
    for &byte in data {
        input.extend_from_slice(&[byte]);
        slowly = take(&mut input);
        if slowly != Ok(None) {
            break;
        }
    }
    match (whole, slowly) {
        (Ok(whole), slowly) => {
            assert_eq!(Ok(&whole), slowly.as_ref(), "a hello that depends on how it is cut");
            whole
        }
        (Err(error), slowly) => {
            let refused = slowly.expect_err("a broken hello was taken when it came slowly");
            assert!(!error.text("this side").is_empty() && !refused.text("this side").is_empty());
            let _ = error.answer();
            None
        }
    }
}

fn again<T: Debug + PartialEq>(hello: &T, written: &[u8], take: Take<T>) {
    let mut written = BytesMut::from(written);
    assert_eq!(take(&mut written).as_ref().map(Option::as_ref), Ok(Some(hello)));
    assert!(written.is_empty(), "a hello is taken entirely");
}
