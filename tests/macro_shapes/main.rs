//! Every shape of trait that the attribute accepts does what it says, over a loopback.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "the traits here are declared to be called, not to be read"
)]

mod arguments;
mod attributes;
mod collisions;
mod declared_by_macros;
mod generics;
mod handlers;
mod look_alikes;
mod names;
mod nobody_calls;
mod pointers;
mod results;
mod same_trait;
mod shadowed_prelude;
mod streams;
mod strict_lints;
