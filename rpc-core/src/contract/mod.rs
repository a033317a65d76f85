//! What both sides of a call have to agree on, and how they find out that they do not.
//!
//! A [`Contract`] says what a service's methods look like on the wire: their names, and the names and [shapes](Shape)
//! of their arguments, results and errors. It is found without a derive of ours: the `Deserialize` of each type runs
//! once in a process against a deserializer that only notes what it is asked for.
//!
//! # Checked once
//! The first call of a method on a connection brings the [fingerprint](Fingerprint) of its contract, in 16 bytes and
//! without a round trip of its own. The server compares it with its own before it decodes the arguments. Where they
//! differ, the call fails as [`FailedPrecondition`](crate::Code::FailedPrecondition) and is not executed, with a text
//! that names each place that differs. All other methods go on. Calls after the first answer bring nothing.
//! [`ContractCheck`] switches this off, and says what is done with a peer that cannot do it.
//!
//! # What a shape knows
//! What `Deserialize` asks for: numbers by width, text, bytes, fields and variants by name and in order, also where a
//! type contains itself. It is read off the receiving side, so a `Serialize` that does not mirror it stays unnoticed;
//! [`check_round_trip`](crate::codec::check_round_trip) finds those. Checks of a value are no part of it: a
//! `NonZeroU32` is a `u32`, since a decode repeats the check.
//!
//! What comes behind a value that accepts none of the usual samples cannot be seen: it is opaque, and only its Rust
//! name is compared, until a [sample](Samples::with) is given with `#[farcall::service(samples = function)]`.
//!
//! Names of arguments, fields, variants and newtypes count. Names of structs and enums do not, and a method's
//! [policy](Policy) does not stop a call: it binds the side that has it.
//!
//! # Changes
//! Positional formats need equal types. In formats with names many changes do no harm; [`Shape::read`] has the rules.
//! [`Contract::change_to`] says whom a change breaks, and [`Contract::check_lock`] lets a test notice it. The
//! [chapter](crate::guide::contracts) tells how to deploy one.

mod canonical;
mod change;
mod check;
mod claim;
mod classes;
mod compatibility;
mod difference;
mod judgements;
mod kind;
mod lock;
mod merged;
mod method;
mod name;
mod samples;
mod service;
mod shape;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod wire;

pub(crate) use canonical::FINGERPRINT;
pub use canonical::Fingerprint;
pub use change::{ContractChange, Impact};
pub use check::ContractCheck;
pub(crate) use check::{KEY, explained, refusal};
pub(crate) use claim::{Claim, MAX_CLAIM};
pub use compatibility::{Compatibility, Note, Verdict};
#[cfg(test)]
use difference::differences;
pub use difference::{Change, Difference};
pub(crate) use judgements::Judgements;
pub use kind::FormatKind;
pub use lock::LockError;
pub use method::{MethodContract, Policy};
pub use samples::Samples;
pub use service::Contract;
pub use shape::{Content, Field, Fields, InvalidShape, Node, NodeId, Primitive, Shape, Variant};
pub(crate) use signature::ErrorType;
pub use signature::{MethodTypes, OutputTypes};
pub use text::InvalidContract;
pub(crate) use trace::{RECEIVER, SENDER, WATCH, shape_of};
