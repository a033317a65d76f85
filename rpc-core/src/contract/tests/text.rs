//! Contracts as text, and back.

use proptest::prelude::*;

use super::random::nodes_of;
use crate::contract::{
    Contract, Field, FormatKind, InvalidContract, MethodContract, Node, Policy, Primitive, Shape,
    signature::{heads, library_error},
};

/// Names that are easily taken for something else.
const NAMES: &[&str] = &[
    "a",
    "b",
    "Self",
    "Result",
    "Option",
    "Receiver",
    "opaque",
    "client",
    "refused",
    "string",
    "any",
    "in",
    "fn",
    "",
    " ",
    "a b",
    "a-b",
    "a-",
    "2d",
    "x#2",
    "\"",
    "\\",
    "line\nbreak",
    "größe",
    "a.b",
    "//",
    "farcall::Error",
    "\u{202e}",
];

prop_compose! {
    fn methods()(
        nodes in prop::collection::vec(nodes_of(NAMES, 2..10), 8),
        arguments in prop::collection::vec((prop::sample::select(NAMES), 2_u32..10), 0..3),
        (result, error) in (2_u32..10, prop_oneof![Just(None), Just(Some(10)), (2_u32..10).prop_map(Some)]),
    ) -> Shape {
        let arguments = arguments.iter().map(|(name, shape)| Field::required(name, *shape)).collect();
        let mut all = Vec::from(heads(arguments, result, error));
        all.extend(nodes);
        all.push(library_error());
        Shape::try_from(all).expect("all parts are there")
    }
}

fn contract(service: &str, types: Vec<(Shape, Shape)>, policy: &Policy) -> Contract {
    let methods = types.into_iter().enumerate().map(|(index, (types, readable))| {
        let name = format!("{service}{index}");
        MethodContract::new(&name, policy.clone(), types, readable)
    });
    Contract::new(service, methods.collect())
}

proptest! {
    #[test]
    fn every_contract_survives_its_text(
        service in prop::sample::select(NAMES),
        types in prop::collection::vec((methods(), prop::option::of(methods())), 0..4),
        (idempotent, timeout_ms) in (any::<bool>(), any::<Option<u64>>()),
    ) {
        let policy = Policy { idempotent, timeout_ms, ..Policy::default() };
        let types = types.into_iter().map(|(types, readable)| (types.clone(), readable.unwrap_or(types)));
        let contract = contract(service, types.collect(), &policy);
        let text = contract.to_string();
        let parsed: Contract = text.parse().map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&parsed, &contract);
        for (method, other) in parsed.methods().iter().zip(contract.methods()) {
            prop_assert_eq!(method.policy(), other.policy());
            for kind in FormatKind::ALL {
                prop_assert_eq!(method.fingerprint_in(kind), other.fingerprint_in(kind), "{}", text);
            }
        }
        prop_assert_eq!(parsed.to_string(), text);
        prop_assert!(contract.change_to(&parsed).is_empty());
    }

    /// What is cut, repeated or replaced anywhere gives an error with a line of the text, or another contract.
    #[test]
    fn garbled_text_is_no_reason_to_panic(
        types in prop::collection::vec(methods(), 1..3),
        from in 0_usize..2000,
        length in 0_usize..40,
        with in prop_oneof![
            "[a-z#\\[\\](){}<>|?:;,\"\\\\ \n0-9-]{0,12}",
            Just("(u8; 99999999999)".to_owned()),
            Just("#[deny_unknown_fields]".to_owned()),
            any::<String>(),
        ],
    ) {
        let types = types.into_iter().map(|types| (types.clone(), types)).collect();
        let text = contract("S", types, &Policy::default()).to_string();
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (from, to) = (boundary(from), boundary(from + length));
        let garbled = format!("{}{with}{}", &text[..from], &text[to.max(from)..]);
        let lines = garbled.lines().count().max(1);
        match garbled.parse::<Contract>() {
            Ok(parsed) => prop_assert_eq!(&parsed.to_string().parse::<Contract>().expect("it is one"), &parsed),
            Err(error) => prop_assert!((1..=lines).contains(&error.line()), "{}", error),
        }
    }
}

