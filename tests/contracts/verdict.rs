//! What a change of a trait or its types breaks: for old clients, for old servers, in each kind of format.

use farcall::contract::{ContractChange, FormatKind};

/// Two versions of the service `Shop`.
macro_rules! change {
    ({ $($old:tt)* } => { $($new:tt)* }) => {{
        #[allow(dead_code, unreachable_pub, unused_imports, reason = "only the types are looked at")]
        mod old {
            use farcall::{Result, Streaming, channel::{Receiver, Sender}, stream::Stream};
            use serde::{Deserialize, Serialize};
            $($old)*
        }
        #[allow(dead_code, unreachable_pub, unused_imports, reason = "only the types are looked at")]
        mod new {
            use farcall::{Result, Streaming, channel::{Receiver, Sender}, stream::Stream};
            use serde::{Deserialize, Serialize};
            $($new)*
        }
        old::ShopClient::contract().change_to(&new::ShopClient::contract())
    }};
}

/// Two versions of one type, as an argument.
macro_rules! argument {
    ({ $($old:tt)* } => { $($new:tt)* }) => {
        change!({
            #[derive(Serialize, Deserialize)] $($old)*
            #[farcall::service]
            pub trait Shop { async fn put(&self, order: Order); }
        } => {
            #[derive(Serialize, Deserialize)] $($new)*
            #[farcall::service]
            pub trait Shop { async fn put(&self, order: Order); }
        })
    };
}

/// The types of one argument.
macro_rules! types {
    ($old:ty => $new:ty) => {
        change!({
            #[farcall::service]
            pub trait Shop { async fn put(&self, value: $old); }
        } => {
            #[farcall::service]
            pub trait Shop { async fn put(&self, value: $new); }
        })
    };
}

const BOTH: &str = "clients and servers";
const CLIENTS: &str = "clients";
const SERVERS: &str = "servers";
const NOBODY: &str = "nobody";

fn broken(change: &ContractChange, kind: FormatKind) -> &'static str {
    let impact = change.impact(kind);
    match (impact.breaks_old_clients(), impact.breaks_old_servers()) {
        (true, true) => BOTH,
        (true, false) => CLIENTS,
        (false, true) => SERVERS,
        (false, false) => NOBODY,
    }
}

/// It breaks everybody in formats without names, and in those with names as expected, with these notes.
#[track_caller]
fn assert_breaks(change: &ContractChange, expected: &str, notes: &[&str]) {
    assert_eq!(broken(change, FormatKind::Positional), BOTH, "{change}");
    assert_named(change, expected, notes);
}

#[track_caller]
fn assert_named(change: &ContractChange, expected: &str, notes: &[&str]) {
    for kind in [FormatKind::NamedBinary, FormatKind::NamedReadable] {
        assert_eq!(broken(change, kind), expected, "{kind}:\n{change}");
        let impact = change.impact(kind);
        let all = impact.old_clients.iter().chain(&impact.old_servers);
        let found: Vec<_> = all.map(ToString::to_string).collect();
        assert_eq!(found, notes, "{kind}:\n{change}");
    }
}

