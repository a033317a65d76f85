//! Every kind of type that serde knows.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    marker::PhantomData,
};

use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::{super::Fingerprint, shape, text};

macro_rules! texts {
    ($($type:ty => $expected:expr,)*) => {$(
        assert_eq!(text::<$type>(), $expected, "{}", stringify!($type));
    )*};
}

#[test]
fn primitives_are_themselves() {
    texts! {
        () => "()",
        bool => "bool",
        i8 => "i8",
        i16 => "i16",
        i32 => "i32",
        i64 => "i64",
        i128 => "i128",
        isize => "i64",
        u8 => "u8",
        u16 => "u16",
        u32 => "u32",
        u64 => "u64",
        u128 => "u128",
        usize => "u64",
        f32 => "f32",
        f64 => "f64",
        char => "char",
        String => "string",
        ByteBuf => "bytes",
        PhantomData<u32> => "PhantomData\nstruct PhantomData",
    }
}

#[derive(Deserialize)]
struct Borrowing<'a> {
    name: &'a str,
    #[serde(borrow)]
    note: Cow<'a, str>,
    blob: &'a [u8],
}

#[test]
fn borrowed_types_are_like_owned_ones() {
    texts! {
        &str => "string",
        &[u8] => "bytes",
        Cow<'_, str> => "string",
        Option<&str> => "Option<string>",
        Vec<&str> => "[string]",
        Box<str> => "string",
        Box<[u16]> => "[u16]",
    }
    texts! {
        Borrowing<'_> => "Borrowing\nstruct Borrowing { name: string, note: string, blob: bytes }",
    }
}

#[test]
fn containers_have_their_parts() {
    texts! {
        Option<u32> => "Option<u32>",
        Option<Option<bool>> => "Option<Option<bool>>",
        Vec<Vec<i8>> => "[[i8]]",
        VecDeque<char> => "[char]",
        BTreeSet<u16> => "[u16]",
        HashMap<String, Vec<f64>> => "{string: [f64]}",
        BTreeMap<(u8, u8), Option<i128>> => "{(u8, u8): Option<i128>}",
        (u8,) => "(u8,)",
        (u8, String) => "(u8, string)",
        [u16; 3] => "(u16, u16, u16)",
        [u16; 32] => "(u16; 32)",
        [u16; 0] => "()",
        Result<u8, String> => "Result\nenum Result { 0 Ok(u8), 1 Err(string) }",
    }
}

#[derive(Deserialize)]
struct Nothing;

#[derive(Deserialize)]
struct Metres(f64);

#[derive(Deserialize)]
#[serde(transparent)]
struct Seen(u64);

#[derive(Deserialize)]
struct Place(Metres, Metres);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Thing {
    first_place: Place,
    #[serde(skip)]
    kept: u8,
    seen: Seen,
    nothing: Nothing,
    kind: Kind,
}

#[derive(Deserialize)]
enum Kind {
    Fruit,
    Tool(u32),
    #[serde(rename = "Toys")]
    Toy(Metres, bool),
    Book {
        title: String,
        pages: Option<u16>,
    },
}

#[test]
fn named_types_are_defined_once_each() {
    texts! {
        Nothing => "Nothing\nstruct Nothing",
        Metres => "Metres\nstruct Metres(f64)",
        Seen => "u64",
        Vec<Place> => "[Place]\nstruct Place(Metres, Metres)\nstruct Metres(f64)",
        Thing => "Thing
struct Thing { first-place: Place, seen: u64, nothing: Nothing, kind: Kind }
struct Place(Metres, Metres)
struct Metres(f64)
struct Nothing
enum Kind { 0 Fruit, 1 Tool(u32), 2 Toys(Metres, bool), 3 Book { title: string, pages?: Option<u16> } }",
    }
}

#[test]
fn types_of_one_name_are_told_apart() {
    mod other {
        #[derive(serde::Deserialize)]
        pub(super) struct Metres(f32);
    }
    texts! {
        (Metres, other::Metres, Metres) =>
            "(Metres, Metres#2, Metres)\nstruct Metres(f64)\nstruct Metres#2(f32)",
    }
}

#[test]
fn what_positional_formats_refuse_is_any() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        One(u8),
        Two { name: String },
    }
    #[derive(Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        One { name: u8 },
    }
    #[derive(Deserialize)]
    #[serde(tag = "type", content = "content")]
    enum Adjacent {
        One(u8),
    }
    #[derive(Deserialize)]
    struct Flat {
        id: u32,
        #[serde(flatten)]
        rest: Place2,
    }
    #[derive(Deserialize)]
    struct Place2 {
        x: u8,
    }
    texts! {
        Untagged => "any",
        Vec<Tagged> => "[any]",
        Flat => "{any: any}",
        serde::de::IgnoredAny => "any",
        // What follows is seen nevertheless.
        (Untagged, u8) => "(any, u8)",
    }
    assert!(text::<Adjacent>().starts_with("Adjacent\nstruct Adjacent { type: "));
}

#[test]
fn types_of_this_crate_have_a_shape() {
    assert!(shape::<crate::Error>().is_complete(), "{}", text::<crate::Error>());
    assert!(shape::<crate::registry::Entry>().is_complete());
    texts! {
        super::Shape => text::<Vec<super::super::Node>>(),
        bytes::Bytes => "bytes",
    }
}

#[test]
fn a_shape_is_found_by_human_readable_formats_as_well() {
    use std::net::Ipv4Addr;
    let [positional, named] =
        [false, true].map(|readable| super::shape_of::<Ipv4Addr>(&super::Samples::new(), readable));
    assert_eq!(positional.to_string(), "(u8, u8, u8, u8)");
    assert_eq!(named.to_string(), "string");
}

#[test]
fn shapes_survive_every_format_and_others_are_refused() {
    use crate::codec::{Codec, DecodeLimits, Format};
    let shape = shape::<Thing>();
    for &format in Format::ALL {
        let mut bytes = Vec::new();
        format.encode(&shape, &mut bytes).expect("a shape can be encoded");
        let decoded: super::Shape = format.decode(&bytes, DecodeLimits::default()).expect("and decoded");
        assert_eq!((&decoded, decoded.to_string()), (&shape, shape.to_string()));
    }
    assert!(super::Shape::try_from(Vec::new()).is_err());
    assert!(super::Shape::try_from(vec![super::super::Node::Option(1)]).is_err());
}

#[test]
fn fingerprints_are_the_same_in_every_build() {
    let frozen = [
        (shape::<u32>(), "6b894c9080e998ccba6010525c451fe8"),
        (shape::<Thing>(), "a3f5b9ae4a9e0656a35da80c951bfba7"),
        (shape::<super::recursion::Folder>(), "08b23c1e2c6c6efd61c3237acd376f52"),
    ];
    for (shape, fingerprint) in frozen {
        let found: Fingerprint = shape.fingerprint();
        assert_eq!(found.to_string(), fingerprint, "{shape}");
    }
}
