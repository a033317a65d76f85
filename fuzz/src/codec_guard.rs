//! Decoding bytes of a peer, in every format.

#[path = "../../tests/wire/codec_rich.rs"]
mod codec_rich;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Debug,
};

use codec_rich::{Marker, Meters, Rich, Shape};
use farcall::{
    codec::{Codec, DecodeLimits, Format},
    service::{AsBytes, Invocation, MethodDescriptor, Payload},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Small enough to be met by random input.
const LIMITS: DecodeLimits = DecodeLimits {
    depth: 32,
    memory: 1 << 16,
};

#[derive(Debug, Serialize, Deserialize)]
enum List {
    End,
    Cons(u8, Box<List>),
    Both(Box<List>, Box<List>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, Serialize, Deserialize)]
struct Endless(Box<Endless>);

/// Judged by what is found, which formats with names allow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Flag(bool),
    Whole(i64),
    Part(f64),
    Text(String),
    List(Vec<Any>),
    Fields(BTreeMap<String, Any>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Rows {
        rows: Vec<Option<u8>>,
        #[serde(flatten)]
        more: BTreeMap<String, Any>,
    },
    Next {
        next: Box<Tagged>,
    },
}

/// What a method may take: borrowed, or missing.
static METHOD: MethodDescriptor = MethodDescriptor::new("Fuzz.fuzz").arguments(&["text", "bytes", "list", "more"]);
type Arguments<'a> = (&'a str, AsBytes<&'a [u8]>, Vec<&'a str>, Option<u8>);

/// Decodes `data` as many types. What decodes must encode, and the new bytes must decode to the same value.
pub fn codec_guard(data: &[u8]) {
    for &format in Format::ALL {
        decode::<Rich>(format, data);
        decode::<Shape>(format, data);
        decode::<(u64, String, serde_bytes::ByteBuf)>(format, data);
        decode::<Vec<Option<[u64; 32]>>>(format, data);
        decode::<BTreeMap<String, Vec<u16>>>(format, data);
        decode::<Result<(char, f64, bool), (u128, i128)>>(format, data);
        decode::<Vec<Vec<Vec<u8>>>>(format, data);
        decode::<List>(format, data);
        decode::<Tree>(format, data);
        decode::<Endless>(format, data);
        // Their elements take no bytes, or come back in another order.
        let _ = format.decode::<HashSet<()>>(data, LIMITS);
        let _ = format.decode::<Vec<HashSet<()>>>(data, LIMITS);
        let _ = format.decode::<HashMap<u8, String>>(data, LIMITS);
        borrow(format, data);
        if format.is_named() {
            decode::<Any>(format, data);
            decode::<Tagged>(format, data);
            let _ = format.decode::<serde_json::Value>(data, LIMITS);
            let _ = format.decode::<serde::de::IgnoredAny>(data, LIMITS);
        }
        let invocation = Invocation::new(&METHOD, data.to_vec().into(), format, LIMITS);
        if let Ok((text, bytes, list, _)) = invocation.arguments::<Arguments<'_>>() {
            let borrowed = text.len() + bytes.0.len() + list.iter().map(|text| text.len()).sum::<usize>();
            assert!(borrowed < data.len().max(1), "{format} borrowed more than there is");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new()];
    for &format in Format::ALL {
        seeds.extend([
            encode(format, &rich(2)),
            encode(
                format,
                &(7_u64, "apple".to_owned(), serde_bytes::ByteBuf::from([1, 2, 3])),
            ),
            encode(format, &vec![Some([1_u64; 32]), None, None]),
            encode(format, &BTreeMap::from([("apple", vec![1_u16, 300]), ("pear", vec![])])),
            encode(format, &Ok::<_, (u128, i128)>(('ü', 1.5_f64, true))),
            encode(format, &vec![vec![vec![1_u8], vec![]], vec![]]),
            encode(format, &list(40)),
            encode(format, &Tree(vec![Tree(vec![Tree(vec![])]), Tree(vec![])])),
            encode(format, &u64::MAX),
            encode(format, &(3_u64, u64::MAX, u64::MAX)),
            encode_arguments(format),
        ]);
        if format.is_named() {
            let any = Any::List(vec![
                Any::Flag(true),
                Any::Part(0.5),
                Any::Text("\"a\\".into()),
                Any::Whole(-1),
            ]);
            seeds.push(encode(format, &any));
            let rows = Tagged::Rows {
                rows: vec![Some(1), None],
                more: BTreeMap::from([("more".to_owned(), any)]),
            };
            seeds.push(encode(format, &Tagged::Next { next: Box::new(rows) }));
        }
    }
    seeds
}

fn decode<T: Serialize + DeserializeOwned + Debug>(format: Format, data: &[u8]) {
    if let Ok(value) = format.decode::<T>(data, LIMITS) {
        let bytes = encode(format, &value);
        match format.decode::<T>(&bytes, LIMITS) {
            // The text and not the value, because NaN is not equal to itself.
            Ok(again) => assert_eq!(format!("{value:?}"), format!("{again:?}"), "{format}"),
            Err(error) => panic!("{format}: {value:?} cannot be decoded again: {error}"),
        }
    }
}

fn borrow(format: Format, data: &[u8]) {
    if let Ok((text, bytes)) = format.decode::<(&str, &[u8])>(data, LIMITS) {
        assert!(
            text.len() + bytes.len() < data.len(),
            "{format} borrowed more than there is"
        );
    }
}

fn encode<T: Serialize>(format: Format, value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    match format.encode(value, &mut bytes) {
        Ok(()) => bytes,
        Err(error) => panic!("{format}: a value cannot be encoded: {error}"),
    }
}

fn encode_arguments(format: Format) -> Vec<u8> {
    let arguments: Arguments<'_> = ("a \"text\"", AsBytes(&[0, 1, 255]), vec!["x", "\n"], Some(7));
    match Payload::arguments(format, METHOD.arguments, &arguments) {
        Ok(payload) => payload.as_slice().to_vec(),
        Err(error) => panic!("{format}: arguments cannot be encoded: {error}"),
    }
}

fn list(length: u8) -> List {
    (0..length).fold(List::End, |list, number| match number % 5 {
        0 => List::Both(Box::new(List::End), Box::new(list)),
        _ => List::Cons(number, Box::new(list)),
    })
}

fn rich(levels: u32) -> Rich {
    Rich {
        unsigned: (1, 300, 70_000, u64::MAX, u128::MAX),
        signed: (-1, -300, 70_000, i64::MIN, i128::MAX),
        floats: (1.5, -0.0),
        flag: true,
        letter: '🦀',
        text: "größe".to_owned(),
        blob: vec![0, 255, 7],
        array: [1, 2, 3],
        numbers: (0..20).map(|bit| 1 << (3 * bit)).collect(),
        table: BTreeMap::from([("one".to_owned(), Some(1)), ("none".to_owned(), None)]),
        shapes: vec![
            Shape::Point,
            Shape::Named("circle".to_owned()),
            Shape::Segment(-1, 1),
            Shape::Rectangle {
                width: 2,
                height: Some(3),
            },
            Shape::Group(vec![Shape::Point, Shape::Group(vec![])]),
        ],
        meters: Meters(5),
        marker: Marker,
        outcome: Err("no".to_owned()),
        next: levels.checked_sub(1).map(|levels| Box::new(rich(levels))),
    }
}
