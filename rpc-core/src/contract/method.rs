//! The contract of one method.

use std::iter;

use serde::{Deserialize, Serialize};

use super::{
    Difference, Fingerprint, FormatKind, InvalidShape, Shape,
    difference::{differences, policies},
    signature::signature,
};

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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct MethodContract {
    name: String,
    policy: Policy,
    types: Shape,
    /// In formats made for people to read, where that is not the same.
    readable: Option<Shape>,
}

/// The same of any origin.
#[derive(Deserialize)]
#[serde(rename = "MethodContract")]
struct Parts {
    name: String,
    policy: Policy,
    types: Shape,
    #[serde(default)]
    readable: Option<Shape>,
}

impl TryFrom<Parts> for MethodContract {
    type Error = InvalidShape;

    fn try_from(parts: Parts) -> Result<Self, InvalidShape> {
        let mut shapes = iter::once(&parts.types).chain(&parts.readable);
        if !shapes.all(|shape| signature(shape).is_some()) {
            return Err(InvalidShape::Method);
        }
        let readable = parts.readable.unwrap_or_else(|| parts.types.clone());
        Ok(Self::new(&parts.name, parts.policy, parts.types, readable))
    }
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
    /// With the types as binary formats and as readable ones see them.
    pub(crate) fn new(name: &str, policy: Policy, types: Shape, readable: Shape) -> Self {
        let alike = |kind| types.fingerprint_in(kind) == readable.fingerprint_in(kind);
        Self {
            name: name.to_owned(),
            policy,
            readable: (!alike(FormatKind::NamedReadable)).then_some(readable),
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
    /// the result is a `Result`, `error`. Where that is the library's own error, it is a unit struct of that name.
    ///
    /// They are those of binary formats; [`types_in`](Self::types_in) has those of readable ones, too.
    pub fn types(&self) -> &Shape {
        &self.types
    }

    /// The same as formats of this kind see it. Some types write themselves in another way for people to read.
    ///
    /// ```
    /// use farcall::contract::FormatKind;
    ///
    /// #[farcall::service]
    /// pub trait Resolver {
    ///     async fn resolve(&self, name: &str) -> farcall::Result<std::net::Ipv4Addr>;
    /// }
    ///
    /// let contract = ResolverClient::contract();
    /// let resolve = contract.method("resolve").expect("the trait has it");
    /// assert!(resolve.types().to_string().contains("(u8, u8, u8, u8)"));
    /// assert!(resolve.types_in(FormatKind::NamedReadable).to_string().contains("result: string"));
    /// ```
    pub fn types_in(&self, kind: FormatKind) -> &Shape {
        match &self.readable {
            Some(readable) if kind.is_readable() => readable,
            _ => &self.types,
        }
    }

    /// Those of readable formats, if they are others.
    pub(super) fn readable(&self) -> Option<&Shape> {
        self.readable.as_ref()
    }

    /// The number that stands for its types. Two builds with equal ones understand each other in positional formats.
    pub fn fingerprint(&self) -> Fingerprint {
        self.types.fingerprint()
    }

    /// The number that stands for its types in formats of this kind.
    pub fn fingerprint_in(&self, kind: FormatKind) -> Fingerprint {
        self.types_in(kind).fingerprint_in(kind)
    }

    /// Where this side's method and the other side's differ in any format, in the order of this side's: at most 64
    /// places, and one for each part of the [policy](Self::policy).
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = self.differences_in(other, FormatKind::NamedBinary);
        for difference in self.differences_in(other, FormatKind::NamedReadable) {
            if !found.contains(&difference) {
                found.push(difference);
            }
        }
        let policies = policies(&self.policy, &other.policy).into_iter();
        found.extend(policies.map(|difference| difference.of_method(&self.name)));
        found
    }

    /// Where the types of this side's method and the other side's differ, as formats of this kind see it: at most 32
    /// places. Many of these do no harm in formats with names; [`compatibility`](Self::compatibility) says which.
    pub fn differences_in(&self, other: &Self, kind: FormatKind) -> Vec<Difference> {
        differences_of_method(&self.name, self.types_in(kind), other.types_in(kind), kind)
    }
}

/// Where the types of a method with that name differ.
pub(super) fn differences_of_method(name: &str, here: &Shape, there: &Shape, kind: FormatKind) -> Vec<Difference> {
    let found = differences(here, there, kind.is_named()).into_iter();
    found.map(|difference| difference.of_method(name)).collect()
}

/// They are equal if nothing differs in any format.
impl PartialEq for MethodContract {
    fn eq(&self, other: &Self) -> bool {
        let same = |kind| self.fingerprint_in(kind) == other.fingerprint_in(kind);
        self.name == other.name && self.policy == other.policy && FormatKind::ALL.into_iter().all(same)
    }
}
