//! Types that are large, deep or hostile.

use std::{cell::Cell, collections::HashMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{super::shape::MAX_NODES, sentences, shape, text};

#[derive(Deserialize)]
#[rustfmt::skip]
enum Wide {
    V0(u8), V1(Box<Wide>), V2(Option<bool>), V3(u8), V4(Box<Wide>),
    V5(Option<bool>), V6(u8), V7(Box<Wide>), V8(Option<bool>), V9(u8),
    V10(Box<Wide>), V11(Option<bool>), V12(u8), V13(Box<Wide>), V14(Option<bool>),
    V15(u8), V16(Box<Wide>), V17(Option<bool>), V18(u8), V19(Box<Wide>),
    V20(Option<bool>), V21(u8), V22(Box<Wide>), V23(Option<bool>), V24(u8),
    V25(Box<Wide>), V26(Option<bool>), V27(u8), V28(Box<Wide>), V29(Option<bool>),
    V30(u8), V31(Box<Wide>), V32(Option<bool>), V33(u8), V34(Box<Wide>),
    V35(Option<bool>), V36(u8), V37(Box<Wide>), V38(Option<bool>), V39(u8),
    V40(Box<Wide>), V41(Option<bool>), V42(u8), V43(Box<Wide>), V44(Option<bool>),
    V45(u8), V46(Box<Wide>), V47(Option<bool>), V48(u8), V49(Box<Wide>),
    V50(Option<bool>), V51(u8), V52(Box<Wide>), V53(Option<bool>), V54(u8),
    V55(Box<Wide>), V56(Option<bool>), V57(u8), V58(Box<Wide>), V59(Option<bool>),
    V60(u8), V61(Box<Wide>), V62(Option<bool>), V63(u8), V64(Box<Wide>),
    V65(Option<bool>), V66(u8), V67(Box<Wide>), V68(Option<bool>), V69(u8),
    V70(Box<Wide>), V71(Option<bool>), V72(u8), V73(Box<Wide>), V74(Option<bool>),
    V75(u8), V76(Box<Wide>), V77(Option<bool>), V78(u8), V79(Box<Wide>),
    V80(Option<bool>), V81(u8), V82(Box<Wide>), V83(Option<bool>), V84(u8),
    V85(Box<Wide>), V86(Option<bool>), V87(u8), V88(Box<Wide>), V89(Option<bool>),
    V90(u8), V91(Box<Wide>), V92(Option<bool>), V93(u8), V94(Box<Wide>),
    V95(Option<bool>), V96(u8), V97(Box<Wide>), V98(Option<bool>), V99(u8),
    V100(Box<Wide>), V101(Option<bool>), V102(u8), V103(Box<Wide>), V104(Option<bool>),
    V105(u8), V106(Box<Wide>), V107(Option<bool>), V108(u8), V109(Box<Wide>),
    V110(Option<bool>), V111(u8), V112(Box<Wide>), V113(Option<bool>), V114(u8),
    V115(Box<Wide>), V116(Option<bool>), V117(u8), V118(Box<Wide>), V119(Option<bool>),
    V120(u8), V121(Box<Wide>), V122(Option<bool>), V123(u8), V124(Box<Wide>),
    V125(Option<bool>), V126(u8), V127(Box<Wide>), V128(Option<bool>), V129(u8),
    V130(Box<Wide>), V131(Option<bool>), V132(u8), V133(Box<Wide>), V134(Option<bool>),
    V135(u8), V136(Box<Wide>), V137(Option<bool>), V138(u8), V139(Box<Wide>),
    V140(Option<bool>), V141(u8), V142(Box<Wide>), V143(Option<bool>), V144(u8),
    V145(Box<Wide>), V146(Option<bool>), V147(u8), V148(Box<Wide>), V149(Option<bool>),
    V150(u8), V151(Box<Wide>), V152(Option<bool>), V153(u8), V154(Box<Wide>),
    V155(Option<bool>), V156(u8), V157(Box<Wide>), V158(Option<bool>), V159(u8),
    V160(Box<Wide>), V161(Option<bool>), V162(u8), V163(Box<Wide>), V164(Option<bool>),
    V165(u8), V166(Box<Wide>), V167(Option<bool>), V168(u8), V169(Box<Wide>),
    V170(Option<bool>), V171(u8), V172(Box<Wide>), V173(Option<bool>), V174(u8),
    V175(Box<Wide>), V176(Option<bool>), V177(u8), V178(Box<Wide>), V179(Option<bool>),
    V180(u8), V181(Box<Wide>), V182(Option<bool>), V183(u8), V184(Box<Wide>),
    V185(Option<bool>), V186(u8), V187(Box<Wide>), V188(Option<bool>), V189(u8),
    V190(Box<Wide>), V191(Option<bool>), V192(u8), V193(Box<Wide>), V194(Option<bool>),
    V195(u8), V196(Box<Wide>), V197(Option<bool>), V198(u8), V199(Box<Wide>),
}

#[test]
fn an_enum_may_have_200_variants() {
    let text = text::<(Wide, HashMap<String, Wide>)>();
    assert!(text.contains("197 V197(Option<bool>)"), "{text}");
    assert!(text.contains("198 V198(u8), 199 V199(Wide) }"), "{text}");
    assert!(shape::<Wide>().is_complete());
}

macro_rules! levels {
    ($($name:ident { $($variants:tt)* })*) => {$(
        #[derive(Deserialize)]
        enum $name { $($variants)* }
    )*};
}

levels! {
    Level0 { A(Box<Level1>), B(Box<Level1>, bool), C { of: Box<Level1> }, D(Vec<Level1>), E }
    Level1 { A(Box<Level2>), B(Box<Level2>, bool), C { of: Box<Level2> }, D(Vec<Level2>), E }
    Level2 { A(Box<Level3>), B(Box<Level3>, bool), C { of: Box<Level3> }, D(Vec<Level3>), E }
    Level3 { A(Box<Level4>), B(Box<Level4>, bool), C { of: Box<Level4> }, D(Vec<Level4>), E }
    Level4 { A(Box<Level5>), B(Box<Level5>, bool), C { of: Box<Level5> }, D(Vec<Level5>), E }
    Level5 { A(Box<Level6>), B(Box<Level6>, bool), C { of: Box<Level6> }, D(Vec<Level6>), E }
    Level6 { A(Box<Level7>), B(Box<Level7>, bool), C { of: Box<Level7> }, D(Vec<Level7>), E }
    Level7 { A(Box<Level8>), B(Box<Level8>, bool), C { of: Box<Level8> }, D(Vec<Level8>), E }
    Level8 { A(Box<Level9>), B(Box<Level9>, bool), C { of: Box<Level9> }, D(Vec<Level9>), E }
    Level9 { A(Box<u8>), B(Box<u8>, bool), C { of: Box<u8> }, D(Vec<u8>), E }
}

#[test]
fn enums_within_enums_take_few_runs() {
    let shape = shape::<(Level0, Level0, Level3)>();
    assert!(shape.is_complete());
    assert_eq!(shape.to_string().lines().count(), 11);
}

/// A tuple of tuples of tuples: a million values and few types.
#[derive(Deserialize)]
struct Twice<T>(T, T);

macro_rules! nested {
    ($outer:ident, $inner:ty;) => { $inner };
    ($outer:ident, $inner:ty; . $($rest:tt)*) => { nested!($outer, $outer<$inner>; $($rest)*) };
}

#[test]
fn types_that_double_take_few_places() {
    let shape = shape::<Vec<nested!(Twice, (); . . . . . . . . . . . . . . . . . . . .)>>();
    assert_eq!(shape.nodes().len(), 23);
}

/// An array of any length, as crates for long arrays read it.
struct Array<T, const N: usize>(PhantomData<T>);

impl<'de, T: serde::de::DeserializeOwned, const N: usize> Deserialize<'de> for Array<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ScriptVisitor(PhantomData::<Self>);
        deserializer.deserialize_tuple(N, visitor).map(|()| Self(PhantomData))
    }
}

