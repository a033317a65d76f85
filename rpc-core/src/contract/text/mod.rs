//! A contract as text, which can be read again: a line for each method, and then each type with a name.

mod name;
mod parse;
mod shape;

use std::fmt;

pub use self::parse::InvalidContract;
pub(super) use self::{
    name::quoted,
    shape::{Layout, Written},
};
use super::{
    Contract, MethodContract, Policy,
    merged::merged,
    shape::{NodeId, Shape},
    signature::{Signature, is_library_error, signature_at},
};

/// What stands before the methods that look otherwise in readable formats.
const READABLE: &str = "in readable formats";

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "service {}", quoted(self.service()))?;
        let methods: Vec<_> = self.methods().iter().map(|method| (method, method.types())).collect();
        section(f, &methods, true)?;
        let readable = self
            .methods()
            .iter()
            .filter_map(|method| Some((method, method.readable()?)));
        let readable: Vec<_> = readable.collect();
        if !readable.is_empty() {
            writeln!(f, "\n{READABLE}")?;
            section(f, &readable, false)?;
        }
        Ok(())
    }
}

/// Methods with these types, and then the types with names.
fn section(f: &mut fmt::Formatter<'_>, methods: &[(&MethodContract, &Shape)], policies: bool) -> fmt::Result {
    let (whole, roots) = merged(methods.iter().map(|(_, types)| *types));
    let signatures = methods.iter().zip(&roots);
    let signatures = signatures.filter_map(|((method, _), &root)| Some((method, signature_at(&whole, root)?)));
    let signatures: Vec<_> = signatures.collect();
    let types: Vec<_> = signatures.iter().flat_map(|(_, of)| of.types(&whole)).collect();
    let written = Written::of(&whole, &types);
    for (method, signature) in &signatures {
        if policies {
            attributes(f, method.policy())?;
        }
        writeln!(
            f,
            "fn {}{}",
            quoted(method.name()),
            in_words(&whole, signature, &written)
        )?;
    }
    for definition in written.definitions(Layout::Lines) {
        writeln!(f, "{definition}")?;
    }
    Ok(())
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

/// The arguments and the result of a method.
fn in_words(shape: &Shape, signature: &Signature<'_>, written: &Written<'_>) -> String {
    let arguments: Vec<_> = signature
        .arguments
        .iter()
        .map(|argument| format!("{}: {}", quoted(&argument.name), written.reference(argument.shape)))
        .collect();
    let result = written.reference(signature.result);
    let is_library = |error: NodeId| is_library_error(shape.node(error));
    let output = match signature.error {
        Some(error) if is_library(error) => format!(" -> Result<{result}>"),
        Some(error) => format!(" -> Result<{result}, {}>", written.reference(error)),
        None if result == "()" => String::new(),
        None => format!(" -> {result}"),
    };
    format!("({}){output}", arguments.join(", "))
}
