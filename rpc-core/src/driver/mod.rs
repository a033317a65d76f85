//! The thin loops that join [`proto`](crate::proto) and a byte stream. They decide nothing: every rule is in `proto`.

pub(crate) mod attachments;

mod handshake;
mod import;
mod inbound;
mod inlet;
mod inside;
mod link;
mod outlet;
mod shares;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod unread;

use std::time::Duration;

pub(crate) use handshake::{Opened, accept, open, reject};
pub(crate) use import::Import;
pub(crate) use inbound::{Answers, Callee, Inbound, Request};
pub(crate) use inlet::{Batch, Inlet};
pub(crate) use inside::is_inside;
pub(crate) use link::{Answered, Busy, Link, NotStarted, Reply, Started, read_metadata};
pub(crate) use outlet::{Outlet, broken};
pub(crate) use shares::{Quantity, Refused, Share, Shares};
pub(crate) use task::Driver;

/// How long a call may take unless something shorter or longer is said.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
