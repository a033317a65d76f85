//! What stands in front of a body: the heads of requests, replies and failures, and metadata blocks.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thin_vec::ThinVec;

use super::{
    Attachment, Violation,
    frame::{Kind, put_header},
};
use crate::{
    Code, Error, Metadata, Outcome,
    contract::{FINGERPRINT, Fingerprint},
};

const HAS_TIMEOUT: u8 = 1;
const HAS_INSTANCE: u8 = 2;
const HAS_METADATA: u8 = 4;
const HAS_OBJECT: u8 = 8;
const HAS_CHECK: u8 = 16;
/// All that a request may have.
const KNOWN: u8 = HAS_TIMEOUT | HAS_INSTANCE | HAS_METADATA | HAS_OBJECT | HAS_CHECK;

/// The longest message of a failure; longer ones are cut.
const MAX_TEXT: usize = 8 << 10;

/// What a request says besides its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestHead {
    /// Which method, by [`method_id`](crate::service::method_id).
    pub(crate) method: u64,
    /// The hash of the named instance, if one is meant.
    pub(crate) instance: Option<u64>,
    /// The time left until the caller's deadline.
    pub(crate) timeout: Option<Duration>,
    /// The metadata, as a block that [`parse_metadata`] reads.
    pub(crate) metadata: Bytes,
    /// The object that is called, if it is not a service.
    pub(crate) object: Option<u32>,
    /// What the caller means by the method, if both sides check that.
    pub(crate) check: Option<Check>,
    /// What the arguments carry; sent in a frame of its own before the request.
    pub(crate) attachments: ThinVec<Attachment>,
}

/// What a caller means by a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The caller's number of the method, which stays here.
    pub(crate) method: u32,
    pub(crate) fingerprint: Fingerprint,
}

impl RequestHead {
    /// Appends the head; `total` is the length of the whole body where it takes more than one frame. The check is left
    /// out where it is `known` that the peer means the same.
    pub(crate) fn put(&self, out: &mut BytesMut, total: Option<u32>, known: bool) {
        let check = self.check.filter(|_| !known);
        let flags = flag(self.timeout.is_some(), HAS_TIMEOUT)
            | flag(self.instance.is_some(), HAS_INSTANCE)
            | flag(!self.metadata.is_empty(), HAS_METADATA)
            | flag(self.object.is_some(), HAS_OBJECT)
            | flag(check.is_some(), HAS_CHECK);
        out.put_u64_le(self.method);
        out.put_u8(flags);
        if let Some(timeout) = self.timeout {
            out.put_u64_le(micros(timeout));
        }
        if let Some(instance) = self.instance {
            out.put_u64_le(instance);
        }
        if let Some(object) = self.object {
            out.put_u32_le(object);
        }
        if let Some(check) = check {
            out.put_slice(&check.fingerprint.to_bytes());
        }
        put_block(out, &self.metadata);
        if let Some(total) = total {
            out.put_u32_le(total);
        }
    }

    /// The bytes that [`put`](Self::put) appends.
    pub(crate) fn len(&self, total: Option<u32>, known: bool) -> usize {
        let optional = |present: bool, length: usize| if present { length } else { 0 };
        9 + optional(self.timeout.is_some(), 8)
            + optional(self.instance.is_some(), 8)
            + optional(self.object.is_some(), 4)
            + optional(self.check.is_some() && !known, FINGERPRINT)
            + optional(!self.metadata.is_empty(), 4 + self.metadata.len())
            + optional(total.is_some(), 4)
    }

    /// How long the head is that `payload` begins with, once enough of it has come to tell.
    pub(crate) fn announced_len(payload: &[u8], more: bool) -> Option<usize> {
        let flags = *payload.get(8)?;
        let optional = |flag: u8, length: usize| if flags & flag != 0 { length } else { 0 };
        let fixed = 9
            + optional(HAS_TIMEOUT, 8)
            + optional(HAS_INSTANCE, 8)
            + optional(HAS_OBJECT, 4)
            + optional(HAS_CHECK, FINGERPRINT);
        Some(fixed + announced_rest(payload, fixed, flags, more)?)
    }

    /// Takes the head off a request's first payload, and the body's length where `more` frames follow.
    pub(crate) fn take(payload: &mut Bytes, more: bool, max_metadata: usize) -> Result<(Self, Option<u32>), Violation> {
        let method = payload.try_get_u64_le()?;
        let flags = payload.try_get_u8()?;
        if flags & !KNOWN != 0 {
            return Err(Violation::new(format!("a request with unknown flags {flags:#04x}")));
        }
        let timeout = if flags & HAS_TIMEOUT != 0 {
            Some(Duration::from_micros(payload.try_get_u64_le()?))
        } else {
            None
        };
        let instance = if flags & HAS_INSTANCE != 0 {
            Some(payload.try_get_u64_le()?)
        } else {
            None
        };
        let object = if flags & HAS_OBJECT != 0 {
            Some(payload.try_get_u32_le()?)
        } else {
            None
        };
        let check = if flags & HAS_CHECK != 0 {
            let mut bytes = [0; FINGERPRINT];
            payload.try_copy_to_slice(&mut bytes)?;
            Some(Check {
                method: 0,
                fingerprint: Fingerprint::from_bytes(bytes),
            })
        } else {
            None
        };
        let metadata = take_block(payload, flags & HAS_METADATA != 0, max_metadata)?;
        let total = if more { Some(payload.try_get_u32_le()?) } else { None };
        Ok((
            Self {
                method,
                instance,
                timeout,
                metadata,
                object,
                check,
                attachments: ThinVec::new(),
            },
            total,
        ))
    }
}