#[test]
fn fields_that_may_be_missing_come_and_go() {
    let added = argument!(
        { pub struct Order { id: u64 } } =>
        { pub struct Order { id: u64, note: Option<String>, #[serde(default)] count: u32 } }
    );
    assert_breaks(
        &added,
        NOBODY,
        &[
            "argument `order.note`: an old client does not have it, and a new server takes the default",
            "argument `order.count`: an old client does not have it, and a new server takes the default",
            "argument `order.note`: an old server does not have it and drops it",
            "argument `order.count`: an old server does not have it and drops it",
        ],
    );
    let needed = argument!({ pub struct Order { id: u64 } } => { pub struct Order { id: u64, count: u32 } });
    assert_breaks(
        &needed,
        CLIENTS,
        &[
            "argument `order.count`: an old client does not have it and a new server needs it",
            "argument `order.count`: an old server does not have it and drops it",
        ],
    );
    let removed = argument!({ pub struct Order { id: u64, count: u32 } } => { pub struct Order { id: u64 } });
    assert_breaks(
        &removed,
        SERVERS,
        &[
            "argument `order.count`: a new server does not have it and drops it",
            "argument `order.count`: a new client does not have it and an old server needs it",
        ],
    );
}

#[test]
fn the_order_of_fields_and_variants_does_not_matter_by_name() {
    let fields = argument!({ pub struct Order { a: u8, b: u16 } } => { pub struct Order { b: u16, a: u8 } });
    assert_breaks(&fields, NOBODY, &[]);
    let variants = argument!({ pub enum Order { A, B(u8) } } => { pub enum Order { B(u8), A } });
    assert_breaks(&variants, NOBODY, &[]);
}

#[test]
fn a_strict_struct_refuses_what_it_does_not_know() {
    let change = argument!(
        { #[serde(deny_unknown_fields)] pub struct Order { id: u64 } } =>
        { #[serde(deny_unknown_fields)] pub struct Order { id: u64, note: Option<u8> } }
    );
    assert_breaks(
        &change,
        SERVERS,
        &[
            "argument `order.note`: an old client does not have it, and a new server takes the default",
            "argument `order.note`: an old server does not have it and refuses unknown fields",
        ],
    );
}

#[test]
fn what_only_formats_with_names_see_harms_no_others() {
    let change = argument!(
        { pub struct Order { id: u64, #[serde(default)] count: u32 } } =>
        { #[serde(deny_unknown_fields)] pub struct Order { id: u64, count: u32 } }
    );
    assert!(!change.is_empty());
    assert_eq!(broken(&change, FormatKind::Positional), NOBODY);
    assert_named(
        &change,
        NOBODY,
        &[
            "argument `order.count`: a new server needs it: a `skip_serializing_if` of an old client would \
             make the value fail",
        ],
    );
    let text = change.to_string();
    assert!(
        text.contains("`put`: argument `order`: unknown fields are ignored before, unknown fields are refused now"),
        "{text}"
    );
    assert!(
        text.contains("`put`: argument `order.count`: it may be missing before, it is required now"),
        "{text}"
    );
}

#[test]
fn an_alias_makes_a_new_name_compatible_one_way() {
    let change = argument!(
        { pub struct Order { name: String } } => { pub struct Order { #[serde(alias = "name")] title: String } }
    );
    assert_breaks(
        &change,
        SERVERS,
        &[
            "argument `order.name`: a new client does not have it and an old server needs it",
            "argument `order.title`: an old server does not have it and drops it",
        ],
    );
}

#[test]
fn a_variant_that_is_not_known_fails_and_others_arrive() {
    let change = argument!({ pub enum Order { Fruit, Tool } } => { pub enum Order { Fruit, Toy(u8), Tool } });
    assert_breaks(
        &change,
        SERVERS,
        &["argument `order::Toy`: an old server does not have it: such a value fails"],
    );
    let other = argument!({ pub enum Order { Fruit } } => { pub enum Order { Tool } });
    assert_breaks(
        &other,
        BOTH,
        &[
            "argument `order`: the type is `Order { 0 Tool }` for a new server and `Order { 0 Fruit }` for an \
             old client",
            "argument `order`: the type is `Order { 0 Fruit }` for an old server and `Order { 0 Tool }` for a \
             new client",
        ],
    );
    let content = argument!({ pub enum Order { Fruit, Tool } } => { pub enum Order { Fruit, Tool(u8) } });
    assert_breaks(
        &content,
        BOTH,
        &[
            "argument `order::Tool`: it holds `(u8)` for a new server and nothing for an old client",
            "argument `order::Tool`: it holds nothing for an old server and `(u8)` for a new client",
        ],
    );
}

#[test]
fn integers_widen_and_some_narrow_values_fail() {
    assert_breaks(
        &types!(u32 => u64),
        SERVERS,
        &["argument `value`: it is `u32` for an old server and `u64` for a new client: numbers that do not fit fail"],
    );
    assert_breaks(
        &types!(u32 => i64),
        SERVERS,
        &["argument `value`: it is `u32` for an old server and `i64` for a new client: numbers that do not fit fail"],
    );
    assert_eq!(broken(&types!(u8 => i8), FormatKind::NamedBinary), BOTH);
}

#[test]
#[expect(clippy::option_option, reason = "users write it")]
fn options_take_values_and_values_do_not_take_none() {
    assert_breaks(
        &types!(String => Option<String>),
        SERVERS,
        &["argument `value`: an old server needs a value: `None` fails"],
    );
    // `null` would be `None` for one side and `Some(())` for the other.
    assert_eq!(broken(&types!(() => Option<()>), FormatKind::NamedReadable), BOTH);
    assert_eq!(
        broken(&types!(Option<u8> => Option<Option<u8>>), FormatKind::NamedReadable),
        BOTH
    );
}

#[test]
fn types_of_other_kinds_are_refused() {
    macro_rules! refused {
        ($($old:ty => $new:ty;)*) => {$(
            let change = types!($old => $new);
            for kind in FormatKind::ALL {
                assert_eq!(broken(&change, kind), BOTH, "{change}");
            }
        )*};
    }
    refused! {
        u32 => f64;
        f32 => f64;
        char => String;
        (u8, u8) => (u8, u8, u8);
        Vec<u16> => (u16, u16);
        String => Vec<String>;
        std::collections::HashMap<String, u8> => Vec<(String, u8)>;
        bool => u8;
    }
    let names = argument!({ pub struct Order(f64); } => { #[serde(rename = "Metres")] pub struct Order(f64); });
    assert_breaks(
        &names,
        BOTH,
        &[
            "argument `order`: the name is `Metres` for a new server and `Order` for an old client",
            "argument `order`: the name is `Order` for an old server and `Metres` for a new client",
        ],
    );
}

#[test]
fn bytes_are_no_sequence_by_name() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn put(&self, value: Vec<u8>); }
    } => {
        #[farcall::service]
        pub trait Shop { async fn put(&self, value: std::collections::VecDeque<u8>); }
    });
    assert_eq!(broken(&change, FormatKind::Positional), NOBODY, "{change}");
    assert_eq!(broken(&change, FormatKind::NamedBinary), BOTH, "{change}");
}

#[test]
fn a_newtype_is_what_is_in_it() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn put(&self, value: u64); }
    } => {
        #[derive(Serialize, Deserialize)]
        pub struct Id(u64);
        #[farcall::service]
        pub trait Shop { async fn put(&self, value: Id); }
    });
    assert_breaks(&change, NOBODY, &[]);
}

#[test]
fn what_cannot_be_seen_through_is_told() {
    let both = argument!(
        { #[serde(untagged)] pub enum Order { A(u8) } } => { #[serde(untagged)] pub enum Order { A(String) } }
    );
    assert!(both.is_empty(), "{both}");
    let with_more = argument!(
        { pub struct Order { of: Of } #[derive(Serialize, Deserialize)] #[serde(untagged)] pub enum Of { A(u8) } } =>
        { pub struct Order { of: Of, #[serde(default)] at: u8 }
          #[derive(Serialize, Deserialize)] #[serde(untagged)] pub enum Of { A(u8) } }
    );
    let note = "argument `order.of`: the type takes anything (`untagged`, `flatten`), so a change of it cannot be seen";
    assert_eq!(broken(&with_more, FormatKind::NamedBinary), NOBODY);
    assert!(with_more.to_string().contains(note), "{with_more}");
    let one = argument!(
        { pub struct Order { id: u8 } } =>
        { pub struct Order { id: u8, #[serde(flatten)] rest: Rest }
          #[derive(Serialize, Deserialize)] pub struct Rest { a: Option<u8> } }
    );
    assert_eq!(broken(&one, FormatKind::NamedReadable), BOTH, "{one}");
    assert!(one.to_string().contains("values may fail that cannot be told"), "{one}");
}

#[test]
fn arguments_are_a_map_in_which_only_options_may_be_missing() {
    let added = change!({
        #[farcall::service]
        pub trait Shop { async fn put(&self, sku: String); }
    } => {
        #[farcall::service]
        pub trait Shop { async fn put(&self, shelf: Option<u8>, sku: String); }
    });
    assert_breaks(
        &added,
        NOBODY,
        &[
            "argument `shelf`: an old client does not have it, and it is `None` for a new server",
            "argument `shelf`: an old server does not have it and drops it",
        ],
    );
    let needed = change!({
        #[farcall::service]
        pub trait Shop { async fn put(&self, sku: String); }
    } => {
        #[farcall::service]
        pub trait Shop { async fn put(&self, sku: String, count: u32); }
    });
    assert_breaks(
        &needed,
        CLIENTS,
        &[
            "argument `count`: an old client does not have it and a new server needs it: only an `Option` may \
             be missing",
            "argument `count`: an old server does not have it and drops it",
        ],
    );
}

#[test]
fn results_go_the_other_way() {
    let change = change!({
        #[derive(Serialize, Deserialize)]
        pub enum Kind { Fruit }
        #[farcall::service]
        pub trait Shop { async fn kind(&self) -> Result<Kind>; }
    } => {
        #[derive(Serialize, Deserialize)]
        pub enum Kind { Fruit, Toy }
        #[farcall::service]
        pub trait Shop { async fn kind(&self) -> Result<Kind>; }
    });
    assert_breaks(
        &change,
        CLIENTS,
        &["result `::Toy`: an old client does not have it: such a value fails"],
    );
}

#[test]
fn a_result_is_no_plain_value() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn count(&self) -> u8; }
    } => {
        #[farcall::service]
        pub trait Shop { async fn count(&self) -> Result<u8>; }
    });
    assert_breaks(
        &change,
        BOTH,
        &[
            "the result: it is a `Result` for one of an old client and a new server, and a plain value for the other",
            "the result: it is a `Result` for one of a new client and an old server, and a plain value for the other",
        ],
    );
}

#[test]
fn an_error_of_its_own_is_not_known_to_those_without() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn count(&self) -> Result<u8>; }
    } => {
        #[derive(Debug, Serialize, Deserialize)]
        pub enum Failed { Broken, Remote(farcall::Error) }
        impl From<farcall::Error> for Failed {
            fn from(error: farcall::Error) -> Self { Self::Remote(error) }
        }
        #[farcall::service]
        pub trait Shop { async fn count(&self) -> std::result::Result<u8, Failed>; }
    });
    assert_breaks(
        &change,
        CLIENTS,
        &[
            "the error: an old client does not know the error type of a new server: calls that end with it \
             fail to decode",
        ],
    );
}

#[test]
fn items_go_with_the_stream() {
    let change = change!({
        #[farcall::service]
        pub trait Shop {
            fn prices(&self) -> impl Stream<Item = u32>;
            async fn put(&self, from: Receiver<u32>, to: Sender<u32>);
        }
    } => {
        #[farcall::service]
        pub trait Shop {
            fn prices(&self) -> impl Stream<Item = u64>;
            async fn put(&self, from: Receiver<u64>, to: Sender<u64>);
        }
    });
    let fits = |reader: &str, writer: &str| {
        format!("it is `u32` for {reader} and `u64` for {writer}: numbers that do not fit fail")
    };
    let (client, server) = (
        fits("an old client", "a new server"),
        fits("an old server", "a new client"),
    );
    // The callee receives from one and sends to the other.
    assert_breaks(
        &change,
        BOTH,
        &[
            &format!("the result: {client}"),
            &format!("argument `to`: {client}"),
            &format!("argument `from`: {server}"),
        ],
    );
}

#[test]
fn methods_come_and_go() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn a(&self); async fn b(&self); }
    } => {
        #[farcall::service]
        pub trait Shop { async fn b(&self); async fn c(&self); }
    });
    assert_eq!(
        change.to_string(),
        "the contract of `Shop` has changed:\n  \
         method `a`: removed\n  \
         method `c`: added\n\
         bincode, postcard, CBOR, JSON: breaks old clients and old servers\n  \
         breaks: `a`: a new server lacks the method: calls of it fail as unimplemented\n  \
         breaks: `c`: an old server lacks the method: calls of it fail as unimplemented\n"
    );
}

