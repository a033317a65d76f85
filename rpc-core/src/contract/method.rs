//! The contract of one method.

use serde::{Deserialize, Serialize};

use super::{
    Difference, Fingerprint, Samples, Shape,
    difference::{differences, policies},
    shape::{Field, Node},
};

/// Finds the shape of one type.
pub(crate) type TypeTracer = fn(&Samples, bool) -> Shape;

/// The types of a method, which can be traced.
#[derive(Debug)]
pub struct MethodTypes {
    arguments: Vec<TypeTracer>,
    output: OutputTypes,
}

/// The type of a method's result, and of its error if that is one of the service's own.
#[derive(Clone, Copy, Debug)]
pub struct OutputTypes {
    pub(crate) result: TypeTracer,
    pub(crate) error: Option<TypeTracer>,
}

impl MethodTypes {
    /// A method with these arguments, in their order, and this result.
    pub fn new(arguments: &[fn(&Samples, bool) -> Shape], output: OutputTypes) -> Self {
        Self {
            arguments: arguments.to_vec(),
            output,
        }
    }

    /// The contract as formats see it that are made for people to read, or not. `names` are those of the arguments.
    pub(crate) fn trace(&self, samples: &Samples, readable: bool, names: &[&str]) -> Shape {
        let traced = |tracer: &TypeTracer| tracer(samples, readable);
        let arguments = names.iter().zip(self.arguments.iter().map(traced));
        let result = traced(&self.output.result);
        whole(arguments, result, self.output.error.as_ref().map(traced))
    }
}

/// What both sides of a call have to agree on: a method's name, and the names and shapes of its arguments, its result
/// and its error. The items of streams belong to the argument or the result that is the stream.
///
/// ```
/// # #[farcall::service]
/// # pub trait Inventory {
/// #     async fn stock(&self, sku: &str) -> farcall::Result<u32>;
/// # }
/// let contract = InventoryClient::contract();
/// let stock = contract.method("stock").expect("the trait has it");
/// assert_eq!(stock.name(), "stock");
/// assert!(stock.differences(stock).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodContract {
    name: String,
    policy: Policy,
    types: Shape,
}

/// What a method's attribute says of calls. It binds the side that has it, so both sides may have different ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Policy {
    /// Running it twice does no harm.
    pub idempotent: bool,
    /// The caller does not wait for the handler.
    pub oneway: bool,
    /// The handler finishes even when the caller goes away.
    pub detached: bool,
    /// The deadline of a call that sets none of its own, in milliseconds.
    pub timeout_ms: Option<u64>,
}

impl MethodContract {
    pub(crate) fn new(name: &str, policy: Policy, types: Shape) -> Self {
        Self {
            name: name.to_owned(),
            policy,
            types,
        }
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its attribute says of calls.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The shapes of its arguments, its result and its error, as fields of one struct: `arguments`, `result` and, where
    /// the service has an error type of its own, `error`.
    pub fn types(&self) -> &Shape {
        &self.types
    }

    /// The number that stands for its types. Two builds with equal ones understand each other in every format.
    pub fn fingerprint(&self) -> Fingerprint {
        self.types.fingerprint()
    }

    /// Where this side's method and the other side's differ, in the order of this side's: at most 32 places, and one
    /// for each part of the [policy](Self::policy).
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = differences(&self.types, &other.types);
        found.extend(policies(&self.policy, &other.policy));
        for difference in &mut found {
            difference.method.clone_from(&self.name);
        }
        found
    }
}

/// The names of the parts of a method.
pub(super) const ARGUMENTS: &str = "arguments";
pub(super) const RESULT: &str = "result";
pub(super) const ERROR: &str = "error";

/// The shapes of a method's types as one shape. The structs that are of no type have no name.
fn whole<'a>(arguments: impl Iterator<Item = (&'a &'a str, Shape)>, result: Shape, error: Option<Shape>) -> Shape {
    let (mut nodes, mut fields) = (vec![Node::Tuple(Vec::new()); 2], Vec::new());
    let mut add = |name: &str, shape: Shape| {
        let offset = nodes.len() as u32;
        nodes.extend(shape.into_moved(offset));
        Field {
            name: name.to_owned(),
            shape: offset,
        }
    };
    for (name, shape) in arguments {
        fields.push(add(name, shape));
    }
    let mut parts = vec![Field {
        name: ARGUMENTS.to_owned(),
        shape: 1,
    }];
    parts.push(add(RESULT, result));
    parts.extend(error.map(|error| add(ERROR, error)));
    nodes[0] = Node::Struct(String::new(), parts);
    nodes[1] = Node::Struct(String::new(), fields);
    Shape::of_nodes(nodes)
}
