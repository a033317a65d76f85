//! Fields and variants come and go by their names.

use farcall::codec::Format;
use serde::{Deserialize, Serialize};

use super::{NAMED, arrives};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    id: u64,
    name: String,
    dropped: Vec<Option<(u8, String)>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New {
    note: Option<String>,
    name: String,
    id: u64,
    #[serde(default)]
    tags: Vec<String>,
}

#[test]
fn fields_are_added_dropped_and_reordered() {
    for format in NAMED {
        let old = Old {
            id: 7,
            name: "apple".into(),
            dropped: vec![None, Some((1, "]}\"".into()))],
        };
        let new = New {
            note: None,
            name: "apple".into(),
            id: 7,
            tags: vec![],
        };
        assert_eq!(arrives(format, &old), Ok(new), "{format}");
    }
}

#[test]
fn a_field_that_must_be_there_is_named() {
    for format in NAMED {
        let error = arrives::<_, Vec<Old>>(format, &[("id", 1)].map(|_| Only { id: 1 })).expect_err("no name");
        assert_eq!(error, "`[0]`: missing field `name`", "{format}");
    }
}

#[derive(Serialize)]
struct Only {
    id: u64,
}

#[derive(Serialize)]
enum Sent {
    Added(u8),
    Circle { radius: u8, colour: &'static str },
    Empty,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Known {
    Empty,
    Circle { radius: u8 },
}

#[test]
fn variants_go_by_their_names() {
    for format in NAMED {
        let circle = Sent::Circle {
            radius: 3,
            colour: "red",
        };
        assert_eq!(arrives(format, &circle), Ok(Known::Circle { radius: 3 }), "{format}");
        assert_eq!(arrives(format, &Sent::Empty), Ok(Known::Empty), "{format}");
        let error = arrives::<_, Known>(format, &Sent::Added(1)).expect_err("it is not known");
        assert_eq!(
            error, "unknown variant `Added`, expected `Empty` or `Circle`",
            "{format}"
        );
    }
}

/// A struct that came as a sequence would be read by the order of its fields.
#[test]
fn a_sequence_is_no_struct_and_a_number_no_field() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(default)]
        id: u64,
    }
    for format in NAMED {
        assert!(arrives::<_, Row>(format, &(7_u64,)).is_err(), "{format}");
    }
    let numbered = std::collections::BTreeMap::from([(0_u8, 7_u64)]);
    assert!(arrives::<_, Row>(Format::Cbor, &numbered).is_err());
}

#[test]
fn integers_widen_and_do_not_wrap() {
    for format in NAMED {
        assert_eq!(arrives(format, &u32::MAX), Ok(u64::from(u32::MAX)), "{format}");
        assert_eq!(arrives(format, &-1_i8), Ok(-1_i64), "{format}");
        assert!(arrives::<_, u8>(format, &256_u32).is_err(), "{format}");
        assert!(arrives::<_, u32>(format, &-1_i32).is_err(), "{format}");
        assert!(arrives::<_, i64>(format, &u64::MAX).is_err(), "{format}");
        assert_eq!(arrives(format, &u64::MAX), Ok(u128::from(u64::MAX)), "{format}");
    }
}
