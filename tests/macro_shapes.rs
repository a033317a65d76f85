//! Every shape of trait that the attribute accepts does what it says, over a loopback.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "the traits here are declared to be called, not to be read"
)]

#[path = "macro_shapes/arguments.rs"]
mod arguments;
#[path = "macro_shapes/attributes.rs"]
mod attributes;
#[path = "macro_shapes/collisions.rs"]
mod collisions;
#[path = "macro_shapes/declared_by_macros.rs"]
mod declared_by_macros;
#[path = "macro_shapes/generics.rs"]
mod generics;
#[path = "macro_shapes/handlers.rs"]
mod handlers;
#[path = "macro_shapes/look_alikes.rs"]
mod look_alikes;
#[path = "macro_shapes/names.rs"]
mod names;
#[path = "macro_shapes/nobody_calls.rs"]
mod nobody_calls;
#[path = "macro_shapes/pointers.rs"]
mod pointers;
#[path = "macro_shapes/results.rs"]
mod results;
#[path = "macro_shapes/same_trait.rs"]
mod same_trait;
#[path = "macro_shapes/shadowed_prelude.rs"]
mod shadowed_prelude;
#[path = "macro_shapes/streams.rs"]
mod streams;
#[path = "macro_shapes/strict_lints.rs"]
mod strict_lints;
