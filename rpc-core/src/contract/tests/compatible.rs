//! Verdicts over types that nobody wrote, and over those that a peer makes up.

use proptest::prelude::*;

use super::{Shape, random::nodes_of};
use crate::contract::{Compatibility, Content, Field, Fields, FormatKind, Node, NodeId, Primitive, Variant};

const NAMED: FormatKind = FormatKind::NamedBinary;

fn shapes() -> impl Strategy<Value = Shape> {
    let nodes = prop::collection::vec(nodes_of(&["a", "b", "c"], 0..6), 6..10);
    nodes.prop_map(|nodes| Shape::try_from(nodes).expect("all parts are there"))
}

proptest! {
    #[test]
    fn the_same_is_what_has_the_same_fingerprint(reader in shapes(), writer in shapes()) {
        for kind in FormatKind::ALL {
            let same = reader.fingerprint_in(kind) == writer.fingerprint_in(kind);
            let verdict = reader.read(&writer, kind);
            prop_assert_eq!(verdict.compatibility == Compatibility::Same, same, "{:?}", verdict);
            prop_assert_eq!(reader.read(&reader, kind).compatibility, Compatibility::Same);
        }
    }

    #[test]
    fn a_verdict_is_that_of_its_worst_note(reader in shapes(), writer in shapes()) {
        let verdict = reader.read(&writer, NAMED);
        let worst = verdict.notes.iter().map(|note| note.compatibility).max();
        let expected = worst.unwrap_or(Compatibility::Same).max(Compatibility::Compatible);
        let is_same = verdict.compatibility == Compatibility::Same;
        prop_assert_eq!(verdict.compatibility, if is_same { Compatibility::Same } else { expected });
    }

    /// A field more that may be missing does no harm to anybody, wherever it is.
    #[test]
    fn optional_fields_harm_nobody(shape in shapes(), place in 0_usize..6) {
        let mut nodes: Vec<Node> = shape.into();
        let fields = |more: bool| {
            let mut list = vec![Field::required("id", 1)];
            if more {
                list.push(Field { optional: true, ..Field::required("more", 2) });
            }
            Node::Struct("S".to_owned(), Fields { list, strict: false })
        };
        nodes[place] = fields(false);
        let old = Shape::try_from(nodes.clone()).expect("all parts are there");
        nodes[place] = fields(true);
        let new = Shape::try_from(nodes).expect("all parts are there");
        for (reader, writer) in [(&old, &new), (&new, &old)] {
            let verdict = reader.read(writer, NAMED);
            let of_it = verdict.notes.iter().filter(|note| note.path.ends_with("more"));
            for note in of_it {
                prop_assert_eq!(note.compatibility, Compatibility::Compatible, "{:?}", note);
            }
        }
    }
}

/// Chains of structs whose lengths have no common divisor, so that each pair of nodes is met.
fn ring(length: NodeId, last: Option<Primitive>) -> Shape {
    let next = |id: NodeId| Field::required("next", (id + 1) % length);
    let nodes = (0..length).map(|id| {
        let mut list = vec![next(id)];
        // A place in one of the rings, so that they are not the same.
        list.extend((id == 0).then(|| Field::required("end", length)));
        Node::Struct("Ring".to_owned(), Fields::from(list))
    });
    let nodes = nodes
        .chain([Node::Primitive(last.unwrap_or(Primitive::U8))])
        .collect::<Vec<_>>();
    Shape::try_from(nodes).expect("it is as large as may be")
}

#[test]
fn types_with_too_many_pairs_are_refused() {
    let verdict = ring(4095, None).read(&ring(4096, None), NAMED);
    assert_eq!(verdict.compatibility, Compatibility::Incompatible);
    let texts: Vec<_> = verdict.notes.iter().map(|note| note.text.clone()).collect();
    assert!(
        texts.contains(&"the types are too large to be compared".to_owned()),
        "{texts:?}"
    );
    let small = ring(3, None).read(&ring(3, Some(Primitive::U16)), NAMED);
    assert_eq!(small.compatibility, Compatibility::Partial, "{:?}", small.notes);
}

#[test]
fn newtypes_and_options_without_an_end_have_one() {
    let newtype = |name: &str| Shape::try_from(vec![Node::Newtype(name.to_owned(), 0)]).expect("it is a shape");
    let option = || Shape::try_from(vec![Node::Option(0)]).expect("it is a shape");
    let number = Shape::try_from(vec![Node::Primitive(Primitive::U8)]).expect("it is a shape");
    for (reader, writer) in [
        (newtype("A"), newtype("B")),
        (newtype("A"), option()),
        (option(), newtype("A")),
        (option(), number.clone()),
        (number.clone(), option()),
        (number, newtype("A")),
    ] {
        let _ = reader.read(&writer, NAMED);
    }
}

#[test]
fn a_field_that_is_there_by_two_of_its_names_is_refused() {
    let of = |fields: Vec<Field>| {
        let fields = Node::Struct("S".to_owned(), fields.into());
        Shape::try_from(vec![fields, Node::Primitive(Primitive::U8)]).expect("it is a shape")
    };
    let reader = of(vec![Field {
        aliases: vec!["old".to_owned()],
        ..Field::required("new", 1)
    }]);
    let both = of(vec![Field::required("old", 1), Field::required("new", 1)]);
    assert_eq!(reader.read(&both, NAMED).compatibility, Compatibility::Incompatible);
    let old = of(vec![Field::required("old", 1)]);
    assert_eq!(reader.read(&old, NAMED).compatibility, Compatibility::Compatible);
}

#[test]
fn a_variant_that_its_type_refuses_is_as_good_as_none() {
    let of = |variants: [Content; 2]| {
        let variants = variants.into_iter().zip(["A", "B"]).map(|(content, name)| Variant {
            name: name.to_owned(),
            content,
            aliases: Vec::new(),
        });
        Shape::try_from(vec![Node::Enum("E".to_owned(), variants.collect())]).expect("it is a shape")
    };
    let (all, some) = (
        of([Content::Unit, Content::Unit]),
        of([Content::Unit, Content::Refused]),
    );
    assert_eq!(all.read(&some, NAMED).compatibility, Compatibility::Compatible);
    assert_eq!(some.read(&all, NAMED).compatibility, Compatibility::Partial);
}
