//! No value arrives as another one: what a format cannot carry is refused where it is written.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use farcall::codec::Format;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{NAMED, decoded, encoded, json, refused, survives};

#[test]
fn integers_of_every_width() {
    survives(&(u64::MAX, i64::MIN, u128::MAX, i128::MIN, i128::MAX));
    survives(&[
        0,
        1,
        -1,
        i128::from(u64::MAX),
        -i128::from(u64::MAX) - 1,
        -i128::from(u64::MAX) - 2,
    ]);
    assert_eq!(json(&u128::MAX), "340282366920938463463374607431768211455");
}

#[test]
fn floats_that_are_no_numbers() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(Format::Json, &vec![1.0, value], &["JSON has no", "cbor", "`[1]`"]);
        refused(Format::Json, &(value as f32), &["JSON has no", "bincode"]);
        let bytes = encoded(Format::Cbor, &(value, value as f32)).expect("CBOR carries it");
        let (wide, narrow): (f64, f32) = decoded(Format::Cbor, &bytes).expect("and reads it");
        assert_eq!((wide.is_nan(), narrow.is_nan()), (value.is_nan(), value.is_nan()));
        assert!(value.is_nan() || (wide, narrow) == (value, value as f32));
    }
    assert!(decoded::<f32>(Format::Json, b"1e39").is_err(), "it is no infinity");
    assert!(decoded::<f32>(Format::Json, b"null").is_err(), "it is no NaN");
}

#[test]
fn floats_keep_their_bits() {
    survives(&(0.1_f32, f32::MIN_POSITIVE, f32::MAX, 16_777_217_f32));
    survives(&(
        0.1_f64,
        f64::MIN_POSITIVE,
        f64::MAX,
        5e-324,
        1e21,
        9_007_199_254_740_993_f64,
    ));
    for format in NAMED {
        let bytes = encoded(format, &-0.0_f64).expect("it has an encoding");
        assert!(decoded::<f64>(format, &bytes).expect("and is read").is_sign_negative());
    }
}

#[test]
fn nothing_inside_an_option() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapper(Option<u8>);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        inner: Option<u8>,
    }
    for format in NAMED {
        refused(format, &Some(None::<u8>), &["arrive as `None`", "bincode"]);
        refused(format, &Some(()), &["arrive as `None`", "postcard"]);
        refused(format, &[Some(Unit)], &["`[0]`"]);
        refused(format, &Some(Wrapper(None)), &["arrive as `None`"]);
        refused(format, &Some(Some(Some(None::<u8>))), &["arrive as `None`"]);
    }
    survives(&(None::<Option<u8>>, Some(Some(1_u8)), (), Unit, Wrapper(None)));
    survives(&(
        Some(Fields { inner: None }),
        Some(vec![None::<u8>]),
        Ok::<_, ()>(None::<u8>),
    ));
    survives(&(Some(Ok::<(), u8>(())), Err::<u8, ()>(()), Some([(); 2])));
}

#[test]
fn keys_that_are_not_text() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Colour {
        Red,
        Other(u8),
    }
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Id(i64);
    survives(&BTreeMap::from([(u64::MAX, 1), (0, 2)]));
    survives(&BTreeMap::from([(i128::MIN, 1), (i128::MAX, 2)]));
    survives(&BTreeMap::from([(Id(-1), 'x'), (Id(1), 'y')]));
    survives(&BTreeMap::from([(true, 1), (false, 2)]));
    survives(&BTreeMap::from([('"', 1), ('ü', 2)]));
    survives(&BTreeMap::from([(Colour::Red, 1)]));
    survives(&HashMap::from([(IpAddr::from([127, 0, 0, 1]), 1)]));
    assert_eq!(json(&BTreeMap::from([(Id(-1), 'x')])), r#"{"-1":"x"}"#);
    let pairs = BTreeMap::from([((1, 2), 3)]);
    refused(Format::Json, &pairs, &["only text", "cbor", "sequence of pairs"]);
    refused(Format::Json, &BTreeMap::from([(Some(1), 3)]), &["only text"]);
    refused(Format::Json, &BTreeMap::from([(ByteBuf::from([1]), 3)]), &["only text"]);
    refused(Format::Json, &BTreeMap::from([(Colour::Other(1), 3)]), &["only text"]);
    refused(Format::Json, &BTreeMap::from([((), 3)]), &["only text"]);
    for written in [
        encoded(Format::Cbor, &pairs),
        encoded(Format::Cbor, &BTreeMap::from([(Some(1), 3)])),
    ] {
        assert!(written.is_ok());
    }
    let bytes = encoded(Format::Cbor, &pairs).expect("CBOR carries it");
    assert_eq!(decoded(Format::Cbor, &bytes), Ok(pairs));
}

