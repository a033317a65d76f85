//! What writers in other languages may write differently.

use std::collections::BTreeMap;

use farcall::codec::Format;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::decoded;

#[derive(Debug, PartialEq, Deserialize)]
struct Row<'a> {
    id: f64,
    name: std::borrow::Cow<'a, str>,
    blob: ByteBuf,
}

#[test]
fn json_with_spaces_and_escapes() {
    let text = " {\r\n\t\"blob\" : \"AAEC\" , \"n\\u0061me\" : \"\\ud83e\\udd80\" , \"id\": 100000000000000000000 } \n";
    let row = Row {
        id: 1e20,
        name: "🦀".into(),
        blob: ByteBuf::from([0, 1, 2]),
    };
    assert_eq!(decoded(Format::Json, text.as_bytes()), Ok(row));
    assert_eq!(decoded(Format::Json, b"\"AAECAw\""), Ok(ByteBuf::from([0, 1, 2, 3])));
    // Some writers escape more than they have to.
    assert_eq!(
        decoded(Format::Json, b"\"\\u002B49\\u002f\\/\""),
        Ok("+49//".to_owned())
    );
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\n\"",
        "\"\\ud800\"",
        "'a'",
        "NaN",
        "Infinity",
        "1e999",
        "[1]]",
        "1 1",
        "{\"a\":1}}",
        "tru",
        "[[[",
        "/**/1",
        "\u{feff}1",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
    ] {
        let ignored = decoded::<serde::de::IgnoredAny>(Format::Json, text.as_bytes());
        let seen = decoded::<serde_json::Value>(Format::Json, text.as_bytes());
        assert!(seen.is_err(), "{text:?} is {seen:?}");
        assert!(ignored.is_err() || text == "1e999", "{text:?}");
    }
    assert!(decoded::<String>(Format::Json, b"\"\xff\"").is_err());
    assert!(decoded::<String>(Format::Json, b"\"\\n\xff\"").is_err());
}

#[test]
fn errors_say_where() {
    let error = decoded::<Vec<u8>>(Format::Json, b"[1,2;3]").expect_err("a semicolon");
    assert_eq!(
        error,
        "this is not JSON: a comma or the end of an array or an object was expected at byte 4, and there is `;3]`"
    );
    let error = decoded::<BTreeMap<String, Vec<u8>>>(Format::Json, br#"{"a":[],"b":[1,"x"]}"#).expect_err("a string");
    assert_eq!(error, "`b[1]`: invalid type: string \"x\", expected u8");
}

#[test]
fn cbor_of_any_length_and_with_tags() {
    // A map, text and bytes of indefinite length; a half float; a tag.
    let bytes = [
        0xbf, 0x62, b'i', b'd', 0xf9, 0x3e, 0x00, 0x64, b'n', b'a', b'm', b'e', 0x7f, 0x61, b'a', 0x61, b'b', 0xff,
        0x64, b'b', b'l', b'o', b'b', 0xd8, 0x17, 0x5f, 0x41, 0x00, 0x41, 0x01, 0xff, 0xff,
    ];
    let row = Row {
        id: 1.5,
        name: "ab".into(),
        blob: ByteBuf::from([0, 1]),
    };
    assert_eq!(decoded(Format::Cbor, &bytes), Ok(row));
    assert_eq!(decoded(Format::Cbor, &[0xf7]), Ok(None::<u8>), "undefined");
    for wrong in [
        &[0xff_u8][..],
        &[0xf8, 0x20],
        &[0x9f, 0x01],
        &[0x1c],
        &[0xfc],
        &[0x5f, 0x61, b'a', 0xff],
    ] {
        assert!(decoded::<serde_json::Value>(Format::Cbor, wrong).is_err(), "{wrong:?}");
    }
}
