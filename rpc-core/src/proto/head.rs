//! What stands in front of a body: the heads of requests, replies and failures, and metadata blocks.

use std::{ops::Deref, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thin_vec::ThinVec;

use super::{
    Attachment, Violation,
    frame::{Kind, put_header},
};
use crate::{
    Code, Error, Metadata, Outcome,
    contract::{Claim, FINGERPRINT, Fingerprint, MAX_CLAIM},
};

const HAS_TIMEOUT: u8 = 1;
const HAS_INSTANCE: u8 = 2;
const HAS_METADATA: u8 = 4;
const HAS_OBJECT: u8 = 8;
const HAS_CLAIM: u8 = 16;
const HAS_TYPES: u8 = 32;
/// All that a request may have.
const KNOWN: u8 = HAS_TIMEOUT | HAS_INSTANCE | HAS_METADATA | HAS_OBJECT | HAS_CLAIM | HAS_TYPES;

/// The longest message of a failure; longer ones are cut.
const MAX_TEXT: usize = 8 << 10;

/// What a request says besides its arguments. `C` is how it has the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head<C> {
    /// Which method, by [`method_id`](crate::service::method_id).
    pub(crate) method: u64,
    pub(crate) target: Target,
    /// The time left until the caller's deadline.
    pub(crate) timeout: Option<Duration>,
    /// The metadata, as a block that [`parse_metadata`] reads.
    pub(crate) metadata: Bytes,
    /// What the caller means by the method, if both sides check that.
    pub(crate) claim: Option<C>,
    /// What the arguments carry; sent in a frame of its own before the request.
    pub(crate) attachments: ThinVec<Attachment>,
}

/// Of a request of this side. What a method means is found once in a process.
pub(crate) type RequestHead = Head<&'static Claim>;
/// Of a request of the peer. In a box, because few requests have a claim and all are moved about.
pub(crate) type PeerHead = Head<Box<Claim>>;

/// What is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// The service that has the method.
    #[default]
    Service,
    /// Its named instance with this hash.
    Instance(u64),
    /// An object of the callee's.
    Object(u32),
}

impl Target {
    /// The object that is called, if it is one.
    pub(crate) fn object(self) -> Option<u32> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl<C> Default for Head<C> {
    fn default() -> Self {
        Self {
            method: 0,
            target: Target::Service,
            timeout: None,
            metadata: Bytes::new(),
            claim: None,
            attachments: ThinVec::new(),
        }
    }
}

impl<C: Deref<Target = Claim>> Head<C> {
    /// Appends the head; `total` is the length of the whole body where it takes more than one frame. The claim is left
    /// out where it is `known` that the peer means the same.
    pub(crate) fn put(&self, out: &mut BytesMut, total: Option<u32>, known: bool) {
        let claim = self.claim.as_ref().filter(|_| !known);
        let types = claim.and_then(|claim| claim.types.as_ref());
        let flags = flag(self.timeout.is_some(), HAS_TIMEOUT)
            | flag(!self.metadata.is_empty(), HAS_METADATA)
            | flag(claim.is_some(), HAS_CLAIM)
            | flag(types.is_some(), HAS_TYPES)
            | match self.target {
                Target::Service => 0,
                Target::Instance(_) => HAS_INSTANCE,
                Target::Object(_) => HAS_OBJECT,
            };
        out.put_u64_le(self.method);
        out.put_u8(flags);
        if let Some(timeout) = self.timeout {
            out.put_u64_le(micros(timeout));
        }
        match self.target {
            Target::Service => {}
            Target::Instance(instance) => out.put_u64_le(instance),
            Target::Object(object) => out.put_u32_le(object),
        }
        if let Some(claim) = claim {
            out.put_slice(&claim.fingerprint.to_bytes());
        }
        if let Some(types) = types {
            out.put_u32_le(types.len() as u32);
            out.put_slice(types);
        }
        put_block(out, &self.metadata);
        if let Some(total) = total {
            out.put_u32_le(total);
        }
    }