impl<T: serde::de::DeserializeOwned, const N: usize> Script for Array<T, N> {
    fn visit<'de, A: SeqAccess<'de>>(mut access: A) -> Result<(), A::Error> {
        for _ in 0..N {
            access
                .next_element::<T>()?
                .ok_or_else(|| A::Error::custom("too short"))?;
        }
        Ok(())
    }
}

#[test]
fn long_arrays_leave_room_for_what_comes_behind() {
    type Page<T> = (
        Array<u8, 4096>,
        Array<std::num::NonZeroU16, 4096>,
        Array<[u8; 20], 300>,
        T,
    );
    let page = shape::<Page<i32>>();
    assert!(page.is_complete() && page.nodes().len() < 10, "{page}");
    assert_eq!(sentences::<Page<i32>, Page<u32>>().len(), 1);
    assert_eq!(sentences::<Array<u8, 40>, Array<u8, 41>>().len(), 1);
    assert!(text::<(Array<u8, 30_000>, bool)>().starts_with("(opaque "));
}

#[test]
fn long_tuples_may_have_elements_of_several_types() {
    struct Mixed;
    impl<'de> Deserialize<'de> for Mixed {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer
                .deserialize_tuple(18, ScriptVisitor(PhantomData::<Self>))
                .map(|()| Self)
        }
    }
    impl Script for Mixed {
        fn visit<'de, A: SeqAccess<'de>>(mut access: A) -> Result<(), A::Error> {
            for _ in 0..9 {
                access.next_element::<u8>()?;
                access.next_element::<bool>()?;
            }
            Ok(())
        }
    }
    let pairs = ["u8, bool"; 9].join(", ");
    assert_eq!(text::<Mixed>(), format!("({pairs})"));
}

