//! Values on their way from Rust to JSON and back, and contracts of hostile servers.

use std::{collections::BTreeMap, future::poll_fn, task::Poll};

use farcall::{
    codec::{Codec, CodecError, DecodeLimits, Format},
    contract::{FormatKind, MethodContract},
};
use futures::FutureExt;
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Came, Decoding, Types, Writing};

/// The types of a method with these nodes behind its own two: one argument of the first of them, which is the result as
/// well.
fn types(nodes: &Value, kind: FormatKind) -> &'static Types {
    let field = |name: &str, shape: u32| json!({ "name": name, "shape": shape });
    let fields = |list: Value| json!({ "struct": ["", { "list": list }] });
    let mut all = vec![
        fields(json!([field("arguments", 1), field("result", 2)])),
        fields(json!([field("value", 2)])),
    ];
    all.extend(nodes.as_array().cloned().unwrap_or_default());
    let method = json!({ "name": "method", "policy": {}, "types": all });
    let contract: MethodContract = serde_json::from_value(method).expect("a contract");
    Types::leaked(&contract, kind).expect("the types of a method")
}

/// What comes out of these bytes.
async fn read(types: &'static Types, bytes: &[u8]) -> Result<Came, CodecError> {
    let decode = || Format::Bincode.decode::<Came>(bytes, DecodeLimits::default());
    Decoding::new(types, types.result, poll_fn(|_| Poll::Ready(decode()))).await
}

