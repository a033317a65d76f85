//! The types in a contract's text.

use std::collections::HashMap;

use super::{InvalidContract, cursor::Cursor, lexer::Word};
use crate::contract::{
    shape::{Content, Field, Fields, Node, NodeId, Primitive, Variant},
    text::name::RESERVED,
};

/// How deep types are written within each other. What is written here has a bound of its own, below this one.
const DEEPEST: usize = 128;
/// How many types and parts of types a text has.
const MOST: usize = 1 << 20;

/// A name, and which of the types with that name it is.
type Key = (String, u64);

/// The types of one section.
#[derive(Default)]
pub(super) struct Types {
    nodes: Vec<Option<Node>>,
    /// With the line in which it was met first.
    known: HashMap<Key, (NodeId, usize)>,
    /// How many parts there are in lists.
    parts: usize,
}

impl Types {
    fn add(&mut self, node: Node, at: &Cursor) -> Result<NodeId, InvalidContract> {
        self.nodes.push(Some(node));
        if self.nodes.len() > MOST {
            return Err(at.error("there are too many types"));
        }
        Ok((self.nodes.len() - 1) as NodeId)
    }

    pub(super) fn primitive(&mut self, of: Primitive, at: &Cursor) -> Result<NodeId, InvalidContract> {
        self.add(Node::Primitive(of), at)
    }

    fn named(&mut self, key: Key, line: usize) -> NodeId {
        let fresh = self.nodes.len() as NodeId;
        let (id, _) = *self.known.entry(key).or_insert((fresh, line));
        if id == fresh {
            self.nodes.push(None);
        }
        id
    }

    /// The nodes by their ids, if all types are defined.
    pub(super) fn finish(self) -> Result<Vec<Node>, InvalidContract> {
        let undefined = self
            .known
            .iter()
            .filter(|(_, (id, _))| self.nodes[*id as usize].is_none());
        if let Some(((name, _), (_, line))) = undefined.min_by_key(|(_, (_, line))| *line) {
            let reason = format!("the type `{}` is defined nowhere", name.escape_debug());
            return Err(InvalidContract::new(*line, reason));
        }
        Ok(self.nodes.into_iter().flatten().collect())
    }

    /// `struct`, `enum` or `type`, and what follows.
    pub(super) fn definition(&mut self, cursor: &mut Cursor, strict: bool) -> Result<(), InvalidContract> {
        let line = cursor.line();
        let is = |cursor: &mut Cursor, word: &str| cursor.takes_word(word);
        let (is_struct, is_enum) = (is(cursor, "struct"), is(cursor, "enum"));
        if !is_struct && !is_enum {
            cursor.word("type")?;
        }
        if strict && !is_struct {
            return Err(cursor.error("`#[deny_unknown_fields]` belongs before a struct"));
        }
        let (name, count) = (cursor.name()?, cursor.count());
        let id = self.named((name.clone(), count), line);
        if self.nodes[id as usize].is_some() {
            return Err(cursor.error(format!("the type `{}` is defined twice", name.escape_debug())));
        }
        let node = if is_struct {
            self.structure(cursor, name, strict)?
        } else if is_enum {
            Node::Enum(name, self.variants(cursor)?)
        } else {
            cursor.sign('=')?;
            match self.inline(cursor, 0)? {
                Some(node) => node,
                None => return Err(cursor.error("a `type` is not just the name of another one")),
            }
        };
        self.nodes[id as usize] = Some(node);
        Ok(())
    }

    fn structure(&mut self, cursor: &mut Cursor, name: String, strict: bool) -> Result<Node, InvalidContract> {
        Ok(match self.content(cursor, strict)? {
            Content::Unit => Node::UnitStruct(name),
            Content::Newtype(of) => Node::Newtype(name, of),
            Content::Tuple(parts) => Node::TupleStruct(name, parts),
            Content::Struct(fields) => Node::Struct(name, fields),
            Content::Refused => return Err(cursor.error("only a variant can be refused")),
        })
    }