#[test]
fn values_that_need_much_stack_are_opaque() {
    type Large = nested!(Twice, u64; . . . . . . . . . . . . .);
    let name = "Twice<".repeat(13);
    assert!(text::<Large>().starts_with(&format!("opaque \"{name}")));
    assert!(text::<Vec<(u8, Large)>>().starts_with("[opaque \"(u8, Twice<"));
}

/// A value, and what lies beside it.
#[derive(Deserialize)]
struct Beside<T>(T, u8);

#[test]
fn a_debug_build_sees_all_that_a_release_build_sees() {
    type Large = nested!(Twice, u64; . . . . . . . . . . .);
    type Nested = nested!(Beside, Large; . . . . . . . . . . . . . . . . . . . . . . . . .);
    assert_eq!(size_of::<Large>(), 16 << 10);
    assert!(shape::<Nested>().is_complete());
    assert!(shape::<Option<Vec<Nested>>>().is_complete());
}

#[test]
fn a_type_may_nest_as_deep_as_a_decode_and_not_deeper() {
    type Ten<T> = Vec<Vec<Vec<Vec<Vec<Vec<Vec<Vec<Vec<Vec<T>>>>>>>>>>;
    type Hundred<T> = Ten<Ten<Ten<Ten<Ten<Ten<Ten<Ten<Ten<Ten<T>>>>>>>>>>;
    let hundred = shape::<Hundred<u8>>();
    assert!(hundred.is_complete());
    assert_eq!(hundred.nodes().len(), 101);
    assert_eq!(sentences::<Hundred<u8>, Hundred<u16>>().len(), 1);
}

thread_local! {
    static LEVEL: Cell<usize> = const { Cell::new(0) };
}

/// A thousand structs within each other, which the compiler refuses.
struct Thousand;

