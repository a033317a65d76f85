//! A contract from its text.

mod cursor;
mod lexer;
mod types;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    str::FromStr,
};

use self::{
    cursor::Cursor,
    lexer::{Word, words},
    types::{Types, denies_unknown, separator},
};
use crate::contract::{
    Contract, MethodContract, Policy,
    shape::{Field, Node, NodeId, Primitive, Shape},
    signature::{heads, library_error},
};

/// Why a text is no contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidContract {
    line: usize,
    reason: String,
}

impl InvalidContract {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }

    /// The line, from 1 on.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong there.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for InvalidContract {}

/// From the text that `Display` makes. Lines that begin with `//` are comments.
impl FromStr for Contract {
    type Err = InvalidContract;

    fn from_str(text: &str) -> Result<Self, InvalidContract> {
        let mut cursor = Cursor::new(words(text)?);
        cursor.word("service")?;
        let service = cursor.name()?;
        let methods = section(&mut cursor)?;
        let mut readable = Vec::new();
        if cursor.takes_word("in") {
            cursor.word("readable")?;
            cursor.word("formats")?;
            readable = section(&mut cursor)?;
        }
        if cursor.peek().is_some() {
            return Err(cursor.expected("a method or a type"));
        }
        let known: HashSet<_> = methods.iter().map(|method| method.name.clone()).collect();
        if let Some(method) = readable.iter().find(|method| !known.contains(&method.name)) {
            let reason = format!("there is no method `{}` above", method.name.escape_debug());
            return Err(InvalidContract::new(method.line, reason));
        }
        let methods = methods.into_iter().map(|method| {
            let other = readable.iter().find(|other| other.name == method.name);
            let readable = other.map_or_else(|| method.types.clone(), |other| other.types.clone());
            MethodContract::new(&method.name, method.policy, method.types, readable)
        });
        Ok(Self::new(&service, methods.collect()))
    }
}

struct Method {
    name: String,
    policy: Policy,
    types: Shape,
    line: usize,
}

/// A method whose types are not put together yet.
struct Declared {
    name: String,
    policy: Policy,
    arguments: Vec<(String, NodeId)>,
    result: NodeId,
    error: Option<DeclaredError>,
    line: usize,
}

enum DeclaredError {
    Library,
    Own(NodeId),
}

/// Methods and types, up to the next section.
fn section(cursor: &mut Cursor) -> Result<Vec<Method>, InvalidContract> {
    let (mut types, mut declared) = (Types::default(), Vec::<Declared>::new());
    let mut names = HashSet::new();
    while cursor.peek().is_some() && !cursor.is_word("in") {
        let attribute = attribute(cursor)?;
        if cursor.is_word("fn") {
            let policy = match attribute {
                Some(Attribute::Policy(policy)) => policy,
                None => Policy::default(),
                Some(Attribute::DenyUnknown) => {
                    return Err(cursor.error("`#[deny_unknown_fields]` belongs before a struct"));
                }
            };
            let method = method(cursor, &mut types, policy)?;
            if !names.insert(method.name.clone()) {
                let reason = format!("there are two methods `{}`", method.name.escape_debug());
                return Err(InvalidContract::new(method.line, reason));
            }
            declared.push(method);
            continue;
        }
        if let Some(Attribute::Policy(_)) = attribute {
            return Err(cursor.expected("`fn`"));
        }
        if !["struct", "enum", "type"].into_iter().any(|word| cursor.is_word(word)) {
            return Err(cursor.expected("`fn`, `struct`, `enum` or `type`"));
        }
        types.definition(cursor, attribute.is_some())?;
    }
    let nodes = types.finish()?;
    let mut room = MOST;
    declared
        .into_iter()
        .map(|method| method.put_together(&nodes, &mut room))
        .collect()
}

enum Attribute {
    Policy(Policy),
    DenyUnknown,
}

fn attribute(cursor: &mut Cursor) -> Result<Option<Attribute>, InvalidContract> {
    if cursor.peek() != Some(&Word::Sign('#')) {
        return Ok(None);
    }
    if cursor.is_policy() {
        return policy(cursor).map(|policy| Some(Attribute::Policy(policy)));
    }
    denies_unknown(cursor).map(|_| Some(Attribute::DenyUnknown))
}

