//! A type in two builds: what changed, and what a person reads of it.

use serde::Deserialize;

use super::{super::Change, Difference, differences, sentences, shape};

/// Two versions of a module with types, of which `$root` is compared.
macro_rules! drift {
    ($root:ty, { $($here:tt)* } => { $($there:tt)* }, [$($sentence:expr),* $(,)?]) => {{
        mod here {
            use std::collections::HashMap;
            use serde::Deserialize;
            $($here)*
            pub(super) type Root = $root;
        }
        mod there {
            use std::collections::HashMap;
            use serde::Deserialize;
            $($there)*
            pub(super) type Root = $root;
        }
        let expected: &[&str] = &[$($sentence),*];
        assert_eq!(sentences::<here::Root, there::Root>(), expected);
    }};
}

#[test]
fn variants_that_moved_are_found() {
    drift!(Vec<Kind>,
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool } } =>
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Toy, Tool } },
        ["`[]::Toy`: only the other side has it (number 1 of 3)"]
    );
    drift!(Kind,
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool(u8) } } =>
        { #[derive(Deserialize)] pub(super) enum Kind { Tool(u8), Fruit } },
        ["the value: the order is Fruit, Tool on this side and Tool, Fruit on the other side"]
    );
    drift!(Kind,
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool(u8), Toy } } =>
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Toy } },
        ["`::Tool`: only this side has it (number 1 of 3, u8)"]
    );
    drift!(Kind,
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool } } =>
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Device } },
        ["`::Tool`: the name is `Tool` on this side and `Device` on the other side"]
    );
    drift!(Kind,
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool } } =>
        { #[derive(Deserialize)] pub(super) enum Kind { Fruit, Tool { size: u8 } } },
        ["`::Tool`: the type is `nothing` on this side and `{ size: u8 }` on the other side"]
    );
}

