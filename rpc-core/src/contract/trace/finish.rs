//! From what is known to a shape.

use std::collections::HashMap;

use super::{
    super::{Content, Fields, Node, NodeId, Primitive, Shape, Variant, name::short},
    fields::Known,
    graph::{Ask, ContentAsk, Graph, ROOT, SlotId, TypeId, VariantType},
    probe,
};

/// The shape of the whole.
pub(super) fn finished(graph: &Graph, known: &Known) -> Shape {
    let mut shape = Finish {
        graph,
        known,
        numbers: HashMap::new(),
        places: Vec::new(),
    };
    shape.number(ROOT);
    let mut nodes = Vec::new();
    while let Some(&place) = shape.places.get(nodes.len()) {
        nodes.push(match place {
            Place::Type(of) => shape.node(of),
            Place::Unseen(slot) => Node::Opaque(short(graph.slots[slot].name)),
        });
    }
    Shape::try_from(nodes).unwrap_or_else(|_| Shape::opaque(short(graph.slots[ROOT].name)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Type(TypeId),
    Unseen(SlotId),
}

struct Finish<'a> {
    graph: &'a Graph,
    known: &'a Known,
    numbers: HashMap<Place, NodeId>,
    /// By number.
    places: Vec<Place>,
}

impl Finish<'_> {
    fn number(&mut self, slot: SlotId) -> NodeId {
        let place = self.graph.slots[slot].of.map_or(Place::Unseen(slot), Place::Type);
        *self.numbers.entry(place).or_insert_with(|| {
            self.places.push(place);
            (self.places.len() - 1) as NodeId
        })
    }

    fn numbers(&mut self, slots: &[SlotId]) -> Vec<NodeId> {
        slots.iter().map(|&slot| self.number(slot)).collect()
    }

    fn node(&mut self, id: TypeId) -> Node {
        let of = &self.graph.types[id];
        let parts = self.numbers(&of.slots);
        let opaque = || Node::Opaque(short(of.key.value));
        // Where there was no room for the parts.
        match (of.key.ask, &parts[..]) {
            (Ask::Primitive(primitive), _) => Node::Primitive(primitive),
            (Ask::Option, &[part]) => Node::Option(part),
            (Ask::Sequence, &[part]) => Node::Sequence(part),
            (Ask::Map, &[key, value]) => Node::Map(key, value),
            (Ask::Tuple(0), _) => Node::Primitive(Primitive::Unit),
            (Ask::Tuple(length), _) if parts.len() == length => Node::Tuple(parts),
            (Ask::UnitStruct(name), _) => Node::UnitStruct(name.to_owned()),
            (Ask::Newtype(name), &[part]) => Node::Newtype(name.to_owned(), part),
            (Ask::TupleStruct(name, length), _) if parts.len() == length => Node::TupleStruct(name.to_owned(), parts),
            (Ask::Struct(name, fields), _) if parts.len() == of.width.unwrap_or(fields.len()) => {
                Node::Struct(name.to_owned(), self.fields((id, None), &parts))
            }
            (Ask::Enum(name, names), _) => {
                let names = match self.known.variants(id) {
                    Some(names) => names.to_vec(),
                    None => names.iter().map(|&name| vec![name]).collect(),
                };
                let variants = names.into_iter().zip(&of.variants).enumerate();
                let variants = variants.filter_map(|(index, (names, variant))| {
                    let (name, aliases) = names.split_first()?;
                    Some(Variant {
                        name: (*name).to_owned(),
                        content: self.content((id, Some(index)), variant),
                        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
                    })
                });
                Node::Enum(name.to_owned(), variants.collect())
            }
            (Ask::Receiver, &[part]) => Node::Receiver(part),
            (Ask::Sender, &[part]) => Node::Sender(part),
            (Ask::Client(service), _) => Node::Client(service.to_owned()),
            _ => opaque(),
        }
    }

    fn fields(&self, place: probe::Place, parts: &[NodeId]) -> Fields {
        let known = self.known.fields(place);
        known.map(|known| known.fields(parts)).unwrap_or_default()
    }

    fn content(&mut self, place: probe::Place, variant: &VariantType) -> Content {
        let parts = self.numbers(&variant.slots);
        match (variant.content, &parts[..]) {
            (Some(ContentAsk::Unit), _) => Content::Unit,
            (Some(ContentAsk::Newtype), &[part]) => Content::Newtype(part),
            (Some(ContentAsk::Tuple(length)), _) if parts.len() == length => Content::Tuple(parts),
            (Some(ContentAsk::Struct(fields)), _) if parts.len() == variant.width.unwrap_or(fields.len()) => {
                Content::Struct(self.fields(place, &parts))
            }
            _ => Content::Refused,
        }
    }
}
