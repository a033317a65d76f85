//! From items to bytes and back.

use std::collections::VecDeque;

use serde::{Serialize, de::DeserializeOwned};
use thin_vec::ThinVec;

use crate::{
    Error, Outcome,
    codec::{Codec, CodecError, Format, assert_inline, room_for},
    driver::ReceivedBatch,
    driver::attachments::{self, IncomingAttachment, OutgoingAttachment, Payload, Wire},
    proto::ItemReader,
};

/// How items are encoded; chosen where the type is known to be serialisable.
pub(super) struct Encode<T> {
    one: fn(Format, &T) -> Result<Payload, CodecError>,
    append: Append<T>,
}

/// Encodes an item behind others, and gives what goes with it.
type Append<T> = fn(Format, &T, &mut Vec<u8>) -> Result<ThinVec<OutgoingAttachment>, CodecError>;

impl<T> Clone for Encode<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Encode<T> {}

impl<T: Serialize> Encode<T> {
    pub(super) const fn new() -> Self {
        Self {
            one: Payload::encode::<T>,
            append: append::<T>,
        }
    }
}

fn append<T: Serialize>(
    format: Format,
    item: &T,
    buffer: &mut Vec<u8>,
) -> Result<ThinVec<OutgoingAttachment>, CodecError> {
    let (encoded, offered) = attachments::collecting(|| format.encode(item, buffer));
    encoded.map(|()| offered)
}

impl<T> Encode<T> {
    /// One item by itself.
    pub(super) fn one(&self, format: Format, item: &T) -> Result<Payload, Error> {
        (self.one)(format, item).map_err(|error| not_encoded(&error))
    }

    /// One more item after others; after an error the caller must cut off what was written.
    pub(super) fn append(
        &self,
        format: Format,
        item: &T,
        buffer: &mut Vec<u8>,
    ) -> Result<ThinVec<OutgoingAttachment>, Error> {
        (self.append)(format, item, buffer).map_err(|error| not_encoded(&error))
    }
}

#[cold]
pub(super) fn not_encoded(error: &CodecError) -> Error {
    Error::invalid_argument(format!("the item cannot be encoded: {error}")).with_outcome(Outcome::NotExecuted)
}

/// How items are decoded; chosen where the type is known to be deserialisable.
pub(super) type Decode<T> = fn(Wire, &[u8]) -> Result<T, Error>;

pub(super) fn decode<T: DeserializeOwned>(wire: Wire, item: &[u8]) -> Result<T, Error> {
    assert_inline::<T>();
    room_for::<T>()
        .and_then(|()| wire.format.decode(item, wire.limits))
        .map_err(|error| not_decoded(&error))
}

/// Items that came and are decoded one by one.
pub(super) struct Items<T> {
    reader: ItemReader,
    carried: VecDeque<ThinVec<IncomingAttachment>>,
    wire: Wire,
    decode: Decode<T>,
}

impl<T> Items<T> {
    pub(super) fn new(batch: ReceivedBatch, wire: Wire, decode: Decode<T>) -> Self {
        Self {
            reader: ItemReader::new(batch.items),
            carried: batch.carried,
            wire,
            decode,
        }
    }

    /// The next item; `None` when all are used up.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<T, Error>> {
        let item = self.reader.next()?;
        if !item.carries && !self.wire.near {
            return Some((self.decode)(self.wire, item.bytes));
        }
        let carried = if item.carries {
            self.carried.pop_front().unwrap_or_default()
        } else {
            ThinVec::new()
        };
        Some(attachments::decoding(carried, self.wire, || {
            (self.decode)(self.wire, item.bytes)
        }))
    }

    /// Whether all are used up, so that the memory of a long one can be freed.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.reader.is_over()
    }

    /// Passes over all items but the last one.
    pub(super) fn last(mut self) -> Option<Result<T, Error>> {
        self.reader.skip_to_last();
        // What the others carried goes back.
        let kept = self.carried.pop_back();
        self.carried = kept.into_iter().collect();
        self.next()
    }
}

#[cold]
fn not_decoded(error: &CodecError) -> Error {
    Error::data_loss(format!(
        "an item cannot be decoded: {error}; do both sides have the same version of the type?"
    ))
}
