//! Arguments and items of one method: from JSON to values that are ready to be sent.

use farcall::{
    channel::{Receiver, Sender, channel},
    contract::{Field, Node, NodeId},
};
use serde_json::{Map, Value};

use super::{
    item::{Came, Sent},
    place::{Place, Wrong},
    typed::{self, Typed, TypedContent},
    types::Types,
    words::{found, takes},
};

/// Fits JSON into the types of one method.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(super) types: &'static Types,
    /// The streams among the arguments, to be fed when the call runs.
    feeds: Vec<Feed>,
    taps: Vec<Tap>,
}

/// Arguments that fit, with the ends of their streams that stay here.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) values: Typed,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) taps: Vec<Tap>,
}

/// The end of a stream into which items go.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) sender: Sender<Sent>,
    pub(crate) item: NodeId,
    /// Where they come from.
    pub(crate) items: Given,
}

#[derive(Debug)]
pub(crate) enum Given {
    /// Standard input, one in each line.
    Input,
    Here(Vec<Typed>),
}

/// The end of a stream out of which items come.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) receiver: Receiver<Came>,
    pub(crate) item: NodeId,
}

impl Writing {
    pub(crate) fn new(types: &'static Types) -> Self {
        Self {
            types,
            feeds: Vec::new(),
            taps: Vec::new(),
        }
    }

    /// The arguments: an object by name, or an array in their order.
    pub(crate) fn arguments(mut self, given: &Value) -> Result<Arguments, Wrong> {
        let (fields, place) = (self.types.arguments, Place::ROOT);
        let values = match given {
            Value::Object(given) => self.named_arguments(fields, given, &place)?,
            Value::Array(given) if given.len() <= fields.len() => {
                let values = fields.iter().enumerate();
                let values = values.map(|(index, field)| match given.get(index) {
                    Some(value) => self.value(field.shape, value, &place.field(&field.name)),
                    None => self.absent(field, &place),
                });
                values.collect::<Result<_, _>>()?
            }
            Value::Array(given) => {
                let (given, takes) = (given.len(), takes(fields));
                return Err(place.wrong(format!("{given} arguments were given; the method takes {takes}")));
            }
            other => {
                let (found, takes) = (found(other), takes(fields));
                let text = format!("expected an object with the arguments, found {found}; the method takes {takes}");
                return Err(place.wrong(text));
            }
        };
        let inputs = self
            .feeds
            .iter()
            .filter(|feed| matches!(feed.items, Given::Input))
            .count();
        if inputs > 1 {
            let text = "only one stream can be standard input: write the items of the others as an array";
            return Err(place.wrong(text));
        }
        Ok(Arguments {
            values: Typed::Tuple(values),
            feeds: self.feeds,
            taps: self.taps,
        })
    }

    /// One item of a stream.
    pub(crate) fn item(types: &'static Types, item: NodeId, value: &Value) -> Result<Typed, Wrong> {
        let mut writing = Self::new(types);
        let typed = writing.item_value(item, value, &Place::ROOT)?;
        if writing.feeds.is_empty() && writing.taps.is_empty() {
            return Ok(typed);
        }
        Err(Place::ROOT.wrong("an item with a stream in it cannot be sent from here"))
    }

    fn named_arguments(
        &mut self,
        fields: &'static [Field],
        given: &Map<String, Value>,
        place: &Place<'_>,
    ) -> Result<Vec<Typed>, Wrong> {
        if let Some(unknown) = given
            .keys()
            .find(|name| fields.iter().all(|field| field.name != **name))
        {
            let takes = takes(fields);
            return Err(place
                .field(unknown)
                .wrong(format!("no such argument; the method takes {takes}")));
        }
        let values = fields.iter().map(|field| match given.get(&field.name) {
            Some(value) => self.value(field.shape, value, &place.field(&field.name)),
            None => self.absent(field, place),
        });
        values.collect()
    }

    /// What stands for a field or an argument that was left out.
    pub(super) fn absent(&mut self, field: &Field, around: &Place<'_>) -> Result<Typed, Wrong> {
        let place = around.field(&field.name);
        match self.types.node(self.types.bare(field.shape)) {
            Node::Option(_) | Node::Sender(_) => self.value(field.shape, &Value::Null, &place),
            Node::Receiver(_) => self.value(field.shape, &Value::from("-"), &place),
            _ => {
                let expected = self.types.expected(field.shape);
                Err(place.wrong(format!("missing; expected {expected}")))
            }
        }
    }

    /// An item that is a `Result` may be written as what is good alone.
    fn item_value(&mut self, item: NodeId, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        let is_written = |value: &Value| match value {
            Value::Object(entries) => entries.len() == 1 && entries.keys().all(|key| key == "Ok" || key == "Err"),
            _ => false,
        };
        match self.types.sides(item) {
            Some([of, _]) if !is_written(value) => {
                let good = self.value(of, value, place)?;
                let variant = typed::Variant {
                    of: "Result",
                    index: 0,
                    name: "Ok",
                };
                Ok(Typed::Variant(variant, TypedContent::Newtype(Box::new(good))))
            }
            _ => self.value(item, value, place),
        }
    }

    /// The items of a stream: `"-"` for standard input, or an array.
    pub(super) fn stream(&mut self, item: NodeId, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        let items = match value {
            Value::String(text) if text == "-" => Given::Input,
            Value::Array(values) => {
                let values = values.iter().enumerate();
                let values = values.map(|(index, value)| self.item_value(item, value, &place.index(index)));
                Given::Here(values.collect::<Result<_, _>>()?)
            }
            other => {
                let found = found(other);
                let text = format!("expected the items as an array, or \"-\" for standard input, found {found}");
                return Err(place.wrong(text));
            }
        };
        let (sender, receiver) = channel();
        self.feeds.push(Feed { sender, item, items });
        Ok(Typed::Receiver(receiver))
    }

    pub(super) fn tap(&mut self, item: NodeId) -> Typed {
        let (sender, receiver) = channel();
        self.taps.push(Tap { receiver, item });
        Typed::Sender(sender)
    }
}
