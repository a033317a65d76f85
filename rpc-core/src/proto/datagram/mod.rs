//! Sessions of datagrams: they take the place of a byte stream on a network that loses, repeats and reorders.
//!
//! A client and a server open a [`Session`] with a stateless exchange ([`SessionOpening`], [`Endpoint`]). Each session
//! carries [lanes](super::lanes): reliable streams of whole frames, one for each call and one for the connection
//! itself. A lost datagram delays only the calls whose bytes were in it.

pub(crate) mod chunk;
mod congestion;
mod cookie;
mod endpoint;
mod lanes;
mod mtu;
mod opening;
mod pacing;
pub(crate) mod packet;
mod path;
pub(crate) mod ranges;
mod recovery;
mod rtt;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use super::handshake::Role;
pub(crate) use endpoint::{Admission, Endpoint, Routed};
pub(crate) use lanes::{Account, Budget};
pub(crate) use opening::{OpenedSession, SessionOpening};
pub(crate) use packet::{Datagram, Refusal};
pub(crate) use session::{Session, SessionEnd, Setup, Transmit};
