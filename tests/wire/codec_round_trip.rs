//! `check_round_trip` finds the serde attributes that do not survive the wire, and says which to look for.

use farcall::codec::{Codec, DecodeLimits, Format, check_round_trip};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: u32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    id: u64,
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    note: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SkippedIf {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    count: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SkippedIfWithDefault {
    count: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SkippedSerializing {
    #[serde(skip_serializing)]
    secret: u8,
    count: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SkippedDeserializing {
    #[serde(skip_deserializing)]
    secret: u8,
    count: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Skipped {
    #[serde(skip)]
    cached: u8,
    count: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Adjacent {
    shape: AdjacentShape,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
enum AdjacentShape {
    Circle(u32),
}

#[test]
fn untagged_is_caught() {
    caught(&Untagged::Number(1), "cannot be decoded again", "untagged");
    caught(&Untagged::Text("one".into()), "cannot be decoded again", "untagged");
}

#[test]
fn tag_is_caught() {
    caught(&Tagged::Circle { radius: 3 }, "cannot be decoded again", "tag");
}

#[test]
fn flatten_is_caught() {
    let value = Flattened {
        id: 1,
        inner: Inner { note: "x".into() },
    };
    caught(&value, "cannot be encoded", "flatten");
}

#[test]
fn skip_serializing_if_is_caught_when_it_skips() {
    let skipped = SkippedIf { note: None, count: 5 };
    caught(&skipped, "cannot be decoded again", "skip_serializing_if");
    let present = SkippedIf {
        note: Some(1),
        count: 5,
    };
    assert_eq!(check_round_trip(&present), Ok(()), "nothing is skipped here");
}

#[test]
fn default_does_not_rescue_a_skipped_field() {
    let skipped = SkippedIfWithDefault { count: 5, note: None };
    caught(&skipped, "cannot be decoded again", "default");
}

/// Alone, `default` is harmless, and useless: it does not fill in for bytes of an older type.
#[test]
fn default_does_not_fill_in_a_missing_field() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Grown {
        id: u8,
        #[serde(default)]
        note: u8,
    }
    assert_eq!(check_round_trip(&Grown { id: 1, note: 0 }), Ok(()));
    for format in Format::ALL.iter().filter(|format| !format.is_named()) {
        let older = [1_u8];
        let error = format
            .decode::<Grown>(&older, DecodeLimits::default())
            .expect_err("there is no note");
        assert_eq!(error.to_string(), "the bytes end before the value does", "{format}");
    }
}

#[test]
fn one_sided_skips_are_caught() {
    let value = SkippedSerializing { secret: 1, count: 2 };
    caught(&value, "cannot be decoded again", "skip_serializing");
    let value = SkippedDeserializing { secret: 1, count: 2 };
    caught(&value, "cannot be decoded again", "skip_deserializing");
}

#[test]
fn skip_is_caught_when_the_value_is_not_the_default() {
    caught(&Skipped { cached: 7, count: 2 }, "arrives as", "skip");
    assert_eq!(check_round_trip(&Skipped { cached: 0, count: 2 }), Ok(()));
}

#[test]
fn adjacent_tags_are_caught() {
    let value = Adjacent {
        shape: AdjacentShape::Circle(3),
    };
    caught(&value, "cannot be decoded again", "tag");
}

#[test]
fn values_that_never_equal_themselves_are_caught() {
    caught(&f64::NAN, "arrives as NaN", "PartialEq");
}

#[test]
fn attributes_in_the_middle_of_a_value_are_caught() {
    caught(
        &vec![(1_u8, Some(Untagged::Number(1)))],
        "cannot be decoded again",
        "untagged",
    );
}

#[test]
fn ordinary_types_pass() {
    assert_eq!(check_round_trip(&(1_u8, "text".to_owned(), Some([1.5_f64; 3]))), Ok(()));
    assert_eq!(check_round_trip(&Ok::<_, String>(vec![('x', ())])), Ok(()));
}

#[track_caller]
fn caught<T>(value: &T, symptom: &str, cause: &str)
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let error = check_round_trip(value).expect_err("this type does not survive the wire");
    let text = error.to_string();
    assert!(text.contains(symptom), "{symptom:?} is not in {text:?}");
    assert!(text.contains(cause), "{cause:?} is not in {text:?}");
    assert!(text.contains(std::any::type_name::<T>()), "the type is not in {text:?}");
    assert!(
        text.contains(&Format::default().to_string()),
        "the format is not in {text:?}"
    );
}
