//! Answering the calls that come in over a connection, at whichever end of it.
//!
//! A [`Host`] is what the connections of one server, or of one channel, have in common. Each of them has a [`Serving`],
//! which the driver hands the peer's calls.

mod host;
mod layered;
mod rests;
mod router;
mod serving;
mod task;
mod work;

pub(crate) use host::{Host, MakeService, Manner};
pub(crate) use layered::bottom;
pub(crate) use router::{Offer, Route, Router};
pub(crate) use serving::Serving;
pub(crate) use work::{Answer, Work};
