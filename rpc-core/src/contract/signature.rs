//! The types of a method, and their shapes as one.

use super::{
    Samples, Shape,
    shape::{Field, Fields, Node, NodeId},
};

/// Finds the shape of one type.
pub(crate) type TypeTracer = fn(&Samples, bool) -> Shape;

/// The types of a method, which can be traced.
#[derive(Debug)]
pub struct MethodTypes {
    arguments: Vec<TypeTracer>,
    output: OutputTypes,
}

/// The type of a method's result, and what it has for an error.
#[derive(Clone, Copy, Debug)]
pub struct OutputTypes {
    pub(crate) result: TypeTracer,
    pub(crate) error: ErrorType,
}

/// What a method's result has beside what is good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ErrorType {
    /// Nothing: the result is no `Result`, and travels as it is.
    Plain,
    /// The library's own error, which travels as the failure of the call.
    Library,
    /// One of the service's own.
    Own(TypeTracer),
}

impl MethodTypes {
    /// A method with these arguments, in their order, and this result.
    pub fn new(arguments: &[fn(&Samples, bool) -> Shape], output: OutputTypes) -> Self {
        Self {
            arguments: arguments.to_vec(),
            output,
        }
    }

    /// The shape of all types, as formats see it that are made for people to read, or not. `names` are those of the
    /// arguments.
    pub(crate) fn trace(&self, samples: &Samples, readable: bool, names: &[&str]) -> Shape {
        let traced = |tracer: &TypeTracer| tracer(samples, readable);
        let arguments = names.iter().copied().zip(self.arguments.iter().map(traced));
        let error = match &self.output.error {
            ErrorType::Plain => None,
            ErrorType::Library => Some(Shape::of_nodes(vec![library_error()])),
            ErrorType::Own(error) => Some(traced(error)),
        };
        whole(arguments, traced(&self.output.result), error)
    }
}

/// The names of the parts of a method.
pub(super) const ARGUMENTS: &str = "arguments";
pub(super) const RESULT: &str = "result";
pub(super) const ERROR: &str = "error";

/// What stands in the place of an error that is the library's own. No type that travels is called so.
pub(super) fn library_error() -> Node {
    Node::UnitStruct(LIBRARY_ERROR.to_owned())
}

const LIBRARY_ERROR: &str = "farcall::Error";

pub(super) fn is_library_error(node: &Node) -> bool {
    matches!(node, Node::UnitStruct(name) if name == LIBRARY_ERROR)
}

/// The shapes of a method's types as one shape.
fn whole<'a>(arguments: impl Iterator<Item = (&'a str, Shape)>, result: Shape, error: Option<Shape>) -> Shape {
    let mut nodes = vec![Node::Tuple(Vec::new()); 2];
    let mut add = |shape: Shape| {
        let offset = nodes.len() as NodeId;
        nodes.extend(shape.into_moved(offset));
        offset
    };
    let arguments = arguments
        .map(|(name, shape)| Field::required(name, add(shape)))
        .collect();
    let (result, error) = (add(result), error.map(&mut add));
    let [root, fields] = heads(arguments, result, error);
    nodes[0] = root;
    nodes[1] = fields;
    Shape::of_nodes(nodes)
}

/// The first two nodes of a method: the method, and its arguments. They are structs of no type, and have no name.
pub(super) fn heads(arguments: Vec<Field>, result: NodeId, error: Option<NodeId>) -> [Node; 2] {
    let mut parts = vec![Field::required(ARGUMENTS, 1), Field::required(RESULT, result)];
    parts.extend(error.map(|error| Field::required(ERROR, error)));
    [parts, arguments].map(|fields| Node::Struct(String::new(), fields.into()))
}

/// A method's types within its shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature<'a> {
    pub(super) arguments: &'a Fields,
    pub(super) result: NodeId,
    /// If the result is a `Result`.
    pub(super) error: Option<NodeId>,
}

impl Signature<'_> {
    /// All types, in the order in which they are written. The library's own error is none.
    pub(super) fn types(&self, shape: &Shape) -> Vec<NodeId> {
        let error = self.error.filter(|&error| !is_library_error(shape.node(error)));
        let arguments = self.arguments.iter().map(|argument| argument.shape);
        arguments.chain([self.result]).chain(error).collect()
    }
}

/// `None` if it is no method's shape.
pub(super) fn signature(shape: &Shape) -> Option<Signature<'_>> {
    signature_at(shape, 0)
}

/// The same for one of several methods in one shape.
pub(super) fn signature_at(shape: &Shape, root: NodeId) -> Option<Signature<'_>> {
    let Node::Struct(_, parts) = shape.node(root) else {
        return None;
    };
    let (arguments, result, error) = match &parts[..] {
        [arguments, result] => (arguments, result, None),
        [arguments, result, error] if error.name == ERROR => (arguments, result, Some(error.shape)),
        _ => return None,
    };
    let names = [&*arguments.name, &*result.name];
    match shape.node(arguments.shape) {
        Node::Struct(_, arguments) if names == [ARGUMENTS, RESULT] => Some(Signature {
            arguments,
            result: result.shape,
            error,
        }),
        _ => None,
    }
}
