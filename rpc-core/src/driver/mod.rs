//! The thin loops that join [`proto`](crate::proto) and a byte stream. They decide nothing: every rule is in `proto`.

mod connection;
mod handshake;
mod inbound;
mod link;
mod placeholders;
mod streams;
#[cfg(test)]
mod tests;

pub(crate) use connection::Driver;
pub(crate) use handshake::{accept, open, reject};
pub(crate) use inbound::{Answers, Inbound, Request};
pub(crate) use link::{Answered, Link, NotStarted, Reply, read_metadata};
pub(crate) use placeholders::Busy;
pub(crate) use streams::{Batch, Import, Inlet, Outlet};
