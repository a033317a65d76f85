//! The thin loops that join [`proto`](crate::proto) and a byte stream. They decide nothing: every rule is in `proto`.

pub(crate) mod attachments;

mod handshake;
mod import;
mod inbound;
mod inside;
mod link;
mod rates;
mod recv_stream;
mod send_stream;
mod shares;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod unread;

use std::time::Duration;

pub(crate) use handshake::{OpenedConnection, accept, open, reject};
pub(crate) use import::Import;
pub(crate) use inbound::{Answers, CallHandler, CallRequest, Callee};
pub(crate) use inside::is_inside;
pub(crate) use link::{Busy, CallResult, Link, NotStarted, Reply, Started, read_metadata};
pub(crate) use rates::TooFast;
pub(crate) use recv_stream::{ReceivedBatch, RecvStream};
pub(crate) use send_stream::{SendStream, broken};
pub(crate) use shares::{Quantity, Share, ShareRefusal, Shares};
pub(crate) use task::Driver;

/// How long a call may take by default.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
