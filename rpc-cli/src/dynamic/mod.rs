//! Calls of methods that this program has only a contract of: from JSON to any format and back.

mod item;
mod method;
mod numbers;
mod parts;
mod place;
mod scalars;
#[cfg(test)]
mod tests;
mod to_json;
mod to_typed;
mod typed;
mod types;
mod words;
mod writing;

pub(crate) use item::{Came, Decoding, Failed, Sent};
pub(crate) use method::{AnyClient, Items, Method, Reply, Service};
pub(crate) use place::Wrong;
pub(crate) use typed::Typed;
#[cfg(test)]
pub(crate) use types::Types;
pub(crate) use types::{WATCHED, is_error_value, is_library_error, sides};
pub(crate) use writing::{Arguments, Feed, Given, Tap, Writing};
