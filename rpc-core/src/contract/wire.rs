//! Shapes as bytes, as they travel with the refusal of a call: the same in every build, whatever formats it has.
//!
//! ```text
//!  count of nodes, then each node: its kind in one byte, then what it has
//! ```
//! A number is a varint of seven bits a byte, the lowest first. A name is its length and its bytes. A list is its
//! length and its elements. Nothing is reserved on the word of a length: each element takes at least one byte of the
//! input, and that is bounded.

use super::shape::{Content, Field, Fields, Node, NodeId, Primitive, Shape, Variant};

impl Shape {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        list(&mut out, self.nodes(), node);
        out
    }

    /// `None` if the bytes are not those of a shape.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let nodes = input.list(Input::node)?;
        input.0.is_empty().then_some(())?;
        Self::try_from(nodes).ok()
    }
}

fn node(out: &mut Vec<u8>, of: &Node) {
    let kind = |out: &mut Vec<u8>, kind: u8| out.push(kind);
    match of {
        Node::Primitive(of) => out.extend([0, *of as u8]),
        Node::Option(of) => with(out, 1, *of),
        Node::Sequence(of) => with(out, 2, *of),
        Node::Map(key, value) => {
            with(out, 3, *key);
            number(out, *value);
        }
        Node::Tuple(parts) => {
            kind(out, 4);
            list(out, parts, |out, part| number(out, *part));
        }
        Node::UnitStruct(of) => named(out, 5, of),
        Node::Newtype(of, part) => {
            named(out, 6, of);
            number(out, *part);
        }
        Node::TupleStruct(of, parts) => {
            named(out, 7, of);
            list(out, parts, |out, part| number(out, *part));
        }
        Node::Struct(of, of_struct) => {
            named(out, 8, of);
            fields(out, of_struct);
        }
        Node::Enum(of, variants) => {
            named(out, 9, of);
            list(out, variants, variant);
        }
        Node::Receiver(of) => with(out, 10, *of),
        Node::Sender(of) => with(out, 11, *of),
        Node::Client(of) => named(out, 12, of),
        Node::Opaque(of) => named(out, 13, of),
    }
}

fn variant(out: &mut Vec<u8>, of: &Variant) {
    name(out, &of.name);
    list(out, &of.aliases, |out, alias| name(out, alias));
    match &of.content {
        Content::Unit => out.push(0),
        Content::Newtype(of) => with(out, 1, *of),
        Content::Tuple(parts) => {
            out.push(2);
            list(out, parts, |out, part| number(out, *part));
        }
        Content::Struct(of) => {
            out.push(3);
            fields(out, of);
        }
        Content::Refused => out.push(4),
    }
}

fn fields(out: &mut Vec<u8>, of: &Fields) {
    out.push(of.strict.into());
    list(out, of, field);
}

fn field(out: &mut Vec<u8>, of: &Field) {
    name(out, &of.name);
    number(out, of.shape);
    out.push(of.optional.into());
    list(out, &of.aliases, |out, alias| name(out, alias));
}

fn with(out: &mut Vec<u8>, kind: u8, of: NodeId) {
    out.push(kind);
    number(out, of);
}

fn named(out: &mut Vec<u8>, kind: u8, of: &str) {
    out.push(kind);
    name(out, of);
}

fn name(out: &mut Vec<u8>, of: &str) {
    number(out, of.len() as u32);
    out.extend(of.as_bytes());
}

fn list<T>(out: &mut Vec<u8>, of: &[T], element: impl Fn(&mut Vec<u8>, &T)) {
    number(out, of.len() as u32);
    for of in of {
        element(out, of);
    }
}

fn number(out: &mut Vec<u8>, mut of: u32) {
    while of >= 0x80 {
        out.push(of as u8 | 0x80);
        of >>= 7;
    }
    out.push(of as u8);
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u32> {
        let mut of = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            of |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(of).ok();
            }
        }
        None
    }

    /// Control characters are replaced: the name may end up in a terminal or a log.
    fn name(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        let (name, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let name = std::str::from_utf8(name).ok()?;
        Some(name.replace(char::is_control, "\u{fffd}"))
    }

    fn list<T>(&mut self, element: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        // It grows with the input and not with the number.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(element(self)?);
        }
        Some(list)
    }

    fn numbers(&mut self) -> Option<Vec<NodeId>> {
        self.list(Self::number)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn field(&mut self) -> Option<Field> {
        Some(Field {
            name: self.name()?,
            shape: self.number()?,
            optional: self.flag()?,
            aliases: self.list(Self::name)?,
        })
    }

    fn fields(&mut self) -> Option<Fields> {
        let strict = self.flag()?;
        let list = self.list(Self::field)?;
        Some(Fields { list, strict })
    }

    fn variant(&mut self) -> Option<Variant> {
        Some(Variant {
            name: self.name()?,
            aliases: self.list(Self::name)?,
            content: match self.byte()? {
                0 => Content::Unit,
                1 => Content::Newtype(self.number()?),
                2 => Content::Tuple(self.numbers()?),
                3 => Content::Struct(self.fields()?),
                4 => Content::Refused,
                _ => return None,
            },
        })
    }

    fn node(&mut self) -> Option<Node> {
        Some(match self.byte()? {
            0 => Node::Primitive(*Primitive::ALL.get(usize::from(self.byte()?))?),
            1 => Node::Option(self.number()?),
            2 => Node::Sequence(self.number()?),
            3 => Node::Map(self.number()?, self.number()?),
            4 => Node::Tuple(self.numbers()?),
            5 => Node::UnitStruct(self.name()?),
            6 => Node::Newtype(self.name()?, self.number()?),
            7 => Node::TupleStruct(self.name()?, self.numbers()?),
            8 => Node::Struct(self.name()?, self.fields()?),
            9 => Node::Enum(self.name()?, self.list(Self::variant)?),
            10 => Node::Receiver(self.number()?),
            11 => Node::Sender(self.number()?),
            12 => Node::Client(self.name()?),
            13 => Node::Opaque(self.name()?),
            _ => return None,
        })
    }
}