    fn variants(&mut self, cursor: &mut Cursor) -> Result<Vec<Variant>, InvalidContract> {
        let mut variants = Vec::new();
        cursor.sign('{')?;
        while !cursor.takes('}') {
            let strict = denies_unknown(cursor)?;
            let number = cursor.number()?;
            if number != variants.len() as u64 {
                let expected = variants.len();
                return Err(cursor.error(format!("variant {number} stands in the place of variant {expected}")));
            }
            let (name, aliases) = names(cursor)?;
            variants.push(Variant {
                name,
                aliases,
                content: self.content(cursor, strict)?,
            });
            self.count(1, cursor)?;
            separator(cursor, '}')?;
        }
        Ok(variants)
    }

    /// What a struct or a variant has behind its name.
    fn content(&mut self, cursor: &mut Cursor, strict: bool) -> Result<Content, InvalidContract> {
        if cursor.takes('{') {
            return Ok(Content::Struct(self.fields(cursor, strict)?));
        }
        if strict {
            return Err(cursor.error("`#[deny_unknown_fields]` needs named fields"));
        }
        if !cursor.takes('(') {
            return Ok(Content::Unit);
        }
        if cursor.is_word("refused") && cursor.after() == Some(Word::Sign(')')) {
            cursor.advance();
            cursor.sign(')')?;
            return Ok(Content::Refused);
        }
        if cursor.takes(')') {
            return Ok(Content::Tuple(Vec::new()));
        }
        let first = self.reference(cursor, 0)?;
        if cursor.takes(')') {
            return Ok(Content::Newtype(first));
        }
        Ok(Content::Tuple(self.rest_of_list(cursor, first, 0)?))
    }

    fn fields(&mut self, cursor: &mut Cursor, strict: bool) -> Result<Fields, InvalidContract> {
        let mut list = Vec::new();
        while !cursor.takes('}') {
            let (name, aliases) = names(cursor)?;
            let optional = cursor.takes('?');
            cursor.sign(':')?;
            list.push(Field {
                name,
                shape: self.reference(cursor, 0)?,
                optional,
                aliases,
            });
            self.count(1, cursor)?;
            separator(cursor, '}')?;
        }
        Ok(Fields { list, strict })
    }

    /// A type within another one.
    pub(super) fn reference(&mut self, cursor: &mut Cursor, depth: usize) -> Result<NodeId, InvalidContract> {
        let line = cursor.line();
        if let Some(node) = self.inline(cursor, depth)? {
            return self.add(node, cursor);
        }
        let key = (cursor.name()?, cursor.count());
        self.count(1, cursor)?;
        Ok(self.named(key, line))
    }

    /// A type that is written out; `None` if the name of one follows.
    fn inline(&mut self, cursor: &mut Cursor, depth: usize) -> Result<Option<Node>, InvalidContract> {
        if depth > DEEPEST {
            return Err(cursor.error(format!("types are written more than {DEEPEST} deep within each other")));
        }
        if cursor.takes('[') {
            let of = self.reference(cursor, depth + 1)?;
            cursor.sign(']')?;
            return Ok(Some(Node::Sequence(of)));
        }
        if cursor.takes('{') {
            let key = self.reference(cursor, depth + 1)?;
            cursor.sign(':')?;
            let value = self.reference(cursor, depth + 1)?;
            cursor.sign('}')?;
            return Ok(Some(Node::Map(key, value)));
        }
        if cursor.takes('(') {
            return self.tuple(cursor, depth).map(Some);
        }
        match cursor.peek() {
            Some(Word::Plain(word)) => {
                let word = word.clone();
                self.word(cursor, &word, depth)
            }
            Some(Word::Quoted(_)) => Ok(None),
            _ => Err(cursor.expected("a type")),
        }
    }