/// `#[rpc(idempotent, timeout = "5000 ms")]`.
fn policy(cursor: &mut Cursor) -> Result<Policy, InvalidContract> {
    let mut policy = Policy::default();
    cursor.sign('#')?;
    cursor.sign('[')?;
    cursor.word("rpc")?;
    cursor.sign('(')?;
    while !cursor.takes(')') {
        if cursor.takes_word("idempotent") {
            policy.idempotent = true;
        } else if cursor.takes_word("oneway") {
            policy.oneway = true;
        } else if cursor.takes_word("detached") {
            policy.detached = true;
        } else if cursor.takes_word("timeout") {
            cursor.sign('=')?;
            policy.timeout_ms = Some(milliseconds(cursor)?);
        } else {
            return Err(cursor.expected("`idempotent`, `oneway`, `detached` or `timeout`"));
        }
        separator(cursor, ')')?;
    }
    cursor.sign(']')?;
    Ok(policy)
}

fn milliseconds(cursor: &mut Cursor) -> Result<u64, InvalidContract> {
    let time = match cursor.peek() {
        Some(Word::Quoted(time)) => time.strip_suffix(" ms").and_then(|time| time.parse().ok()),
        _ => None,
    };
    let time = time.ok_or_else(|| cursor.expected("a time such as \"5000 ms\""))?;
    cursor.advance();
    Ok(time)
}

/// `fn stock(sku: string) -> Result<u32>`.
fn method(cursor: &mut Cursor, types: &mut Types, policy: Policy) -> Result<Declared, InvalidContract> {
    let line = cursor.line();
    cursor.word("fn")?;
    let name = cursor.name()?;
    cursor.sign('(')?;
    let mut arguments = Vec::new();
    while !cursor.takes(')') {
        let name = cursor.name()?;
        cursor.sign(':')?;
        arguments.push((name, types.reference(cursor, 0)?));
        separator(cursor, ')')?;
    }
    let (result, error) = output(cursor, types)?;
    Ok(Declared {
        name,
        policy,
        arguments,
        result,
        error,
        line,
    })
}

fn output(cursor: &mut Cursor, types: &mut Types) -> Result<(NodeId, Option<DeclaredError>), InvalidContract> {
    if cursor.peek() != Some(&Word::Arrow) {
        return Ok((types.primitive(Primitive::Unit, cursor)?, None));
    }
    cursor.advance();
    if !(cursor.is_word("Result") && cursor.after() == Some(Word::Sign('<'))) {
        return Ok((types.reference(cursor, 0)?, None));
    }
    cursor.advance();
    cursor.sign('<')?;
    let result = types.reference(cursor, 0)?;
    let error = if cursor.takes(',') {
        DeclaredError::Own(types.reference(cursor, 0)?)
    } else {
        DeclaredError::Library
    };
    cursor.sign('>')?;
    Ok((result, Some(error)))
}

impl Declared {
    /// With the nodes that it refers to, and no others.
    fn put_together(self, nodes: &[Node], room: &mut usize) -> Result<Method, InvalidContract> {
        let mut picked = Picked {
            numbers: HashMap::new(),
            order: Vec::new(),
        };
        let arguments = self
            .arguments
            .iter()
            .map(|(name, id)| Field::required(name, picked.number(*id)));
        let arguments = arguments.collect();
        let result = picked.number(self.result);
        let own = match self.error {
            Some(DeclaredError::Own(error)) => Some(picked.number(error)),
            _ => None,
        };
        let mut kept = Vec::new();
        while let Some(&id) = picked.order.get(kept.len()) {
            let mut node = nodes[id as usize].clone();
            let mut size = 1;
            node.for_each_part(|part| {
                *part = picked.number(*part);
                size += 1;
            });
            let left = room.checked_sub(size);
            *room = left.ok_or_else(|| InvalidContract::new(self.line, "the types of all methods are too large"))?;
            kept.push(node);
        }
        let library = matches!(self.error, Some(DeclaredError::Library)).then(|| {
            kept.push(library_error());
            kept.len() as NodeId + 1
        });
        let mut all: Vec<_> = heads(arguments, result, own.or(library)).into();
        all.append(&mut kept);
        let types = Shape::try_from(all).map_err(|error| InvalidContract::new(self.line, error.to_string()))?;
        Ok(Method {
            name: self.name,
            policy: self.policy,
            types,
            line: self.line,
        })
    }
}

/// How many types and parts of types the methods of a section have together, where each has its own.
const MOST: usize = 1 << 22;

/// Nodes with new numbers, behind the two that a method begins with.
struct Picked {
    numbers: HashMap<NodeId, NodeId>,
    order: Vec<NodeId>,
}

impl Picked {
    fn number(&mut self, id: NodeId) -> NodeId {
        *self.numbers.entry(id).or_insert_with(|| {
            self.order.push(id);
            self.order.len() as NodeId + 1
        })
    }
}
