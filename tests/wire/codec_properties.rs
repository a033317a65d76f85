//! Under the guard, a format reads exactly what it reads without; and everything that is written is read back.

use std::{collections::BTreeMap, fmt::Debug};

use crate::codec_rich::{Marker, Meters, Rich, Shape};
use farcall::codec::{Codec, DecodeLimits, Format, check_round_trip};
use proptest::{collection::vec, option, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

/// So that the guard, too, refuses nothing but left-over bytes.
const UNLIMITED: DecodeLimits = DecodeLimits {
    depth: u16::MAX,
    memory: usize::MAX,
};

proptest! {
    #[test]
    fn random_bytes_read_the_same_with_and_without_the_guard(bytes in vec(any::<u8>(), 0..64)) {
        agree::<Rich>(&bytes);
        agree::<Shape>(&bytes);
        agree::<(u64, String)>(&bytes);
        agree::<Vec<(i16, Option<bool>)>>(&bytes);
        agree::<BTreeMap<u8, Vec<u32>>>(&bytes);
        agree::<Result<(char, f32), Meters>>(&bytes);
        agree::<Vec<Shape>>(&bytes);
        agree::<(u128, i128, [u16; 3])>(&bytes);
        agree::<serde_bytes::ByteBuf>(&bytes);
    }

    #[test]
    fn damaged_values_read_the_same_with_and_without_the_guard(
        value in rich(),
        damage in vec(any::<(prop::sample::Index, u8)>(), 0..4),
        cut in any::<prop::sample::Index>(),
        append in vec(any::<u8>(), 0..3),
    ) {
        for &format in Format::ALL {
            let mut bytes = encoded(format, &value);
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            compare::<Rich>(format, &bytes);
            compare::<Rich>(format, &[bytes.as_slice(), &append].concat());
            compare::<Rich>(format, &bytes[..cut.index(bytes.len())]);
        }
    }

    #[test]
    fn rich_values_survive_every_format(value in rich()) {
        prop_assert_eq!(check_round_trip(&value), Ok(()));
    }

    #[test]
    fn no_proper_prefix_is_a_value(value in rich(), cut in any::<prop::sample::Index>()) {
        for &format in Format::ALL {
            let bytes = encoded(format, &value);
            let prefix = &bytes[..cut.index(bytes.len())];
            prop_assert!(format.decode::<Rich>(prefix, DecodeLimits::default()).is_err());
        }
    }

    #[test]
    fn the_guard_does_not_change_the_bytes(value in rich()) {
        for format in Format::ALL.iter().copied().filter(|format| !format.is_named()) {
            prop_assert_eq!(encoded(format, &value), raw_encoded(format, &value));
        }
    }
}

fn agree<T: DeserializeOwned + Debug>(bytes: &[u8]) {
    for &format in Format::ALL {
        compare::<T>(format, bytes);
    }
}

/// Compares the debug text, in which NaN equals itself.
fn compare<T: DeserializeOwned + Debug>(format: Format, bytes: &[u8]) {
    let guarded = format.decode::<T>(bytes, UNLIMITED).ok();
    if format.is_named() {
        return; // No library reads and writes it in just this way.
    }
    let raw = raw_decoded::<T>(format, bytes)
        .filter(|(_, left_over)| *left_over == 0)
        .map(|(value, _)| value);
    assert_eq!(format!("{guarded:?}"), format!("{raw:?}"), "{format} {bytes:?}");
}

/// The value and the number of bytes behind it.
fn raw_decoded<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Option<(T, usize)> {
    /// Without it, bincode allocates as much as the length of a string says. It counts the width of types, and these
    /// inputs are far shorter.
    const LIMIT: usize = 16 << 20;
    match format {
        Format::Bincode => {
            let configuration = bincode::config::standard().with_limit::<LIMIT>();
            let (value, used) = bincode::serde::decode_from_slice(bytes, configuration).ok()?;
            Some((value, bytes.len() - used))
        }
        #[cfg(feature = "postcard")]
        Format::Postcard => {
            let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
            Some((value, rest.len()))
        }
        other => panic!("{other} has no raw decoder here"),
    }
}

fn raw_encoded<T: Serialize>(format: Format, value: &T) -> Vec<u8> {
    match format {
        Format::Bincode => {
            bincode::serde::encode_to_vec(value, bincode::config::standard()).expect("the value can be encoded")
        }
        #[cfg(feature = "postcard")]
        Format::Postcard => postcard::to_stdvec(value).expect("the value can be encoded"),
        other => panic!("{other} has no raw encoder here"),
    }
}

fn encoded<T: Serialize>(format: Format, value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    format.encode(value, &mut bytes).expect("the value can be encoded");
    bytes
}

fn rich() -> impl Strategy<Value = Rich> {
    flat().prop_recursive(3, 4, 1, |inner| {
        (flat(), inner).prop_map(|(outer, inner)| Rich {
            next: Some(Box::new(inner)),
            ..outer
        })
    })
}

fn flat() -> impl Strategy<Value = Rich> {
    let numbers = (any::<(u8, u16, u32, u64, u128)>(), any::<(i8, i16, i32, i64, i128)>());
    let scalars = (any::<(f32, f64)>(), any::<bool>(), any::<char>(), any::<i32>());
    let bytes = (".*", vec(any::<u8>(), 0..300));
    let table = prop::collection::btree_map(".{0,4}", option::of(any::<i32>()), 0..4);
    let lists = (any::<[u16; 3]>(), vec(any::<u64>(), 0..300), table, vec(shape(), 0..4));
    let outcome = prop_oneof![any::<u8>().prop_map(Ok), ".*".prop_map(Err)];
    (numbers, scalars, bytes, lists, outcome).prop_map(|(numbers, scalars, bytes, lists, outcome)| {
        let (unsigned, signed) = numbers;
        let (floats, flag, letter, meters) = scalars;
        let (text, blob) = bytes;
        let (array, numbers, table, shapes) = lists;
        Rich {
            unsigned,
            signed,
            floats,
            flag,
            letter,
            text,
            blob,
            array,
            numbers,
            table,
            shapes,
            meters: Meters(meters),
            marker: Marker,
            outcome,
            next: None,
        }
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Point),
        ".*".prop_map(Shape::Named),
        any::<(i64, i64)>().prop_map(|(from, to)| Shape::Segment(from, to)),
        (any::<u32>(), option::of(any::<u32>())).prop_map(|(width, height)| Shape::Rectangle { width, height }),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| vec(inner, 0..4).prop_map(Shape::Group))
}
