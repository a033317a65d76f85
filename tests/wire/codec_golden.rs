//! The bytes of every kind of value are frozen: peers of different versions must understand each other.
//!
//! `tests/wire/codec_<format>.txt` holds one value a line, its name and its bytes in hex, or as text in JSON. A changed
//! line breaks the wire. To add values, append them to [`values`] and run `FARCALL_BLESS=1 cargo test -p farcall-tests
//! --features cbor,json,postcard --test wire codec_golden::`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::{Debug, Write as _},
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU16,
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use farcall::codec::{Codec, CodecError, DecodeLimits, Format};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    name: String,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point(i32, i32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f32),
    Segment(i8, i8),
    Rectangle { width: u16, height: u16 },
}

#[test]
fn values_have_their_golden_bytes() {
    for &format in Format::ALL {
        let found = text(format);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("wire/codec_{format}.txt"));
        if std::env::var_os("FARCALL_BLESS").is_some() {
            fs::write(&path, &found).expect("the golden file can be written");
        }
        let golden = fs::read_to_string(&path).expect("the golden file is there");
        for (golden, found) in golden.lines().zip(found.lines()) {
            assert_eq!(golden, found, "{format}");
        }
        assert_eq!(
            golden.lines().count(),
            found.lines().count(),
            "{format}: another number of values"
        );
    }
}

#[test]
fn golden_bytes_decode_to_their_values() {
    for &format in Format::ALL {
        for value in values() {
            (value.check)(format);
        }
    }
}

#[test]
fn there_are_enough_values_and_each_has_its_own_name() {
    let names: BTreeSet<_> = values().into_iter().map(|value| value.name).collect();
    assert_eq!(names.len(), values().len());
    assert!(names.len() >= 60, "{}", names.len());
}

fn text(format: Format) -> String {
    let mut text = String::new();
    for value in values() {
        let written = match (value.encode)(format) {
            Ok(bytes) if format.to_string() == "json" => String::from_utf8(bytes).expect("JSON is text"),
            Ok(bytes) => hex(&bytes),
            Err(_) => "refused".to_owned(),
        };
        writeln!(text, "{}: {written}", value.name).expect("a string takes text");
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes text");
        hex
    })
}

struct Golden {
    name: &'static str,
    encode: Box<dyn Fn(Format) -> Result<Vec<u8>, CodecError>>,
    check: Box<dyn Fn(Format)>,
}

fn golden<T>(name: &'static str, value: T) -> Golden
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    let value = Arc::new(value);
    let encode = {
        let value = Arc::clone(&value);
        move |format: Format| {
            let mut bytes = Vec::new();
            format.encode(&*value, &mut bytes).map(|()| bytes)
        }
    };
    let check = {
        let encode = encode.clone();
        move |format: Format| {
            let Ok(bytes) = encode(format) else {
                assert!(
                    format.is_named() && ["f64 infinity", "some none"].contains(&name),
                    "{format}: {name}"
                );
                return;
            };
            let decoded = format.decode::<T>(&bytes, DecodeLimits::default());
            assert_eq!(decoded.as_ref(), Ok(&*value), "{format}: {name}");
        }
    };
    Golden {
        name,
        encode: Box::new(encode),
        check: Box::new(check),
    }
}

fn values() -> Vec<Golden> {
    let mut values = integers();
    values.extend(scalars());
    values.extend(collections());
    values.extend(structures());
    values.extend(library());
    values
}

fn integers() -> Vec<Golden> {
    vec![
        golden("u8 0", 0_u8),
        golden("u8 max", u8::MAX),
        golden("u16 250", 250_u16),
        golden("u16 251", 251_u16),
        golden("u16 max", u16::MAX),
        golden("u32 127", 127_u32),
        golden("u32 128", 128_u32),
        golden("u32 65536", 65_536_u32),
        golden("u32 max", u32::MAX),
        golden("u64 0", 0_u64),
        golden("u64 250", 250_u64),
        golden("u64 251", 251_u64),
        golden("u64 2^32", 1_u64 << 32),
        golden("u64 max", u64::MAX),
        golden("u128 2^64", 1_u128 << 64),
        golden("u128 max", u128::MAX),
        golden("i8 -1", -1_i8),
        golden("i8 min", i8::MIN),
        golden("i16 -1", -1_i16),
        golden("i16 min", i16::MIN),
        golden("i32 63", 63_i32),
        golden("i32 64", 64_i32),
        golden("i32 -126", -126_i32),
        golden("i32 min", i32::MIN),
        golden("i64 -1", -1_i64),
        golden("i64 max", i64::MAX),
        golden("i64 min", i64::MIN),
        golden("i128 min", i128::MIN),
        golden("usize 300", 300_usize),
        golden("nonzero u16", NonZeroU16::MAX),
    ]
}

