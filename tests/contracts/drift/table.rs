//! The drifts.

use super::{
    Drift, Harm,
    kinds::{module_of_type, side_of_arguments, side_of_result},
};

/// A module with both versions of each, and the list of all of them.
macro_rules! drifts {
    ($($kind:ident $harm:ident $name:ident = $service:literal: $old:tt => $new:tt;)*) => {
        $(
            mod $name {
                use super::*;
                drifts!(@$kind old $service $old);
                drifts!(@$kind new $service $new);
            }
        )*

        pub(super) fn drifts() -> Vec<Drift> {
            vec![$(Drift {
                name: $service,
                harm: drifts!(@$harm),
                old: $name::old::side($service),
                new: $name::new::side($service),
            }),*]
        }
    };
    (@changed) => { Harm::Changes };
    (@harmless) => { Harm::None };
    (@unwritable) => { Harm::Unwritable };
    (@types $side:ident $service:literal $version:tt) => { drifts!(@version types $side $version); };
    (@places $side:ident $service:literal $version:tt) => { drifts!(@version places $side $version); };
    (@version $kind:ident $side:ident ($($root:ty),* = $values:tt)) => {
        module_of_type!($side, $kind, {}, $($root),*, $values);
    };
    (@version $kind:ident $side:ident ({ $($items:tt)* } $root:ty = $values:tt)) => {
        module_of_type!($side, $kind, { $($items)* }, $root, $values);
    };
    (@arguments $side:ident $service:literal $arguments:tt) => {
        side_of_arguments!($side, $service, $arguments);
    };
    (@result $side:ident $service:literal ($result:ty, $value:expr, $inner:expr)) => {
        side_of_result!($side, $service, $result, $value, $inner);
    };
}