#[test]
fn bytes_and_text() {
    survives(&(
        ByteBuf::new(),
        ByteBuf::from([0, 255]),
        "AAEC".to_owned(),
        String::new(),
    ));
    assert_eq!(
        json(&ByteBuf::from(b"bytes")),
        r#""\u0059nl0ZXM=""#,
        "base64 with a mark"
    );
    assert_eq!(json(&vec![1_u8, 2]), "[1,2]", "a sequence stays one");
    assert!(decoded::<ByteBuf>(Format::Json, b"\"not base64\"").is_err());
    for format in NAMED {
        // Text is not taken for its bytes, and bytes not for a sequence.
        let text = encoded(format, "?text?").expect("it has an encoding");
        assert!(decoded::<ByteBuf>(format, &text).is_err(), "{format}");
        let bytes = encoded(format, &ByteBuf::from([1])).expect("it has an encoding");
        assert!(decoded::<Vec<u8>>(format, &bytes).is_err(), "{format}");
    }
    for format in NAMED {
        let bytes = encoded(format, &ByteBuf::from(b"text")).expect("it has an encoding");
        let error = decoded::<String>(format, &bytes).expect_err("it is no text");
        assert_eq!(error, "invalid type: bytes, expected a string", "{format}");
        let bytes = encoded(format, &ByteBuf::from([0xff, 0xff])).expect("it has an encoding");
        assert!(decoded::<String>(format, &bytes).is_err(), "{format}");
    }
}

#[test]
fn borrowed_text() {
    for format in NAMED {
        let plain = encoded(format, "plain").expect("it has an encoding");
        assert_eq!(decoded::<&str>(format, &plain), Ok("plain"));
        let escaped = encoded(format, "a\nb").expect("it has an encoding");
        assert_eq!(decoded::<String>(format, &escaped), Ok("a\nb".into()));
        assert_eq!(decoded::<Cow<'_, str>>(format, &escaped), Ok("a\nb".into()));
    }
    let escaped = encoded(Format::Json, "a\nb").expect("it has an encoding");
    let error = decoded::<&str>(Format::Json, &escaped).expect_err("it stands nowhere as it is");
    assert!(error.contains("the text has escapes"), "{error}");
    let bytes = encoded(Format::Cbor, &ByteBuf::from([7; 9])).expect("it has an encoding");
    assert_eq!(decoded::<&[u8]>(Format::Cbor, &bytes), Ok(&[7; 9][..]));
}

/// `flatten` and tags keep what they read for later, with no place for these.
#[test]
fn wide_integers_behind_a_tag_are_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Wide { number: u128 },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Narrow(u64),
        Float(f64),
    }
    for format in NAMED {
        for number in [7, u128::MAX] {
            let bytes = encoded(format, &Tagged::Wide { number }).expect("it has an encoding");
            let error = decoded::<Tagged>(format, &bytes).expect_err("it cannot be read");
            assert!(
                number == 7 || error.contains("340282366920938463463374607431768211455"),
                "{error}"
            );
            assert!(number > 7 || error.contains("64 bits"), "{error}");
        }
        let wide = encoded(format, &(1_u128 << 64)).expect("it has an encoding");
        assert!(decoded::<Either>(format, &wide).is_err(), "it is no float");
    }
}

#[test]
fn lengths_that_lie() {
    struct Liar;
    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq;
            let mut seq = serializer.serialize_seq(Some(2))?;
            seq.serialize_element(&1)?;
            seq.end()
        }
    }
    refused(Format::Cbor, &Liar, &["another length"]);
}

#[test]
fn tuples_have_their_length() {
    for format in NAMED {
        let bytes = encoded(format, &[1, 2, 3]).expect("it has an encoding");
        assert!(decoded::<(u8, u8)>(format, &bytes).is_err(), "{format}");
        assert!(decoded::<[u8; 4]>(format, &bytes).is_err(), "{format}");
    }
}

proptest! {
    #[test]
    fn every_float_and_text_survives(wide in any::<u64>(), narrow in any::<u32>(), text in ".*") {
        let (wide, narrow) = (f64::from_bits(wide), f32::from_bits(narrow));
        for format in NAMED {
            if format == Format::Cbor || wide.is_finite() && narrow.is_finite() {
                let bytes = encoded(format, &(wide, narrow, &text)).expect("it has an encoding");
                let (a, b, c): (f64, f32, String) = decoded(format, &bytes).expect("it is read");
                prop_assert!(a.to_bits() == wide.to_bits() || a.is_nan() && wide.is_nan());
                prop_assert!(b.to_bits() == narrow.to_bits() || b.is_nan() && narrow.is_nan());
                prop_assert_eq!(c, text.as_str());
            }
        }
    }

    #[test]
    fn json_is_what_serde_json_reads_and_writes(value in json_value()) {
        let bytes = encoded(Format::Json, &value).expect("it has an encoding");
        prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(&bytes).expect("it is JSON"), &value);
        let theirs = serde_json::to_string_pretty(&value).expect("it has an encoding");
        prop_assert_eq!(decoded::<serde_json::Value>(Format::Json, theirs.as_bytes()), Ok(value.clone()));
        let bytes = encoded(Format::Cbor, &value).expect("it has an encoding");
        prop_assert_eq!(decoded::<serde_json::Value>(Format::Cbor, &bytes), Ok(value));
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}
