//! What is said where the two sides of a connection do not agree on a method.

use super::{
    Claim, FormatKind, MAX_CLAIM, Shape, Verdict,
    compatibility::{CALLER_AND_CALLEE, HERE_AND_THERE, between},
    method::differences_of_method,
};
use crate::{Code, Error, Metadata};

/// Whether the two sides of a connection check that they mean the same by a method, before they exchange values.
///
/// ```
/// use farcall::{Channel, Server, contract::ContractCheck};
///
/// let channel = Channel::builder().contracts(ContractCheck::Optional);
/// let server = Server::new().contracts(ContractCheck::Off);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContractCheck {
    /// They do, and a peer that cannot, or that has it switched off, is refused.
    #[default]
    Required,
    /// They do if the peer does it, too. For a peer that was not made with this library.
    Optional,
    /// They do not: **types that differ can arrive as other values, without an error**.
    Off,
}

/// The key of the metadata in which a refusal brings the contract of the side that refuses.
pub(crate) const KEY: &str = "farcall-contract-bin";

/// How many differences a text has.
const SHOWN: usize = 4;

/// Both sides may well have been built from the same version.
const OPAQUE_ON_ONE_SIDE: &str = "one side cannot see through all of its types, perhaps because a `Deserialize` needs \
                                  something that only the other process has loaded";

/// The refusal of a call whose sender means something else by its method. It brings the types of this side, `told`,
/// unless the sender is not to know it or it is too long.
pub(crate) fn refusal(told: Option<&Shape>) -> Error {
    let types = told.map(Shape::encode).filter(|types| types.len() <= MAX_CLAIM);
    let mut metadata = Metadata::new();
    // The key is a valid one, so there is no error.
    let _ = metadata.append_bin(KEY, types.unwrap_or_default());
    Error::refused_for_good(Code::FailedPrecondition, text("")).with_metadata(metadata)
}

/// What keeps a caller that makes this claim from understanding a callee with these types, and what either of them does
/// not see of the other.
pub(super) fn judged(claim: &Claim, own: &Shape, kind: FormatKind) -> Verdict {
    match claim.types.as_ref().and_then(|types| Shape::decode(types)) {
        Some(caller) => between(&caller, own, kind, CALLER_AND_CALLEE),
        None => Verdict::unseen(),
    }
}

/// The refusal in words, as the caller reads it: with what differs between the other side's contract, which came along,
/// and `own`, this side's types of the method called `name`, as formats of that kind see it.
pub(crate) fn explained(refusal: Error, name: &str, own: &Shape, kind: FormatKind) -> Error {
    let Some(types) = refusal.metadata().bin(KEY) else {
        return refusal;
    };
    let there = Shape::decode(types);
    let mut found = match &there {
        None => Vec::new(),
        Some(there) if kind.is_named() => strings(between(own, there, kind, HERE_AND_THERE).worst()),
        Some(there) => strings(differences_of_method(name, own, there, kind)),
    };
    if there.is_some_and(|there| there.is_complete() != own.is_complete()) {
        found.insert(found.len().min(SHOWN - 1), OPAQUE_ON_ONE_SIDE.to_owned());
    }
    let mut metadata = refusal.metadata().clone();
    metadata.remove(KEY);
    Error::refused_for_good(Code::FailedPrecondition, text(&list(&found))).with_metadata(metadata)
}

fn text(what: &str) -> String {
    format!(
        "the two sides were built with different versions of this method{what}; its values would arrive as others, so \
         build both sides from the same version of the trait and its types"
    )
}

fn strings<T: ToString>(found: impl IntoIterator<Item = T>) -> Vec<String> {
    found.into_iter().map(|found| found.to_string()).collect()
}

fn list(found: &[String]) -> String {
    let rest = match found.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    match &found[..found.len().min(SHOWN)] {
        [] => String::new(),
        shown => format!(": {}{rest}", shown.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::shape::{Field, Node, Primitive};

    /// A method with this argument.
    fn method(argument: Node) -> Shape {
        let fields = [[("arguments", 1), ("result", 3)].as_slice(), &[("count", 2)]].map(|fields| {
            let fields: Vec<_> = fields.iter().map(|&(name, of)| Field::required(name, of)).collect();
            Node::Struct(String::new(), fields.into())
        });
        let nodes = fields.into_iter().chain([argument, Node::Primitive(Primitive::Unit)]);
        Shape::try_from(nodes.collect::<Vec<_>>()).expect("it is a shape")
    }

    #[test]
    fn a_refusal_says_that_one_side_cannot_see_its_types() {
        let seen = method(Node::Primitive(Primitive::U32));
        let changed = method(Node::Primitive(Primitive::U64));
        let opaque = method(Node::Opaque("Count".to_owned()));
        for kind in [FormatKind::Positional, FormatKind::NamedBinary] {
            let text = |own, there| explained(refusal(Some(there)), "count", own, kind).message().to_owned();
            for [own, there] in [[&seen, &opaque], [&opaque, &seen]] {
                let text = text(own, there);
                assert!(
                    text.contains("argument `count`: ") && text.contains(OPAQUE_ON_ONE_SIDE),
                    "{text}"
                );
            }
            assert!(!text(&seen, &changed).contains(OPAQUE_ON_ONE_SIDE));
        }
    }
}