drifts! {
    // Enums.
    types changed variant_inserted = "VariantInserted":
        ({ enum Kind { Fruit, Tool } } Kind = [Kind::Fruit, Kind::Tool]) =>
        ({ enum Kind { Fruit, Toy, Tool } } Kind = [Kind::Fruit, Kind::Toy, Kind::Tool]);
    types changed variant_appended = "VariantAppended":
        ({ enum Kind { Fruit, Tool } } Kind = [Kind::Fruit, Kind::Tool]) =>
        ({ enum Kind { Fruit, Tool, Toy } } Kind = [Kind::Fruit, Kind::Tool, Kind::Toy]);
    types changed variant_removed = "VariantRemoved":
        ({ enum Kind { Fruit, Toy(u8), Tool(u8) } } Kind = [Kind::Toy(1), Kind::Tool(2)]) =>
        ({ enum Kind { Fruit, Tool(u8) } } Kind = [Kind::Fruit, Kind::Tool(2)]);
    types changed variants_reordered = "VariantsReordered":
        ({ enum Kind { Fruit(u8), Tool(u8) } } Kind = [Kind::Fruit(1), Kind::Tool(2)]) =>
        ({ enum Kind { Tool(u8), Fruit(u8) } } Kind = [Kind::Fruit(1), Kind::Tool(2)]);
    types changed variant_renamed = "VariantRenamed":
        ({ enum Kind { Fruit, Tool } } Kind = [Kind::Tool]) =>
        ({ enum Kind { Fruit, Device } } Kind = [Kind::Device]);
    types changed variant_got_a_value = "VariantGotAValue":
        ({ enum Kind { Fruit, Tool } } Kind = [Kind::Tool]) =>
        ({ enum Kind { Fruit, Tool(u8) } } Kind = [Kind::Tool(3)]);
    types changed variant_value_changed = "VariantValueChanged":
        ({ enum Kind { Fruit, Tool(i16) } } Kind = [Kind::Tool(-3)]) =>
        ({ enum Kind { Fruit, Tool(u16) } } Kind = [Kind::Tool(5), Kind::Tool(u16::MAX)]);
    types changed variant_fields_reordered = "VariantFieldsReordered":
        ({ enum Kind { Box { width: u8, height: u8 } } } Kind = [Kind::Box { width: 1, height: 2 }]) =>
        ({ enum Kind { Box { height: u8, width: u8 } } } Kind = [Kind::Box { width: 1, height: 2 }]);
    types changed enum_of_bool = "EnumOfBool":
        (bool = [true, false]) =>
        ({ enum Answer { No, Yes } } Answer = [Answer::No, Answer::Yes]);

    // Structs.
    types changed fields_reordered = "FieldsReordered":
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]) =>
        ({ struct Item { count: u32, price: u32 } } Item = [Item { price: 100, count: 2 }]);
    types changed field_added = "FieldAdded":
        ({ struct Item { price: u32 } } Item = [Item { price: 100 }]) =>
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]);
    types changed optional_field_added = "OptionalFieldAdded":
        ({ struct Item { price: u32, tax: u32 } } Item = [Item { price: 100, tax: 7 }]) =>
        ({ struct Item { price: u32, note: Option<u32>, tax: u32 } }
            Item = [Item { price: 100, note: Some(3), tax: 7 }, Item { price: 1, note: None, tax: 2 }]);
    types changed field_with_default_added = "FieldWithDefaultAdded":
        ({ struct Item { price: u32 } } Item = [Item { price: 100 }]) =>
        ({ struct Item { price: u32, #[serde(default)] count: u32 } } Item = [Item { price: 100, count: 2 }]);
    types changed field_removed = "FieldRemoved":
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]) =>
        ({ struct Item { count: u32 } } Item = [Item { count: 2 }]);
    types changed field_renamed = "FieldRenamed":
        ({ struct Item { net: u32, tax: u32 } } Item = [Item { net: 100, tax: 7 }]) =>
        ({ struct Item { gross: u32, tax: u32 } } Item = [Item { gross: 107, tax: 7 }]);
    types changed unknown_fields_denied = "UnknownFieldsDenied":
        ({ #[serde(deny_unknown_fields)] struct Item { price: u32 } } Item = [Item { price: 100 }]) =>
        ({ struct Item { price: u32, note: Option<u32> } } Item = [Item { price: 100, note: Some(1) }]);
    types changed struct_became_tuple = "StructBecameTuple":
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]) =>
        ({ struct Item(u32, u32); } Item = [Item(100, 2)]);
    types changed unit_changed = "UnitChanged":
        ({ struct Metres(f64); } Metres = [Metres(2.5)]) =>
        ({ struct Feet(f64); } Feet = [Feet(8.2)]);
    types changed newtype_around = "NewtypeAround":
        (Vec<u32> = [vec![1, 2]]) =>
        ({ struct Sku(u32); } Vec<Sku> = [vec![Sku(1), Sku(2)]]);
    types changed deep_inside = "DeepInside":
        ({ struct Order { items: Vec<Item> } struct Item { of: HashMap<String, Option<i8>> } }
            Order = [Order { items: vec![Item { of: [("a".to_owned(), Some(-1))].into() }] }]) =>
        ({ struct Order { items: Vec<Item> } struct Item { of: HashMap<String, Option<u8>> } }
            Order = [Order { items: vec![Item { of: [("a".to_owned(), Some(200))].into() }] }]);
    types changed tree_changed = "TreeChanged":
        ({ struct Tree { value: i32, parts: Vec<Tree> } }
            Tree = [Tree { value: -1, parts: vec![Tree { value: -2, parts: Vec::new() }] }]) =>
        ({ struct Tree { value: u32, parts: Vec<Tree> } }
            Tree = [Tree { value: 1, parts: vec![Tree { value: u32::MAX, parts: Vec::new() }] }]);

    // Numbers and the like.
    types changed sign_gone = "SignGone": (i32 = [-5, 5]) => (u32 = [9, u32::MAX]);
    types changed widened = "Widened": (u32 = [7, 300, u32::MAX]) => (u64 = [7, 300, u64::MAX]);
    types changed widened_with_a_sign = "WidenedWithASign": (u32 = [7, u32::MAX]) => (i64 = [-7, i64::MAX]);
    types changed widened_byte = "WidenedByte": (u8 = [7, 255]) => (u16 = [7, 65535]);
    types changed integer_to_float = "IntegerToFloat": (u64 = [7, (1 << 53) + 1]) => (f64 = [7.0, 7.5]);
    types changed float_widened = "FloatWidened": (f32 = [0.1, 7.0]) => (f64 = [0.1, 7.0]);
    types changed byte_to_bool = "ByteToBool": (u8 = [0, 1]) => (bool = [false, true]);
    types changed huge_number = "HugeNumber": (u64 = [7]) => (u128 = [7, u128::MAX]);
    types changed duration_to_millis = "DurationToMillis":
        (Duration = [Duration::from_millis(1500)]) => (u64 = [1500]);

    // Text and bytes.
    types changed text_to_bytes = "TextToBytes":
        (String = ["text".to_owned()]) => (Vec<u8> = [b"text".to_vec()]);
    types changed text_to_char = "TextToChar":
        (String = ["t".to_owned(), "text".to_owned()]) => (char = ['t', 'x']);
    types changed text_to_number = "TextToNumber":
        (String = ["17".to_owned()]) => (u32 = [17]);

    // Options and collections.
    types changed made_optional = "MadeOptional": (u32 = [1, 7]) => (Option<u32> = [Some(1), Some(7), None]);
    types unwritable made_optional_twice = "MadeOptionalTwice":
        (Option<u8> = [None, Some(1)]) => (Option<Option<u8>> = [None, Some(Some(1))]);
    types changed one_to_many = "OneToMany": (Option<u8> = [Some(4)]) => (Vec<u8> = [vec![4]]);
    types changed list_to_array = "ListToArray": (Vec<u16> = [vec![1, 2]]) => ([u16; 2] = [[1, 2]]);
    types changed array_grew = "ArrayGrew": ([u16; 2] = [[1, 2]]) => ([u16; 3] = [[1, 2, 3]]);
    types changed tuple_swapped = "TupleSwapped":
        ((u8, i8) = [(1, -2)]) => ((i8, u8) = [(-2, 1)]);
    types changed pairs_to_map = "PairsToMap":
        (Vec<(String, u8)> = [vec![("a".to_owned(), 1)]]) => (BTreeMap<String, u8> = [[("a".to_owned(), 1)].into()]);
    types changed keys_changed = "KeysChanged":
        (BTreeMap<i32, u8> = [[(-4, 1)].into()]) => (BTreeMap<u32, u8> = [[(7, 1)].into(), [(u32::MAX, 1)].into()]);
    types changed result_to_option = "ResultToOption":
        (Result<u8, u8> = [Ok(1), Err(2)]) => (Option<u8> = [Some(1), None]);
    types changed nothing_to_something = "NothingToSomething": (() = [()]) => (u8 = [3]);

    // What changes neither a byte nor a meaning.
    types harmless names_of_types = "NamesOfTypes":
        ({ struct Item { price: u32, kind: Kind } enum Kind { Fruit } }
            Item = [Item { price: 100, kind: Kind::Fruit }]) =>
        ({ struct Product { price: u32, kind: Sort } enum Sort { Fruit } }
            Product = [Product { price: 100, kind: Sort::Fruit }]);
    types harmless pointers = "Pointers":
        ({ struct Item { price: u32, of: Vec<String> } } Item = [Item { price: 100, of: vec!["a".to_owned()] }]) =>
        ({ struct Item { price: Box<u32>, of: Box<[Cow<'static, str>]> } }
            Item = [Item { price: Box::new(100), of: Box::new(["a".into()]) }]);
    types harmless never_zero = "NeverZero":
        (u32 = [7]) => (NonZeroU32 = [NonZeroU32::new(7).expect("it is not zero")]);
    types harmless renamed_for_the_wire = "RenamedForTheWire":
        ({ struct Item { kind: u8 } } Item = [Item { kind: 3 }]) =>
        ({ struct Item { #[serde(rename = "kind")] sort: u8 } } Item = [Item { sort: 3 }]);

    // In errors, streams and channels.
    places changed variant_inserted_elsewhere = "VariantInsertedElsewhere":
        ({ enum Kind { Fruit, Tool } } Kind = [Kind::Fruit, Kind::Tool]) =>
        ({ enum Kind { Fruit, Toy, Tool } } Kind = [Kind::Fruit, Kind::Toy, Kind::Tool]);
    places changed fields_reordered_elsewhere = "FieldsReorderedElsewhere":
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]) =>
        ({ struct Item { count: u32, price: u32 } } Item = [Item { price: 100, count: 2 }]);
    places changed field_added_elsewhere = "FieldAddedElsewhere":
        ({ struct Item { price: u32 } } Item = [Item { price: 100 }]) =>
        ({ struct Item { price: u32, count: u32 } } Item = [Item { price: 100, count: 2 }]);
    places changed sign_gone_elsewhere = "SignGoneElsewhere": (i32 = [-5, 5]) => (u32 = [9, u32::MAX]);
    places changed text_to_bytes_elsewhere = "TextToBytesElsewhere":
        (String = ["text".to_owned()]) => (Vec<u8> = [b"text".to_vec()]);
    places harmless names_of_types_elsewhere = "NamesOfTypesElsewhere":
        ({ struct Item { price: u32 } } Item = [Item { price: 100 }]) =>
        ({ struct Product { price: u32 } } Product = [Product { price: 100 }]);

    // Arguments.
    arguments changed arguments_swapped = "ArgumentsSwapped":
        (from: u32 = 1, to: u32 = 2) => (to: u32 = 2, from: u32 = 1);
    arguments changed argument_renamed = "ArgumentRenamed": (net: u32 = 1) => (gross: u32 = 1);
    arguments changed argument_added = "ArgumentAdded": (sku: &str = "a") => (sku: &str = "a", count: u32 = 3);
    arguments changed optional_argument_added = "OptionalArgumentAdded":
        (sku: &str = "a") => (count: Option<u32> = Some(3), sku: &str = "a");
    arguments changed first_argument = "FirstArgument": () => (count: u8 = 3);
    arguments changed argument_type_changed = "ArgumentTypeChanged":
        (count: i32 = -5, sku: u8 = 1) => (count: u32 = u32::MAX, sku: u8 = 1);
    arguments harmless argument_by_reference = "ArgumentByReference":
        (sku: &str = "a", counts: &[u32] = &[1, 2]) =>
        (sku: String = "a".to_owned(), counts: Vec<u32> = vec![1, 2]);

    // Results.
    result changed result_added = "ResultAdded": (Result<()>, Ok(()), ()) => (Result<u8>, Ok(3), 3);
    result changed made_fallible = "MadeFallible": (u32, 1, 1) => (Result<u32>, Ok(1), 1);
    result changed error_of_its_own = "ErrorOfItsOwn":
        (Result<u32>, Ok(1), 1) => (Result<u32, Held<u8>>, Err(Held::Value(3)), 3);
    result changed error_changed = "ErrorChanged":
        (Result<u32, Held<u8>>, Err(Held::Value(200)), 200) =>
        (Result<u32, Held<i8>>, Err(Held::Value(-3)), -3);
}