fn error(text: &str) -> String {
    text.parse::<Contract>()
        .map(|contract| contract.to_string())
        .map_err(|error: InvalidContract| error.to_string())
        .expect_err("it is garbled")
}

#[test]
fn errors_name_the_line_and_what_is_wrong_there() {
    for (text, expected) in [
        ("", "line 1: expected `service`, found the end"),
        ("service", "line 1: expected a name, found the end"),
        ("service S\nfn f(a u8)", "line 2: expected `:`, found `u8`"),
        (
            "service S\n\nfn f() -> Order",
            "line 3: the type `Order` is defined nowhere",
        ),
        (
            "service S\nfn f() -> Order\nfn f()",
            "line 3: there are two methods `f`",
        ),
        ("service S\nfn f() -> (u8)", "line 2: expected `,`, found `)`"),
        ("service S\nstruct A\nstruct A", "line 3: the type `A` is defined twice"),
        (
            "service S\nenum A { 0 B, 2 C }",
            "line 2: variant 2 stands in the place of variant 1",
        ),
        (
            "service S\ntype A = B",
            "line 2: a `type` is not just the name of another one",
        ),
        (
            "service S\nfn f() -> \"x",
            "line 2: the quotes of the name do not end in this line",
        ),
        (
            "service S\nfn f() -> \"\\q\"",
            "line 2: an unknown escape in a name; there are \\n \\r \\t \\0 \\\\ \\\" \\' \\u{...}",
        ),
        (
            "service S\nfn f() -> (u8; 99999999)",
            "line 2: the types have too many parts",
        ),
        (
            "service S\nfn f() -> (u8; 99999999999999999999)",
            "line 2: the number is too large",
        ),
        (
            "service S\n#[rpc(timeout = \"soon\")]\nfn f()",
            "line 2: expected a time such as \"5000 ms\", found \"soon\"",
        ),
        (
            "service S\n#[rpc(often)]\nfn f()",
            "line 2: expected `idempotent`, `oneway`, `detached` or `timeout`, found `often`",
        ),
        (
            "service S\n#[deny_unknown_fields]\nfn f()",
            "line 3: `#[deny_unknown_fields]` belongs before a struct",
        ),
        (
            "service S\nin readable formats\nfn f()",
            "line 3: there is no method `f` above",
        ),
        (
            "service S\nwhat",
            "line 2: expected `fn`, `struct`, `enum` or `type`, found `what`",
        ),
        ("service S\nfn f() -> fn", "line 2: expected a type, found `fn`"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    let deep = format!("service S\nfn f() -> {}u8", "[".repeat(100_000));
    assert_eq!(
        error(&deep),
        "line 2: types are written more than 128 deep within each other"
    );
    let methods: Vec<_> = (0..200).map(|index| format!("fn f{index}() -> A\n")).collect();
    let many = format!("service S\n{}struct A(u8; 30000)", methods.concat());
    assert_eq!(error(&many), "line 141: the types of all methods are too large");
}

#[test]
fn text_may_be_written_by_hand() {
    let by_hand: Contract = "// The shop.\r\nservice Shop fn buy(order: Order,) -> Result<u32>\r\n\
        struct Order { id: u64, note?: Option<string>, }"
        .parse()
        .expect("it is a contract");
    assert_eq!(
        by_hand.to_string(),
        "service Shop\nfn buy(order: Order) -> Result<u32>\n\
         struct Order {\n    id: u64,\n    note?: Option<string>,\n}\n"
    );
}

#[test]
fn what_nests_deep_gets_a_name_of_its_own() {
    let chain = (1..8000).map(|id| Node::Option(id + 2));
    let mut nodes = Vec::from(heads(Vec::new(), 2, None));
    nodes.extend(chain);
    nodes.push(Node::Primitive(Primitive::U8));
    let types = Shape::try_from(nodes).expect("it is as large as may be");
    let contract = contract("S", vec![(types.clone(), types)], &Policy::default());
    let text = contract.to_string();
    assert!(text.contains("type Self#3 = Option<"), "{text}");
    assert_eq!(text.parse::<Contract>().expect("it is a contract"), contract);
}