impl<'de> Deserialize<'de> for Thousand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let level = LEVEL.get();
        if level == 1_000 {
            return u8::deserialize(deserializer).map(|_| Self);
        }
        LEVEL.set(level + 1);
        let name = format!("Level{level}").leak();
        let value = deserializer.deserialize_tuple_struct(name, 1, ScriptVisitor(PhantomData::<Self>));
        LEVEL.set(level);
        value.map(|()| Self)
    }
}

impl Script for Thousand {
    fn visit<'de, A: SeqAccess<'de>>(mut access: A) -> Result<(), A::Error> {
        access.next_element::<Self>().map(drop)
    }
}

#[test]
fn what_nests_deeper_is_opaque() {
    let thousand = shape::<Thousand>();
    assert_eq!(thousand.nodes().len(), 129);
    assert!(
        thousand.to_string().ends_with("struct Level127(opaque Thousand,)"),
        "{thousand}"
    );
    assert_eq!(sentences::<Thousand, Thousand>(), [""; 0]);
}

/// Deserialises by a function.
struct By<F>(PhantomData<F>);

trait Script {
    fn visit<'de, A: SeqAccess<'de>>(access: A) -> Result<(), A::Error>;
}

impl<'de, F: Script> Deserialize<'de> for By<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(usize::MAX, ScriptVisitor(PhantomData::<F>))?;
        Ok(Self(PhantomData))
    }
}

struct ScriptVisitor<F>(PhantomData<F>);

impl<'de, F: Script> Visitor<'de> for ScriptVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        F::visit(access)
    }
}

#[test]
fn code_that_never_stops_asking_is_stopped() {
    struct ReadsAll;
    impl Script for ReadsAll {
        fn visit<'de, A: SeqAccess<'de>>(mut access: A) -> Result<(), A::Error> {
            while access.next_element::<u8>()?.is_some() {}
            Ok(())
        }
    }
    /// Does not care about errors.
    struct Ignores;
    impl Script for Ignores {
        fn visit<'de, A: SeqAccess<'de>>(mut access: A) -> Result<(), A::Error> {
            while !matches!(access.next_element::<u8>(), Ok(None)) {}
            Err(A::Error::custom("no more"))
        }
    }
    assert_eq!(text::<By<ReadsAll>>(), r#"opaque "()""#);
    assert_eq!(text::<By<Ignores>>(), r#"opaque "()""#);
    assert_eq!(text::<Option<By<Ignores>>>(), r#"Option<opaque "()">"#);
}

#[test]
fn code_that_swallows_errors_is_no_reason_to_loop() {
    struct Lenient<T>(Option<T>);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(T::deserialize(deserializer).ok()))
        }
    }
    assert_eq!(text::<(Lenient<std::num::NonZeroU8>, bool)>(), "(u8, bool)");
    assert_eq!(
        text::<(Lenient<Level9>, Lenient<(String, bool)>)>(),
        "(Level9, (string, bool))\nenum Level9 { 0 A(u8), 1 B(u8, bool), 2 C { of: u8 }, 3 D([u8]), 4 E }"
    );
}

#[test]
fn a_peers_graph_takes_little_time() {
    use super::{super::Node, Shape, differences};
    let chain = |last: Node| {
        let options = (1..MAX_NODES as u32).map(Node::Option);
        Shape::try_from(options.chain([last]).collect::<Vec<_>>()).expect("it is as large as may be")
    };
    let (endless, ends) = (chain(Node::Option(7)), chain(Node::Tuple(Vec::new())));
    assert_eq!(endless, shape_of_nothing_but_options());
    assert_ne!(endless.fingerprint(), ends.fingerprint());
    assert_eq!(differences(&endless, &ends).len(), 1);
    assert!(endless.to_string().len() < 100_000 && ends.to_string().len() < 100_000);
}

/// An option of itself.
fn shape_of_nothing_but_options() -> super::Shape {
    super::Shape::try_from(vec![super::super::Node::Option(0)]).expect("it is a shape")
}