/// Appends a reply's head.
pub(crate) fn put_reply_head(out: &mut BytesMut, metadata: &Bytes, total: Option<u32>) {
    out.put_u8(flag(!metadata.is_empty(), HAS_METADATA));
    put_block(out, metadata);
    if let Some(total) = total {
        out.put_u32_le(total);
    }
}

/// The bytes that [`put_reply_head`] appends.
pub(crate) fn reply_head_len(metadata: &Bytes, total: Option<u32>) -> usize {
    1 + if metadata.is_empty() { 0 } else { 4 + metadata.len() } + if total.is_some() { 4 } else { 0 }
}

/// How long the head of a reply is that `payload` begins with, once enough of it has come to tell.
pub(crate) fn announced_reply_head_len(payload: &[u8], more: bool) -> Option<usize> {
    Some(1 + announced_rest(payload, 1, *payload.first()?, more)?)
}

/// The length of what follows the fixed part of a head: the metadata and the total.
fn announced_rest(payload: &[u8], fixed: usize, flags: u8, more: bool) -> Option<usize> {
    let metadata = if flags & HAS_METADATA != 0 {
        4 + u32::from_le_bytes(*payload.get(fixed..)?.first_chunk()?) as usize
    } else {
        0
    };
    Some(metadata + if more { 4 } else { 0 })
}

/// Takes the head off a reply's first payload: its metadata, and the body's length where `more` frames follow.
pub(crate) fn take_reply_head(
    payload: &mut Bytes,
    more: bool,
    max_metadata: usize,
) -> Result<(Bytes, Option<u32>), Violation> {
    let flags = payload.try_get_u8()?;
    if flags & !HAS_METADATA != 0 {
        return Err(Violation::new(format!("a reply with unknown flags {flags:#04x}")));
    }
    let metadata = take_block(payload, flags & HAS_METADATA != 0, max_metadata)?;
    let total = if more { Some(payload.try_get_u32_le()?) } else { None };
    Ok((metadata, total))
}

/// A failure as the payload of its frame; metadata beyond the peer's limit is left out.
pub(crate) fn encode_failure(error: &Error, max_metadata: usize) -> BytesMut {
    let metadata = encode_metadata(error.metadata());
    let metadata = if metadata.len() > max_metadata {
        Bytes::new()
    } else {
        metadata
    };
    let text = cut(error.message());
    let mut out = BytesMut::with_capacity(7 + metadata.len() + text.len());
    out.put_u8(error.code() as u8);
    out.put_u8(error.outcome() as u8);
    out.put_u8(flag(!metadata.is_empty(), HAS_METADATA));
    put_block(&mut out, &metadata);
    out.put_slice(text.as_bytes());
    out
}

/// About as many bytes as [`encode_failure`] gives at the most.
pub(crate) fn failure_len(error: &Error) -> usize {
    error.message().len().min(MAX_TEXT) + error.metadata().as_block().len()
}

/// Appends a whole frame that carries a failure.
pub(crate) fn put_failure(out: &mut BytesMut, kind: Kind, call: u32, error: &Error, max_metadata: usize) {
    let payload = encode_failure(error, max_metadata);
    put_header(out, kind, false, call, payload.len());
    out.put_slice(&payload);
}

/// Reads a failure's payload.
pub(crate) fn decode_failure(mut payload: Bytes, max_metadata: usize) -> Result<Error, Violation> {
    let code = payload.try_get_u8()?;
    let code = Code::from_number(code).ok_or_else(|| Violation::new(format!("a failure with unknown code {code}")))?;
    let outcome = payload.try_get_u8()?;
    let outcome = Outcome::from_number(outcome)
        .ok_or_else(|| Violation::new(format!("a failure with unknown outcome {outcome}")))?;
    let flags = payload.try_get_u8()?;
    if flags & !HAS_METADATA != 0 {
        return Err(Violation::new(format!("a failure with unknown flags {flags:#04x}")));
    }
    let metadata = take_block(&mut payload, flags & HAS_METADATA != 0, max_metadata)?;
    let text = std::str::from_utf8(&payload).map_err(|_| Violation::new("a failure's text that is not UTF-8"))?;
    Ok(Error::new(code, text)
        .with_outcome(outcome)
        .with_metadata(parse_metadata(&metadata)?))
}

/// Metadata as a block: for each pair the key's length in one byte, the key, the value's length in four, the value.
pub(crate) fn encode_metadata(metadata: &Metadata) -> Bytes {
    metadata.as_block().clone()
}

/// Reads a metadata block.
pub(crate) fn parse_metadata(block: &Bytes) -> Result<Metadata, Violation> {
    if block.is_empty() {
        return Ok(Metadata::new());
    }
    Metadata::from_block(block).map_err(|error| Violation::new(error.message()))
}

fn put_block(out: &mut BytesMut, block: &Bytes) {
    if !block.is_empty() {
        out.put_u32_le(block.len() as u32);
        out.put_slice(block);
    }
}

fn take_block(payload: &mut Bytes, present: bool, max: usize) -> Result<Bytes, Violation> {
    if !present {
        return Ok(Bytes::new());
    }
    let length = payload.try_get_u32_le()? as usize;
    if length > max {
        return Err(Violation::new(format!(
            "{length} bytes of metadata, the limit is {max}"
        )));
    }
    take(payload, length)
}

fn take(payload: &mut Bytes, length: usize) -> Result<Bytes, Violation> {
    if payload.remaining() < length {
        return Err(Violation::new("a payload that ends early"));
    }
    Ok(payload.split_to(length))
}

/// Whole microseconds, rounded up: a call with time left is not sent as one without.
fn micros(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}