#[test]
fn fields_that_changed_are_found() {
    drift!(HashMap<u8, Item>,
        { #[derive(Deserialize)] pub(super) struct Item { price: u32, count: u32 } } =>
        { #[derive(Deserialize)] pub(super) struct Item { count: u32, price: u32 } },
        ["`{value}`: the order is price, count on this side and count, price on the other side"]
    );
    drift!(Item,
        { #[derive(Deserialize)] pub(super) struct Item { price: u32 } } =>
        { #[derive(Deserialize)] pub(super) struct Item { price: u32, note: Option<String> } },
        ["`note`: only the other side has it (number 1 of 2, Option<string>)"]
    );
    drift!(Item,
        { #[derive(Deserialize)] pub(super) struct Item { price: u32, note: String } } =>
        { #[derive(Deserialize)] pub(super) struct Item { note: String } },
        ["`price`: only this side has it (number 0 of 2, u32)"]
    );
    drift!(Item,
        { #[derive(Deserialize)] pub(super) struct Item { net: u32 } } =>
        { #[derive(Deserialize)] pub(super) struct Item { gross: u32 } },
        ["`net`: the name is `net` on this side and `gross` on the other side"]
    );
    drift!(Item,
        { #[derive(Deserialize)] pub(super) struct Item { net: u32 } } =>
        { #[derive(Deserialize)] pub(super) struct Item { gross: u64 } },
        [
            "`net`: only this side has it (number 0 of 1, u32)",
            "`gross`: only the other side has it (number 0 of 1, u64)",
        ]
    );
}

#[test]
fn types_that_changed_are_found() {
    macro_rules! types {
        ($($here:ty => $there:ty, $texts:literal;)*) => {$({
            #[derive(Deserialize)]
            struct Here { items: Vec<($here, bool)> }
            #[derive(Deserialize)]
            struct There { items: Vec<($there, bool)> }
            let (here, there) = $texts.split_once(" => ").expect("two types");
            let expected =
                format!("`items[].0`: the type is `{here}` on this side and `{there}` on the other side");
            assert_eq!(sentences::<Here, There>(), [expected]);
        })*};
    }
    #[derive(Deserialize)]
    struct Metres(f64);
    types! {
        i32 => u32, "i32 => u32";
        u32 => u64, "u32 => u64";
        u32 => i64, "u32 => i64";
        u64 => f64, "u64 => f64";
        u8 => bool, "u8 => bool";
        u32 => Option<u32>, "u32 => Option<u32>";
        Option<u32> => Vec<u32>, "Option<u32> => [u32]";
        String => Vec<u8>, "string => [u8]";
        String => serde_bytes::ByteBuf, "string => bytes";
        String => char, "string => char";
        Vec<u32> => [u32; 2], "[u32] => (u32, u32)";
        (u8, u8) => (u8, u8, u8), "(u8, u8) => (u8, u8, u8)";
        [u32; 7] => [u32; 8], "(u32; 7) => (u32; 8)";
        Vec<(u8, u8)> => std::collections::HashMap<u8, u8>, "[(u8, u8)] => {u8: u8}";
        f64 => Metres, "f64 => Metres(f64)";
        () => u8, "() => u8";
        Result<u8, u8> => Option<u8>, "Result { 0 Ok(u8), 1 Err(u8) } => Option<u8>";
    }
}

#[test]
fn an_error_that_changed_is_found() {
    drift!(Result<u8, Refusal>,
        { #[derive(Deserialize)] pub(super) enum Refusal { Sold, Unknown(String) } } =>
        { #[derive(Deserialize)] pub(super) enum Refusal { Sold, Unknown(u32) } },
        ["`::Err::Unknown`: the type is `string` on this side and `u32` on the other side"]
    );
}

#[test]
fn names_count_where_nothing_else_says_what_a_value_means() {
    drift!(Distance,
        { #[derive(Deserialize)] pub(super) struct Metres(f64); type Distance = Metres; } =>
        { #[derive(Deserialize)] pub(super) struct Feet(f64); type Distance = Feet; },
        ["the value: the name is `Metres` on this side and `Feet` on the other side"]
    );
    drift!(Item,
        { #[derive(Deserialize)] pub(super) struct Item { at: Place } #[derive(Deserialize)] struct Place(u8, u8); } =>
        { #[derive(Deserialize)] pub(super) struct Item { at: Size } #[derive(Deserialize)] struct Size(u8, u8); },
        ["`at`: the name is `Place` on this side and `Size` on the other side"]
    );
}

#[test]
fn what_changes_no_byte_and_no_meaning_is_the_same() {
    drift!(Item,
        {
            #[derive(Deserialize)] pub(super) struct Item { price: u32, kind: Kind, blob: Vec<u8>, size: usize }
            #[derive(Deserialize)] enum Kind { Fruit, Tool(Box<u8>) }
        } => {
            #[derive(Deserialize)] #[serde(rename_all = "snake_case")]
            pub(super) struct Purchase { price: Cents, #[serde(rename = "kind")] sort: Sort, blob: Bytes, size: u64 }
            #[derive(Deserialize)] enum Sort { Fruit, #[serde(rename = "Tool")] Device(std::num::NonZeroU8) }
            #[derive(Deserialize)] #[serde(transparent)] struct Cents(u32);
            type Bytes = serde_bytes::ByteBuf;
            type Item = Purchase;
        },
        []
    );
}

#[test]
fn many_differences_are_cut() {
    #[derive(Deserialize)]
    struct Pair<T>(T, T);
    type Wide<T> = [[T; 16]; 3];
    assert_eq!(sentences::<Wide<u8>, Wide<u16>>().len(), 32);
    // The elements of a long array are compared once, and so is a named type, wherever it stands.
    assert_eq!(sentences::<[u8; 32], [u16; 32]>().len(), 1);
    assert_eq!(
        sentences::<[Pair<u8>; 32], [Pair<i8>; 32]>(),
        [
            "`0.0`: the type is `u8` on this side and `i8` on the other side",
            "`0.1`: the type is `u8` on this side and `i8` on the other side",
        ]
    );
}

#[test]
fn a_difference_says_what_it_is_and_names_the_whole() {
    #[derive(Deserialize)]
    struct Here {
        net: u32,
        items: Vec<u8>,
    }
    #[derive(Deserialize)]
    struct There {
        items: Vec<u16>,
        note: Option<String>,
        net: u32,
    }
    let found = differences(&shape::<Here>(), &shape::<There>());
    let changes: Vec<_> = found.iter().map(|found| (found.change, found.path.as_str())).collect();
    assert_eq!(
        changes,
        [(Change::Order, ""), (Change::Added, "note"), (Change::Type, "items[]")]
    );
    let sentences: Vec<_> = found.iter().map(Difference::to_string).collect();
    assert_eq!(
        sentences,
        [
            "the value: the order is net, items on this side and items, note, net on the other side",
            "`note`: only the other side has it (number 1 of 3, Option<string>)",
            "`items[]`: the type is `u8` on this side and `u16` on the other side",
        ]
    );
}