#[test]
fn policies_break_nobody_and_are_shown() {
    let change = change!({
        #[farcall::service]
        pub trait Shop { async fn a(&self); }
    } => {
        #[farcall::service]
        pub trait Shop { #[rpc(idempotent, timeout = "2s")] async fn a(&self); }
    });
    assert_eq!(
        change.to_string(),
        "the contract of `Shop` has changed:\n  \
         `a`: `idempotent`: it was no and is yes\n  \
         `a`: `timeout`: it was none and is 2000 ms\n\
         bincode, postcard, CBOR, JSON: breaks nobody\n"
    );
}

#[test]
fn types_that_readable_formats_write_otherwise_are_compared_there() {
    let change = types!(std::net::Ipv4Addr => (u8, u8, u8, u8));
    assert_eq!(broken(&change, FormatKind::Positional), NOBODY, "{change}");
    assert_eq!(broken(&change, FormatKind::NamedBinary), NOBODY, "{change}");
    assert_eq!(broken(&change, FormatKind::NamedReadable), BOTH, "{change}");
}

#[test]
fn types_within_themselves_are_compared() {
    let change = argument!(
        { pub struct Order { next: Option<Box<Order>>, id: u32 } } =>
        { pub struct Order { next: Option<Box<Order>>, id: u64 } }
    );
    assert_breaks(
        &change,
        SERVERS,
        &[
            "argument `order.id`: it is `u32` for an old server and `u64` for a new client: numbers that do \
             not fit fail",
        ],
    );
    let other = argument!(
        { pub struct Order { next: Vec<Order> } } => { pub struct Order { next: Vec<Vec<Order>> } }
    );
    assert_eq!(broken(&other, FormatKind::NamedBinary), BOTH, "{other}");
}
