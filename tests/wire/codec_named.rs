//! The formats with names carry a value as its sender meant it, or refuse it and say which format can.

mod attributes;
mod calls;
mod deep;
mod evolution;
mod foreign;
mod lossless;

use std::fmt::Debug;

use farcall::codec::{Codec, CodecError, DecodeLimits, Format, check_round_trip_in};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const NAMED: [Format; 2] = [Format::Json, Format::Cbor];

fn encoded<T: Serialize + ?Sized>(format: Format, value: &T) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let encoded = format.encode(value, &mut bytes);
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

fn decoded<'de, T: Deserialize<'de>>(format: Format, bytes: &'de [u8]) -> Result<T, String> {
    let decoded = format.decode(bytes, DecodeLimits::default());
    decoded.map_err(|error: CodecError| error.to_string())
}

fn json<T: Serialize>(value: &T) -> String {
    String::from_utf8(encoded(Format::Json, value).expect("JSON can carry it")).expect("JSON is text")
}

/// What arrives as another type.
fn arrives<W: Serialize, R: DeserializeOwned>(format: Format, value: &W) -> Result<R, String> {
    decoded(format, &encoded(format, value).expect("it can be written"))
}

#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    for format in NAMED {
        assert_eq!(check_round_trip_in(format, value), Ok(()));
    }
}

/// It is not written, and the text says what to do.
#[track_caller]
fn refused<T: Serialize>(format: Format, value: &T, words: &[&str]) {
    let error = encoded(format, value).expect_err("it must not be written");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
}
