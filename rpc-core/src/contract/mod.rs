//! What serde's data model says of a type, found without a derive of ours.
//!
//! [`shape_of`] runs a type's `Deserialize` against a deserializer that only notes what it is asked for. Two builds
//! whose types have equal [`Shape`]s read each other's positional bytes as they were meant; [`differences`] says where
//! two shapes part.
//!
//! # What a shape knows
//! What `Deserialize` asks for: numbers by width, text, bytes, fields and variants by name and in order, also where a
//! type contains itself. It is read off the receiving side, so a `Serialize` that does not mirror it stays unnoticed;
//! [`check_round_trip`](crate::codec::check_round_trip) finds those. Checks of a value are no part of it: a
//! `NonZeroU32` is a `u32`, since a decode repeats the check.
//!
//! What comes behind a value that accepts none of the samples cannot be seen: it is [opaque](Node::Opaque) until a
//! sample is [given](Samples::with).

mod canonical;
mod classes;
mod difference;
mod display;
mod name;
mod samples;
mod shape;
#[cfg(test)]
mod tests;
mod trace;

pub(crate) use canonical::Fingerprint;
pub(crate) use difference::{Change, Difference, differences};
pub(crate) use samples::Samples;
pub(crate) use shape::{Content, Field, Node, NodeId, Primitive, Shape, Variant};
pub(crate) use trace::{CLIENT, RECEIVER, SENDER, shape_of};