fn scalars() -> Vec<Golden> {
    vec![
        golden("f32 1.5", 1.5_f32),
        golden("f32 -0", -0.0_f32),
        golden("f64 pi", std::f64::consts::PI),
        golden("f64 infinity", f64::INFINITY),
        golden("false", false),
        golden("true", true),
        golden("char a", 'a'),
        golden("char umlaut", 'ü'),
        golden("char crab", '🦀'),
        golden("unit", ()),
        golden("string empty", String::new()),
        golden("string apple", "apple".to_owned()),
        golden("string unicode", "größe 🦀".to_owned()),
        golden("string 251", "x".repeat(251)),
        golden("bytes empty", ByteBuf::new()),
        golden("bytes", ByteBuf::from([0, 1, 254, 255])),
        golden("bytes 300", ByteBuf::from([7; 300])),
    ]
}

fn collections() -> Vec<Golden> {
    vec![
        golden("vec u8", vec![0_u8, 1, 254, 255]),
        golden("vec u8 300", vec![7_u8; 300]),
        golden("vec u64", vec![1_u64, 300, u64::MAX]),
        golden("vec empty", Vec::<u32>::new()),
        golden("vec units", vec![(); 3]),
        golden("vec nested", vec![vec![1_u8], vec![], vec![2, 3]]),
        golden("vec strings", vec!["a".to_owned(), String::new()]),
        golden("deque", VecDeque::from([1_i16, -1])),
        golden("array", [1_u32, 2, 3]),
        golden("array empty", [0_u8; 0]),
        golden("set", BTreeSet::from(['a', 'b'])),
        golden("map", BTreeMap::from([(1_u8, "one".to_owned()), (2, "two".to_owned())])),
        golden("map empty", BTreeMap::<u8, u8>::new()),
        golden("tuple", (1_u8, "a".to_owned(), true)),
        golden("tuple nested", ((1_u8, 2_u8), ((), 3_u8))),
    ]
}

fn structures() -> Vec<Golden> {
    vec![
        golden("none", None::<u64>),
        golden("some", Some(300_u64)),
        golden("some none", Some(None::<u8>)),
        golden("ok", Ok::<u8, String>(1)),
        golden("err", Err::<u8, String>("no".to_owned())),
        golden(
            "struct",
            Row {
                id: 7,
                name: "apple".to_owned(),
                note: Some("ripe".to_owned()),
            },
        ),
        golden("newtype", Meters(1000)),
        golden("tuple struct", Point(-1, 1)),
        golden("unit struct", Unit),
        golden("unit variant", Shape::Empty),
        golden("newtype variant", Shape::Circle(2.0)),
        golden("tuple variant", Shape::Segment(-1, 1)),
        golden("struct variant", Shape::Rectangle { width: 2, height: 300 }),
        golden(
            "arguments",
            (
                1_u64,
                Row {
                    id: 1,
                    name: String::new(),
                    note: None,
                },
                vec![Shape::Empty],
            ),
        ),
    ]
}

fn library() -> Vec<Golden> {
    vec![
        golden("duration", Duration::new(3, 500)),
        golden("system time", UNIX_EPOCH + Duration::new(1_700_000_000, 1)),
        golden("ipv4", IpAddr::V4(Ipv4Addr::LOCALHOST)),
        golden("ipv6", IpAddr::V6(Ipv6Addr::LOCALHOST)),
        golden("socket address", SocketAddr::from(([127, 0, 0, 1], 7401))),
        golden("range", Range { start: 1_u8, end: 9 }),
        golden("cow", Cow::<'static, str>::Owned("cow".to_owned())),
        golden("box", Box::new(5_u16)),
        golden("path", PathBuf::from("/var/lib")),
    ]
}
