//! JSON that fits no type tells where, and every value that fits arrives as it was meant.

use std::error::Error;

use farcall::codec::Format;
use serde_json::{Value, json};

use crate::{
    program::farcall,
    service::{serve, services},
};

type Tested = Result<(), Box<dyn Error>>;

fn odd() -> Value {
    json!({
        "small": -128,
        "huge": "340282366920938463463374607431768211455",
        "deep": "-170141183460469231731687303715884105728",
        "ratio": 0.1,
        "letter": "ß",
        "nothing": null,
        "blob": "AAEC/w==",
        "by_number": { "1": true, "65535": false },
        "by_pair": [[[1, 2], "three"]],
        "perhaps": { "Some": null },
        "empty": { "Some": null },
        "pair": [1, "one"],
        "meters": 2.5,
    })
}

#[tokio::test]
async fn hard_values_come_back_as_they_were() -> Tested {
    let (_server, address) = serve(services()).await?;
    let mut others = odd();
    others["ratio"] = json!("NaN");
    others["huge"] = json!(3);
    others["deep"] = json!(-3);
    others["perhaps"] = json!({ "Some": 7 });
    others["empty"] = json!(null);
    let mut plain = others.clone();
    plain["meters"] = json!(2.0);
    plain["ratio"] = json!(1.0);
    plain["by_pair"] = json!([]);
    // Formats with names say what they cannot carry, and JSON can carry less than CBOR.
    let positional = [Format::Bincode, Format::Postcard];
    let cases = [
        (odd(), &positional[..]),
        (others, &[Format::Bincode, Format::Postcard, Format::Cbor]),
        (plain, Format::ALL),
    ];
    for (odd, formats) in cases {
        for format in formats {
            let arguments = json!({ "odd": odd }).to_string();
            let call = [
                "call",
                &address,
                "Inventory.odd",
                &arguments,
                "--format",
                &format.to_string(),
            ];
            let said: Value = serde_json::from_str(&farcall(call).await?.good())?;
            assert_eq!(said, odd, "{format}");
        }
    }
    let arguments = json!({ "odd": odd() }).to_string();
    let (status, text) = farcall(["call", &address, "Inventory.odd", &arguments, "--format", "json"])
        .await?
        .bad();
    assert_eq!(status, 13);
    assert!(
        text.contains("`odd.by_pair`") && text.contains("cbor, bincode and postcard can carry it"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn formats_with_names_leave_out_what_has_a_default() -> Tested {
    let (_server, address) = serve(services()).await?;
    for format in ["json", "cbor"] {
        let loose = r#"{"loose":{"value":"text"}}"#;
        let said = farcall(["call", &address, "Inventory.loose", loose, "--format", format])
            .await?
            .good();
        assert_eq!(said, "{\"value\":\"text\",\"count\":7}\n", "{format}");
        let loose = r#"{"loose":{"worth":5,"count":1}}"#;
        let said = farcall(["call", &address, "Inventory.loose", loose, "--format", format])
            .await?
            .good();
        assert_eq!(said, "{\"value\":5,\"count\":1}\n", "{format}");
    }
    assert_refused([
        (
            "loose",
            json!({ "loose": { "value": 1 } }),
            "loose.value: values of any type need a format with names: try",
        ),
        (
            "loose",
            json!({ "loose": { "value": 1, "cuont": 1 } }),
            "loose.cuont: no such field; expected value, count",
        ),
    ])
    .await
}

/// Makes calls that do not fit, and looks at what is said.
async fn assert_refused(cases: impl IntoIterator<Item = (&str, Value, &str)>) -> Tested {
    let (_server, address) = serve(services()).await?;
    for (method, arguments, expected) in cases {
        let call = ["call", &address, &format!("Inventory.{method}"), &arguments.to_string()];
        let (status, text) = farcall(call).await?.bad();
        assert_eq!(status, 2, "{text}");
        assert!(
            text.starts_with(&format!("error: {expected}")),
            "{text} is not\n{expected}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_found_at_its_place() -> Tested {
    let order = |items: Value| json!({ "order": { "number": 1, "items": items } });
    let fruit = |count: Value| json!([{ "kind": "Fruit", "count": 1 }, { "kind": "Fruit", "count": count }]);
    let cases = [
        (
            "order",
            order(json!([{ "kind": "Toy", "count": 1 }])),
            "order.items[0].kind: expected one of Fruit, Tool, Gift, Pair, found \"Toy\"",
        ),
        (
            "order",
            order(fruit(json!(300))),
            "order.items[1].count: 300 is out of range for u8 (0 to 255)",
        ),
        (
            "order",
            order(fruit(json!(-1))),
            "order.items[1].count: -1 is out of range for u8 (0 to 255)",
        ),
        (
            "order",
            order(fruit(json!(1.5))),
            "order.items[1].count: expected a whole number, found 1.5",
        ),
        (
            "order",
            order(fruit(json!(null))),
            "order.items[1].count: expected a whole number (u8), found null",
        ),
        (
            "order",
            order(json!([{ "kind": { "Tool": { "wight": 1 } }, "count": 1 }])),
            "order.items[0].kind.Tool.wight: no such field; expected weight",
        ),
        (
            "order",
            order(json!([{ "kind": { "Pair": [1] }, "count": 1 }])),
            "order.items[0].kind.Pair: expected an array of 2, found one of 1",
        ),
        (
            "order",
            order(json!([{ "kind": { "Fruit": 1 }, "count": 1 }])),
            "order.items[0].kind.Fruit: it has no content: write \"Fruit\"",
        ),
        (
            "order",
            order(json!({})),
            "order.items: expected an array, found an object",
        ),
        (
            "order",
            json!({ "order": 1 }),
            "order: expected an object with number, items, note, found 1",
        ),
        (
            "order",
            json!({}),
            "order: missing; expected an object with number, items, note",
        ),
        (
            "order",
            json!({ "oder": 1 }),
            "oder: no such argument; the method takes order",
        ),
        (
            "order",
            json!(1),
            "expected an object with the arguments, found 1; the method takes order",
        ),
        ("order", json!([1, 2]), "2 arguments were given; the method takes order"),
    ];
    assert_refused(cases).await
}

#[tokio::test]
async fn hard_values_that_do_not_fit_are_found_as_well() -> Tested {
    let changed = |name: &str, value: Value| {
        let mut odd = odd();
        odd[name] = value;
        json!({ "odd": odd })
    };
    let mut lacking = odd();
    lacking.as_object_mut().ok_or("an object")?.remove("letter");
    let cases = [
        (
            "odd",
            json!({ "odd": lacking }),
            "odd.letter: missing; expected one character",
        ),
        (
            "odd",
            changed("letter", json!("ab")),
            "odd.letter: expected one character, found \"ab\"",
        ),
        (
            "odd",
            changed("blob", json!("?")),
            "odd.blob: expected bytes as base64, found \"?\": ",
        ),
        (
            "odd",
            changed("by_number", json!({ "x": true })),
            "odd.by_number.x: expected a whole number (u16), found \"x\"",
        ),
        (
            "odd",
            changed("by_number", json!({ "1": 1 })),
            "odd.by_number.1: expected true or false, found 1",
        ),
        (
            "odd",
            changed("by_pair", json!({})),
            "odd.by_pair: the keys of this map are no text: write an array of [key, value] pairs",
        ),
        (
            "odd",
            changed("perhaps", json!(7)),
            "odd.perhaps: what is in this option may be null itself: write null for none, and {\"Some\": …} otherwise",
        ),
        (
            "odd",
            changed("huge", json!(1e30)),
            "odd.huge: expected a whole number, found 1e+30; write it without",
        ),
        (
            "odd",
            changed("huge", json!("-1")),
            "odd.huge: \"-1\" is out of range for u128",
        ),
        (
            "odd",
            changed("meters", json!("far")),
            "odd.meters: expected a number (f64), found \"far\"",
        ),
    ];
    assert_refused(cases).await
}