    fn tuple(&mut self, cursor: &mut Cursor, depth: usize) -> Result<Node, InvalidContract> {
        if cursor.takes(')') {
            return Ok(Node::Primitive(Primitive::Unit));
        }
        if cursor.takes(',') {
            cursor.sign(')')?;
            return Ok(Node::Tuple(Vec::new()));
        }
        let first = self.reference(cursor, depth + 1)?;
        Ok(Node::Tuple(self.rest_of_list(cursor, first, depth)?))
    }

    /// Behind the first part of a tuple: the others, or how many there are.
    fn rest_of_list(
        &mut self,
        cursor: &mut Cursor,
        first: NodeId,
        depth: usize,
    ) -> Result<Vec<NodeId>, InvalidContract> {
        if cursor.takes(';') {
            let length = cursor.number()?;
            self.count(length, cursor)?;
            cursor.sign(')')?;
            return Ok(vec![first; length as usize]);
        }
        let mut parts = vec![first];
        cursor.sign(',')?;
        while !cursor.takes(')') {
            parts.push(self.reference(cursor, depth + 1)?);
            separator(cursor, ')')?;
        }
        Ok(parts)
    }

    /// A type that begins with a word without quotes.
    fn word(&mut self, cursor: &mut Cursor, word: &str, depth: usize) -> Result<Option<Node>, InvalidContract> {
        let ahead = cursor.after();
        if let Some(Word::Count(_)) = ahead {
            return Ok(None);
        }
        let generic: Option<fn(NodeId) -> Node> = match word {
            "Option" => Some(Node::Option),
            "Receiver" => Some(Node::Receiver),
            "Sender" => Some(Node::Sender),
            _ => None,
        };
        if let (Some(generic), Some(Word::Sign('<'))) = (generic, ahead) {
            cursor.advance();
            cursor.sign('<')?;
            let of = self.reference(cursor, depth + 1)?;
            cursor.sign('>')?;
            return Ok(Some(generic(of)));
        }
        if let Some(&primitive) = Primitive::ALL.iter().find(|of| of.name() == word) {
            cursor.advance();
            return Ok(Some(Node::Primitive(primitive)));
        }
        if cursor.takes_word("client") {
            cursor.word("of")?;
            return Ok(Some(Node::Client(cursor.name()?)));
        }
        if cursor.takes_word("opaque") {
            return Ok(Some(Node::Opaque(cursor.name()?)));
        }
        if RESERVED.contains(&word) {
            return Err(cursor.expected("a type"));
        }
        Ok(None)
    }

    fn count(&mut self, parts: u64, at: &Cursor) -> Result<(), InvalidContract> {
        self.parts = usize::try_from(parts).map_or(usize::MAX, |parts| self.parts.saturating_add(parts));
        if self.parts > MOST {
            return Err(at.error("the types have too many parts"));
        }
        Ok(())
    }
}

/// A name, and its aliases.
fn names(cursor: &mut Cursor) -> Result<(String, Vec<String>), InvalidContract> {
    let name = cursor.name()?;
    let mut aliases = Vec::new();
    while cursor.takes('|') {
        aliases.push(cursor.name()?);
    }
    Ok((name, aliases))
}

/// Whether `#[deny_unknown_fields]` stands here.
pub(super) fn denies_unknown(cursor: &mut Cursor) -> Result<bool, InvalidContract> {
    if !cursor.takes('#') {
        return Ok(false);
    }
    cursor.sign('[')?;
    cursor.word("deny_unknown_fields")?;
    cursor.sign(']')?;
    Ok(true)
}

/// A comma, or the end of the list, which stays.
pub(super) fn separator(cursor: &mut Cursor, end: char) -> Result<(), InvalidContract> {
    if cursor.takes(',') || cursor.peek() == Some(&Word::Sign(end)) {
        Ok(())
    } else {
        Err(cursor.expected(&format!("`,` or `{end}`")))
    }
}
