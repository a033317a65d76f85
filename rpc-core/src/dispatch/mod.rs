//! Answering the calls that come in over a connection, at either end of it, and those to objects of this process.
//!
//! A [`Host`] is what the connections of one server, or of one channel, have in common. Each connection has a
//! [`Serving`], to which the driver hands the peer's calls.

mod claimed;
mod connection;
mod continuations;
mod host;
mod layered;
mod local;
mod pace;
mod routed;
mod router;
mod seat;
mod serving;
mod task;
mod work;

pub(crate) use host::{Host, MakeService, Manner};
pub(crate) use layered::bottom;
pub(crate) use local::{LocalCall, LocalRequest, local_address, next_level};
pub(crate) use router::{Offer, Router};
pub(crate) use seat::Seated;
pub(crate) use serving::Serving;
