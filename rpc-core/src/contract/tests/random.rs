//! Types that nobody wrote: any answers to what a deserializer is asked.

use std::{cell::RefCell, fmt, rc::Rc};

use proptest::prelude::*;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::{Samples, Shape, differences, shape_of};
use crate::contract::{Node, Primitive};

/// A type as data.
#[derive(Clone, Debug)]
enum Type {
    Number,
    Text(usize),
    Option(Box<Type>),
    Sequence(Box<Type>, usize),
    Map(Box<Type>, Box<Type>),
    Tuple(Vec<Type>),
    Refuses(Box<Type>),
    Panics,
    Swallows(Box<Type>),
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        4 => Just(Type::Number),
        4 => (0_usize..4).prop_map(Type::Text),
        1 => Just(Type::Panics),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            2 => boxed.clone().prop_map(Type::Option),
            2 => (boxed.clone(), 0_usize..3).prop_map(|(of, least)| Type::Sequence(of, least)),
            1 => (boxed.clone(), boxed.clone()).prop_map(|(key, value)| Type::Map(key, value)),
            3 => prop::collection::vec(inner, 0..5).prop_map(Type::Tuple),
            1 => boxed.clone().prop_map(Type::Refuses),
            1 => boxed.prop_map(Type::Swallows),
        ]
    })
}

thread_local! {
    static TYPE: RefCell<Option<Rc<Type>>> = const { RefCell::new(None) };
}

/// The type of this test's run.
struct Current;

impl<'de> Deserialize<'de> for Current {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let current = TYPE.with_borrow(Clone::clone).expect("there is one");
        current.deserialize(deserializer).map(|()| Self)
    }
}

impl<'de> DeserializeSeed<'de> for &Type {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Type::Number => u32::deserialize(deserializer).map(drop),
            Type::Text(least) => {
                let text = <&str>::deserialize(deserializer)?;
                (text.len() >= *least)
                    .then_some(())
                    .ok_or_else(|| D::Error::custom("too short"))
            }
            Type::Panics => {
                let number = u8::deserialize(deserializer)?;
                std::panic::resume_unwind(Box::new(number))
            }
            Type::Refuses(of) => {
                of.deserialize(deserializer)?;
                Err(D::Error::custom("never"))
            }
            Type::Swallows(of) => {
                let _ = of.deserialize(deserializer);
                Ok(())
            }
            Type::Option(_) => deserializer.deserialize_option(TypeVisitor(self)),
            Type::Sequence(..) => deserializer.deserialize_seq(TypeVisitor(self)),
            Type::Map(..) => deserializer.deserialize_map(TypeVisitor(self)),
            Type::Tuple(parts) => deserializer.deserialize_tuple(parts.len(), TypeVisitor(self)),
        }
    }
}

struct TypeVisitor<'a>(&'a Type);

impl<'de> Visitor<'de> for TypeVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Type::Option(of) => of.deserialize(deserializer),
            _ => Err(D::Error::custom("no option")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        match self.0 {
            Type::Sequence(of, least) => {
                let mut length = 0;
                while access.next_element_seed(&**of)?.is_some() {
                    length += 1;
                }
                (length >= *least)
                    .then_some(())
                    .ok_or_else(|| A::Error::custom("too short"))
            }
            Type::Tuple(parts) => parts
                .iter()
                .try_for_each(|part| access.next_element_seed(part).map(drop)),
            _ => Err(A::Error::custom("no sequence")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Type::Map(key, value) = self.0 else {
            return Err(A::Error::custom("no map"));
        };
        while access.next_key_seed(&**key)?.is_some() {
            access.next_value_seed(&**value)?;
        }
        Ok(())
    }
}

fn shape(of: Type) -> Shape {
    TYPE.set(Some(Rc::new(of)));
    shape_of::<Current>(&Samples::new(), false)
}

proptest! {
    #[test]
    fn every_type_has_one_shape(of in types()) {
        let (first, second) = (shape(of.clone()), shape(of));
        prop_assert_eq!(first.to_string(), second.to_string());
        prop_assert_eq!(first.fingerprint(), second.fingerprint());
        prop_assert_eq!(&first, &second);
    }

    #[test]
    fn shapes_are_equal_if_and_only_if_nothing_differs(here in types(), there in types()) {
        let (here, there) = (shape(here), shape(there));
        let equal = here == there;
        prop_assert_eq!(equal, here.fingerprint() == there.fingerprint());
        prop_assert_eq!(equal, differences(&here, &there).is_empty());
    }

    /// As a peer may send them.
    #[test]
    fn graphs_of_any_kind_are_written_and_compared(
        here in prop::collection::vec(nodes(), 1..12),
        there in prop::collection::vec(nodes(), 1..12),
    ) {
        let shapes = (Shape::try_from(here), Shape::try_from(there));
        if let (Ok(here), Ok(there)) = shapes {
            let equal = here == there;
            prop_assert_eq!(equal, here.fingerprint() == there.fingerprint());
            prop_assert_eq!(equal, differences(&here, &there).is_empty(), "{} {}", here, there);
        }
    }
}

fn nodes() -> impl Strategy<Value = Node> {
    nodes_of(&["a", "b"], 0..6)
}

/// Nodes with these names, and parts among these.
pub(super) fn nodes_of(names: &'static [&'static str], ids: std::ops::Range<u32>) -> impl Strategy<Value = Node> {
    use crate::contract::{Content, Field, Fields, Variant};
    let name = move || prop::sample::select(names).prop_map(str::to_owned);
    let id = move || ids.clone();
    let aliases = move || prop::collection::vec(name(), 0..2);
    let field = {
        let id = id.clone();
        move || {
            (name(), id(), any::<bool>(), aliases()).prop_map(|(name, shape, optional, aliases)| Field {
                name,
                shape,
                optional,
                aliases,
            })
        }
    };
    let fields = move || {
        (prop::collection::vec(field(), 0..3), any::<bool>()).prop_map(|(list, strict)| Fields { list, strict })
    };
    let content = prop_oneof![
        Just(Content::Unit),
        Just(Content::Refused),
        id().prop_map(Content::Newtype),
        prop::collection::vec(id(), 0..3).prop_map(Content::Tuple),
        fields().prop_map(Content::Struct),
    ];
    let variant = (name(), content, aliases()).prop_map(|(name, content, aliases)| Variant { name, content, aliases });
    prop_oneof![
        prop::sample::select(&Primitive::ALL[..]).prop_map(Node::Primitive),
        Just(Node::Primitive(Primitive::U8)),
        id().prop_map(Node::Option),
        id().prop_map(Node::Sequence),
        (id(), id()).prop_map(|(key, value)| Node::Map(key, value)),
        prop::collection::vec(id(), 0..3).prop_map(Node::Tuple),
        (name(), id()).prop_map(|(name, of)| Node::Newtype(name, of)),
        (name(), prop::collection::vec(id(), 0..3)).prop_map(|(name, of)| Node::TupleStruct(name, of)),
        (name(), fields()).prop_map(|(name, of)| Node::Struct(name, of)),
        (name(), prop::collection::vec(variant, 0..3)).prop_map(|(name, of)| Node::Enum(name, of)),
        name().prop_map(Node::Opaque),
        id().prop_map(Node::Receiver),
        id().prop_map(Node::Sender),
        name().prop_map(Node::Client),
        name().prop_map(Node::UnitStruct),
    ]
}
