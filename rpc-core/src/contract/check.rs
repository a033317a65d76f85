//! What is said where the two sides of a connection do not agree on a method.

use super::{Difference, FormatKind, MAX_CLAIM, Shape, method::differences_of_method};
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

/// The refusal of a call whose sender means something else by its method. It brings the types of this side, `told`,
/// unless the sender is not to know it or it is too long.
pub(crate) fn refusal(told: Option<&Shape>) -> Error {
    let types = told.map(Shape::encode).filter(|types| types.len() <= MAX_CLAIM);
    let mut metadata = Metadata::new();
    // The key is a valid one, so there is no error.
    let _ = metadata.append_bin(KEY, types.unwrap_or_default());
    Error::refused_for_good(Code::FailedPrecondition, text("")).with_metadata(metadata)
}

/// The refusal in words, as the caller reads it: with what differs between the other side's contract, which came along,
/// `own`, this side's types of the method called `name`, as formats of that kind see it.
pub(crate) fn explained(refusal: Error, name: &str, own: &Shape, kind: FormatKind) -> Error {
    let Some(types) = refusal.metadata().bin(KEY) else {
        return refusal;
    };
    let what = match Shape::decode(types) {
        Some(there) => list(&differences_of_method(name, own, &there, kind)),
        None => String::new(),
    };
    let mut metadata = refusal.metadata().clone();
    metadata.remove(KEY);
    Error::refused_for_good(Code::FailedPrecondition, text(&what)).with_metadata(metadata)
}

fn text(what: &str) -> String {
    format!(
        "the two sides were built with different versions of this method{what}; its values would arrive as others, so \
         build both sides from the same version of the trait and its types"
    )
}

fn list(found: &[Difference]) -> String {
    let shown: Vec<_> = found.iter().take(SHOWN).map(Difference::to_string).collect();
    let rest = match found.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    match &shown[..] {
        [] => String::new(),
        shown => format!(": {}{rest}", shown.join("; ")),
    }
}
