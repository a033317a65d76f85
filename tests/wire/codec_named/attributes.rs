//! Every attribute of serde works.

use std::collections::BTreeMap;

use farcall::codec::{Format, check_round_trip_in};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{arrives, json, survives};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Nothing,
    Flag(bool),
    Number(i64),
    Float(f64),
    Pair(u8, String),
    Text(String),
    Fields { width: u32, inner: Option<Box<Untagged>> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Empty,
    Blob { data: ByteBuf, text: String },
    Row(Row),
    Deep { list: Vec<Internal> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "kebab-case")]
enum Adjacent {
    Empty,
    OneValue(ByteBuf),
    Two(u8, f32),
    Fields { at: [i16; 2] },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    row: Row,
    #[serde(flatten)]
    rest: BTreeMap<String, f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FlatEnum {
    id: i64,
    #[serde(flatten)]
    kind: Internal,
}

fn row(note: Option<&str>) -> Row {
    Row {
        number: u64::MAX,
        note: note.map(Into::into),
        blob: vec![0, 1, 255],
    }
}

#[test]
fn untagged() {
    for value in [
        Untagged::Nothing,
        Untagged::Flag(true),
        Untagged::Number(i64::MIN),
        Untagged::Float(1e300),
        Untagged::Float(3.0),
        Untagged::Pair(7, "seven".into()),
        Untagged::Text("AAEC".into()),
        Untagged::Text("a \"quoted\" \\ text\n".into()),
        Untagged::Fields {
            width: 1,
            inner: Some(Box::new(Untagged::Number(2))),
        },
    ] {
        survives(&value);
    }
}

#[test]
fn untagged_bytes() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Bytes {
        Number(u8),
        Blob(ByteBuf),
    }
    survives(&[Bytes::Blob(ByteBuf::from([0, 1, 2])), Bytes::Number(7)]);
}

/// serde's texts accept bytes and its bytes accept text. Of two variants that accept a value, `untagged` takes the
/// first one in every format, and the check finds that.
#[test]
fn untagged_with_text_and_bytes_is_found() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Blob(ByteBuf),
        Text(String),
    }
    for format in super::NAMED {
        let found = check_round_trip_in(format, &Either::Text("AAEC".into()));
        assert!(
            found.is_err_and(|error| error.to_string().contains("arrives as Blob")),
            "{format}"
        );
    }
}

/// In JSON bytes look like text to a type that judges by what it finds; they must not arrive as that text.
#[test]
fn tags() {
    for value in [
        Internal::Empty,
        Internal::Row(row(None)),
        Internal::Blob {
            data: ByteBuf::from(b"bytes"),
            text: "Ynl0ZXM=".into(),
        },
        Internal::Blob {
            data: ByteBuf::new(),
            text: String::new(),
        },
        Internal::Deep {
            list: vec![Internal::Empty, Internal::Row(row(Some("x")))],
        },
    ] {
        survives(&value);
    }
    for value in [
        Adjacent::Empty,
        Adjacent::OneValue(ByteBuf::from([9; 100])),
        Adjacent::Two(1, 0.1),
        Adjacent::Fields { at: [-1, 1] },
    ] {
        survives(&value);
    }
    assert_eq!(json(&Adjacent::Two(1, 0.1)), r#"{"kind":"two","body":[1,0.1]}"#);
}

#[test]
fn flatten() {
    for note in [None, Some("größe")] {
        let value = Flat {
            row: row(note),
            rest: BTreeMap::from([("height".into(), 0.1), ("width".into(), f32::MAX)]),
        };
        survives(&value);
        survives(&FlatEnum {
            id: i64::MIN,
            kind: Internal::Row(row(note)),
        });
    }
}

#[test]
fn skipping() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Skipping {
        count: u8,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<u8>,
        #[serde(skip)]
        cached: u8,
    }
    let empty = Skipping {
        count: 3,
        ..Skipping::default()
    };
    assert_eq!(json(&empty), r#"{"count":3}"#);
    survives(&empty);
    survives(&Skipping {
        tags: vec!["x".into()],
        note: Some(1),
        ..empty
    });
}

#[test]
fn renaming() {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct New {
        unit_price: u8,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Old {
        #[serde(alias = "unitPrice")]
        price: u8,
    }
    for format in super::NAMED {
        assert_eq!(
            arrives(format, &New { unit_price: 3 }),
            Ok(Old { price: 3 }),
            "{format}"
        );
    }
    assert_eq!(
        arrives::<_, Old>(Format::Json, &New { unit_price: 3 }),
        Ok(Old { price: 3 })
    );
}
