//! What formats with names accept of a struct: seen as serde does it.

use std::{collections::HashMap, fmt, ops::Range, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::text;

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    Option::deserialize(deserializer)
}

fn seven() -> u32 {
    7
}

#[derive(Deserialize)]
struct Order {
    id: u64,
    note: Option<String>,
    /// serde asks for it, although it is an option.
    #[serde(deserialize_with = "bytes")]
    gift: Option<u8>,
    #[serde(deserialize_with = "bytes", default)]
    wrapped: Option<u8>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "seven")]
    days: u32,
    lines: Vec<Line>,
    #[serde(skip)]
    kept: u8,
    boxed: Box<Option<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sku: String,
    #[serde(default)]
    count: u32,
}

#[test]
fn fields_that_may_be_missing_are_marked() {
    assert_eq!(
        text::<Order>(),
        "Order\nstruct Order { id: u64, note?: Option<string>, gift: Option<u8>, wrapped?: Option<u8>, \
         tags?: [string], days?: u32, lines: [Line], boxed?: Option<u8> }\n\
         #[deny_unknown_fields] struct Line { sku: string, count?: u32 }"
    );
}

#[test]
fn a_default_of_the_whole_struct_counts_for_each_field() {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Settings {
        depth: u8,
        name: String,
    }
    #[derive(Deserialize)]
    struct Empty {}
    assert_eq!(
        text::<Settings>(),
        "Settings\nstruct Settings { depth?: u8, name?: string }"
    );
    assert_eq!(text::<Empty>(), "Empty\nstruct Empty {}");
}

#[test]
fn variants_have_fields_as_well() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    enum Strict {
        Book { title: String, pages: Option<u16> },
        Tool(u8),
    }
    #[derive(Deserialize)]
    enum Lenient {
        Book {
            title: String,
            #[serde(default)]
            pages: u16,
        },
    }
    assert_eq!(
        text::<(Strict, Lenient)>(),
        "(Strict, Lenient)\n\
         enum Strict { #[deny_unknown_fields] 0 Book { title: string, pages?: Option<u16> }, 1 Tool(u8) }\n\
         enum Lenient { 0 Book { title: string, pages?: u16 } }"
    );
}

#[derive(Deserialize)]
struct Aliased {
    #[serde(alias = "zeta", alias = "alpha")]
    name: String,
    count: u32,
    #[serde(alias = "beta", default)]
    #[serde(rename = "the-last")]
    last: Option<Vec<u8>>,
}

#[derive(Deserialize)]
enum AliasedKind {
    Toy {
        #[serde(alias = "old", alias = "a_name")]
        name: String,
        size: u8,
    },
}

#[test]
fn aliases_are_no_fields() {
    assert_eq!(
        text::<(Aliased, bool)>(),
        "(Aliased, bool)\nstruct Aliased { name|alpha|zeta: string, count: u32, the-last|beta?: Option<[u8]> }"
    );
    assert_eq!(
        text::<(AliasedKind, bool)>(),
        "(AliasedKind, bool)\nenum AliasedKind { 0 Toy { name|a_name|old: string, size: u8 } }"
    );
}

#[test]
fn structs_within_themselves_are_seen() {
    #[derive(Deserialize)]
    struct Tree {
        left: Option<Box<Tree>>,
        #[serde(default)]
        right: Vec<Tree>,
        value: u8,
    }
    assert_eq!(
        text::<Tree>(),
        "Tree\nstruct Tree { left?: Option<Tree>, right?: [Tree], value: u8 }"
    );
}

#[test]
fn types_that_read_their_fields_by_themselves_are_seen() {
    assert_eq!(
        text::<(Duration, Range<u8>)>(),
        "(Duration, Range)\n#[deny_unknown_fields] struct Duration { secs: u64, nanos: u32 }\n\
         #[deny_unknown_fields] struct Range { start: u8, end: u8 }"
    );
}

#[derive(Deserialize)]
enum Renamed {
    #[serde(alias = "Zebra", alias = "Ape")]
    Animal(u8),
    Plant,
    #[serde(alias = "Fungus")]
    Mushroom {
        #[serde(alias = "cap")]
        hat: String,
    },
}

#[test]
fn aliases_are_no_variants() {
    assert_eq!(
        text::<(Renamed, bool)>(),
        "(Renamed, bool)\n\
         enum Renamed { 0 Animal|Ape|Zebra(u8), 1 Plant, 2 Fungus|Mushroom { hat|cap: string } }"
    );
}

/// Reads its fields by hand, and tells what is missing in its own words.
struct ByHand;

impl<'de> Visitor<'de> for ByHand {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("three fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        access.next_element::<u8>()?;
        access.next_element::<u16>()?;
        access.next_element::<u32>()?;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut b = None;
        while let Some(key) = access.next_key::<String>()? {
            match &*key {
                "a" => drop(access.next_value::<u8>()?),
                "b" => b = Some(access.next_value::<u16>()?),
                "c" => drop(access.next_value::<u32>()?),
                _ => drop(access.next_value::<IgnoredAny>()?),
            }
        }
        b.map(drop).ok_or_else(|| A::Error::custom("there is no second one"))
    }
}

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("ByHand", &["a", "b", "c"], ByHand)?;
        Ok(ByHand)
    }
}

/// Has no fields by name at all.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        access.next_element::<u8>().map(drop)
    }
}

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("InOrder", &["a"], InOrder)?;
        Ok(InOrder)
    }
}

#[test]
fn what_cannot_be_found_out_counts_as_needed_and_refused() {
    assert_eq!(
        text::<(ByHand, InOrder, bool)>(),
        "(ByHand, InOrder, bool)\nstruct ByHand { a: u8, b: u16, c?: u32 }\n\
         #[deny_unknown_fields] struct InOrder { a: u8 }"
    );
}

#[test]
fn defaults_that_panic_are_no_defaults() {
    fn never() -> u8 {
        panic!("this panic is a part of the test")
    }
    #[derive(Deserialize)]
    struct Panics {
        a: u8,
        #[serde(default = "never")]
        b: u8,
    }
    assert_eq!(
        text::<(Panics, bool)>(),
        "(Panics, bool)\nstruct Panics { a: u8, b: u8 }"
    );
}

#[test]
fn a_hundred_fields_of_a_hundred_structs_take_few_runs() {
    macro_rules! fields {
        ($($name:ident)*) => {
            #[derive(Deserialize)]
            struct Many<T> { $($name: T,)* last: Option<u8> }
        };
    }
    fields! {
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
        c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    }
    let shape = text::<HashMap<String, Many<Option<Box<Many<Option<Many<u8>>>>>>>>();
    assert!(shape.contains("a0?: Option<Many#2>"), "{shape}");
    assert!(shape.contains("struct Many#3 { a0: u8, "), "{shape}");
    assert!(shape.ends_with("last?: Option<u8> }"), "{shape}");
}