fn written(types: &'static Types, value: &Value) -> Result<Vec<u8>, String> {
    let arguments = Writing::new(types).arguments(&json!({ "value": value }));
    let arguments = arguments.map_err(|wrong| wrong.to_string())?;
    let mut bytes = Vec::new();
    let encoded = Format::Bincode.encode(&arguments.values, &mut bytes);
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_type_that_is_nothing_but_itself_has_no_value() {
    for nodes in [
        json!([{ "newtype": ["N", 2] }]),
        json!([{ "option": 2 }]),
        json!([{ "tuple": [2] }]),
    ] {
        let types = types(&nodes, FormatKind::Positional);
        let nested = (0..100).fold(json!(1), |inside, _| json!([inside]));
        assert!(written(types, &nested).is_err());
        let error = read(types, &[1; 1000]).await.expect_err("it never ends").to_string();
        assert!(error.contains("max_depth"), "{error}");
    }
}

#[tokio::test]
async fn values_without_bytes_are_counted() {
    // Each tuple has the next one 64 times: together they have 64 to the power of 8 parts.
    let tuple = |of: u32| json!({ "tuple": vec![of; 64] });
    let nodes: Vec<_> = (3..11).map(tuple).chain([json!({ "primitive": "unit" })]).collect();
    let types = types(&nodes.into(), FormatKind::Positional);
    let error = read(types, &[]).await.expect_err("there are too many").to_string();
    assert!(
        error.contains("structs and tuples, the limit of this program"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_opaque_is_written_by_names_only() {
    let opaque = || json!([{ "opaque": "Secret" }]);
    let error = written(types(&opaque(), FormatKind::Positional), &json!(1)).expect_err("unknown");
    assert!(
        error.starts_with("value: the contract does not know what is in a `Secret`"),
        "{error}"
    );
    let error = read(types(&opaque(), FormatKind::Positional), &[1])
        .await
        .expect_err("unknown");
    assert!(error.to_string().contains("`Secret`"), "{error}");
    assert_eq!(
        written(types(&opaque(), FormatKind::NamedReadable), &json!(true)),
        Ok(vec![1])
    );
}

#[tokio::test]
async fn no_variant_and_no_field_is_taken_for_another() {
    let nodes = json!([{ "enum": ["E", [{ "name": "A", "content": "unit" }, { "name": "B", "content": "refused" }]] }]);
    let types = types(&nodes, FormatKind::Positional);
    assert_eq!(read(types, &[0]).await, Ok(Came(json!("A"))));
    for (bytes, expected) in [
        (&[2][..], "a variant came that the contract lacks"),
        (&[1], "`B` is of another system"),
    ] {
        let error = read(types, bytes).await.expect_err("no value").to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(written(types, &json!("A")), Ok(vec![0]));
    assert_eq!(
        written(types, &json!("C")),
        Err("value: expected one of A, B, found \"C\"".to_owned())
    );
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::option_option, reason = "JSON has one null")]
struct Rich {
    integers: (i8, i16, i32, i64, i128),
    naturals: (u8, u16, u32, u64, u128),
    floats: (f32, f64),
    text: (char, String),
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
    list: Vec<Choice>,
    by_number: BTreeMap<i16, Option<bool>>,
    by_letter: BTreeMap<char, Wrapped>,
    by_pair: BTreeMap<(u8, bool), char>,
    nullable: (Option<Option<u8>>, Option<()>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wrapped(u64);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(Option<Box<Choice>>),
    Two(u8, String),
    Named { left: bool, right: Vec<f32> },
}

#[farcall::service]
trait Echo {
    async fn echo(&self, value: Rich) -> farcall::Result<Rich>;
}

fn choice() -> impl Strategy<Value = Choice> {
    let leaf = prop_oneof![
        Just(Choice::Nothing),
        any::<(u8, String)>().prop_map(|(number, text)| Choice::Two(number, text)),
        any::<(bool, Vec<f32>)>().prop_map(|(left, right)| Choice::Named { left, right }),
    ];
    leaf.prop_recursive(3, 8, 1, |inside| {
        option::of(inside.prop_map(Box::new)).prop_map(Choice::One)
    })
}

fn rich() -> impl Strategy<Value = Rich> {
    let maps = (
        any::<BTreeMap<i16, Option<bool>>>(),
        collection::btree_map(any::<char>(), any::<u64>().prop_map(Wrapped), 0..4),
        any::<BTreeMap<(u8, bool), char>>(),
    );
    let list = collection::vec(choice(), 0..4);
    let plain = (
        any::<(char, String)>(),
        any::<Vec<u8>>(),
        any::<(Option<Option<u8>>, Option<()>)>(),
    );
    (
        any::<(i8, i16, i32, i64, i128)>(),
        any::<(u8, u16, u32, u64, u128)>(),
        any::<(f32, f64)>(),
        plain,
        list,
        maps,
    )
        .prop_map(
            |(integers, naturals, floats, (text, blob, nullable), list, (by_number, by_letter, by_pair))| Rich {
                integers,
                naturals,
                floats,
                text,
                blob,
                list,
                by_number,
                by_letter,
                by_pair,
                nullable,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What came as JSON goes out as the bytes that a Rust client would have sent, in every format that carries it.
    #[test]
    fn json_means_the_value_that_it_came_from(value in rich()) {
        let contract = EchoClient::contract();
        let method = contract.method("echo").expect("the trait has it");
        let mut carried = 0;
        for &format in Format::ALL {
            let types = Types::leaked(method, FormatKind::of(format)).expect("the types of a method");
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            if format.encode(&value, &mut bytes).is_err() {
                continue;
            }
            let decode = || format.decode::<Came>(&bytes, DecodeLimits::default());
            let decoding = Decoding::new(types, types.result, poll_fn(|_| Poll::Ready(decode())));
            let Came(json) = decoding.now_or_never().expect("it is ready").expect("the contract is its own");
            let text = json!({ "value": json }).to_string();
            let parsed = serde_json::from_str(&text).expect("JSON");
            let arguments = Writing::new(types).arguments(&parsed).expect("it came from there");
            bytes.clear();
            format.encode(&arguments.values, &mut bytes).expect("it came from there");
            format.encode(&(&value,), &mut expected).expect("it was encoded above");
            prop_assert_eq!(&bytes, &expected, "{} in {}", text, format);
            carried += 1;
        }
        prop_assert!(carried >= 2, "bincode and postcard carry everything");
    }
}
