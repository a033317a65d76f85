//! A contract as text: a line for each method, and then one for each type with a name.

use std::fmt;

use super::{
    Contract, MethodContract, Policy,
    display::Written,
    merged::merged,
    shape::{Node, NodeId, Shape},
};

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = merged(self.methods().iter().map(MethodContract::types));
        let written = Written::of_types(&whole);
        writeln!(f, "service {}", self.service())?;
        let Node::Tuple(roots) = whole.node(0) else {
            return Ok(());
        };
        for (method, &root) in self.methods().iter().zip(roots) {
            attributes(f, method.policy())?;
            writeln!(f, "fn {}{}", method.name(), signature(&whole, root, &written))?;
        }
        for definition in written.definitions() {
            writeln!(f, "{definition}")?;
        }
        Ok(())
    }
}

fn attributes(f: &mut fmt::Formatter<'_>, policy: &Policy) -> fmt::Result {
    let flags = [
        ("idempotent", policy.idempotent),
        ("oneway", policy.oneway),
        ("detached", policy.detached),
    ];
    let flags = flags
        .into_iter()
        .filter(|(_, set)| *set)
        .map(|(name, _)| name.to_owned());
    let timeout = policy.timeout_ms.map(|time| format!("timeout = \"{time} ms\""));
    let all: Vec<_> = flags.chain(timeout).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(f, "#[rpc({})]", all.join(", "))
}

/// The arguments and the result of the method whose types are at `root`.
fn signature(shape: &Shape, root: NodeId, written: &Written<'_>) -> String {
    let Node::Struct(_, parts) = shape.node(root) else {
        return String::new();
    };
    let [arguments, result, error @ ..] = &parts[..] else {
        return String::new();
    };
    let Node::Struct(_, arguments) = shape.node(arguments.shape) else {
        return String::new();
    };
    let arguments: Vec<_> = arguments
        .iter()
        .map(|argument| format!("{}: {}", argument.name, written.reference(argument.shape)))
        .collect();
    let result = written.reference(result.shape);
    let output = match error {
        [error, ..] => format!(" -> Result<{result}, {}>", written.reference(error.shape)),
        [] if result == "()" => String::new(),
        [] => format!(" -> {result}"),
    };
    format!("({}){output}", arguments.join(", "))
}