    /// The bytes that [`put`](Self::put) appends.
    pub(crate) fn len(&self, total: Option<u32>, known: bool) -> usize {
        let optional = |present: bool, length: usize| if present { length } else { 0 };
        let target = match self.target {
            Target::Service => 0,
            Target::Instance(_) => 8,
            Target::Object(_) => 4,
        };
        let claim = match &self.claim {
            Some(claim) if !known => FINGERPRINT + claim.types.as_ref().map_or(0, |types| 4 + types.len()),
            _ => 0,
        };
        9 + target
            + claim
            + optional(self.timeout.is_some(), 8)
            + optional(!self.metadata.is_empty(), 4 + self.metadata.len())
            + optional(total.is_some(), 4)
    }
}

impl PeerHead {
    /// How long the head is that `payload` begins with, once enough of it has come to tell.
    pub(crate) fn announced_len(payload: &[u8], more: bool) -> Option<usize> {
        let flags = *payload.get(8)?;
        let optional = |flag: u8, length: usize| if flags & flag != 0 { length } else { 0 };
        let fixed = 9
            + optional(HAS_TIMEOUT, 8)
            + optional(HAS_INSTANCE, 8)
            + optional(HAS_OBJECT, 4)
            + optional(HAS_CLAIM, FINGERPRINT);
        let types = announced_block(payload, fixed, flags & HAS_TYPES != 0)?;
        Some(fixed + types + announced_rest(payload, fixed + types, flags, more)?)
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
        let target = take_target(payload, flags)?;
        let claim = take_claim(payload, flags)?;
        let metadata = take_block(payload, flags & HAS_METADATA != 0, max_metadata)?;
        let total = if more { Some(payload.try_get_u32_le()?) } else { None };
        Ok((
            Self {
                method,
                target,
                timeout,
                metadata,
                claim,
                attachments: ThinVec::new(),
            },
            total,
        ))
    }
}

fn take_target(payload: &mut Bytes, flags: u8) -> Result<Target, Violation> {
    match (flags & HAS_INSTANCE != 0, flags & HAS_OBJECT != 0) {
        (false, false) => Ok(Target::Service),
        (true, false) => Ok(Target::Instance(payload.try_get_u64_le()?)),
        (false, true) => Ok(Target::Object(payload.try_get_u32_le()?)),
        (true, true) => Err(Violation::new("a request to an instance of a service and to an object")),
    }
}

fn take_claim(payload: &mut Bytes, flags: u8) -> Result<Option<Box<Claim>>, Violation> {
    if flags & (HAS_CLAIM | HAS_TYPES) == 0 {
        return Ok(None);
    }
    if flags & HAS_CLAIM == 0 {
        return Err(Violation::new("a request with types and without a fingerprint"));
    }
    let mut fingerprint = [0; FINGERPRINT];
    payload.try_copy_to_slice(&mut fingerprint)?;
    let types = if flags & HAS_TYPES != 0 {
        let length = payload.try_get_u32_le()? as usize;
        if length > MAX_CLAIM {
            return Err(Violation::new(format!(
                "{length} bytes of types, the limit is {MAX_CLAIM}"
            )));
        }
        Some(take(payload, length)?)
    } else {
        None
    };
    Ok(Some(Box::new(Claim {
        number: 0,
        fingerprint: Fingerprint::from_bytes(fingerprint),
        types,
    })))
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
    let metadata = announced_block(payload, fixed, flags & HAS_METADATA != 0)?;
    Some(metadata + if more { 4 } else { 0 })
}

/// The length of a block with the length in front of it, if there is one at `place`.
fn announced_block(payload: &[u8], place: usize, present: bool) -> Option<usize> {
    if !present {
        return Some(0);
    }
    Some(4 + u32::from_le_bytes(*payload.get(place..)?.first_chunk()?) as usize)
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
