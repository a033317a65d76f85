//! The protocol without any I/O: bytes and the caller's instant go in (`handle_*`), bytes, a deadline and events come
//! out (`poll_*`). No socket, clock, task, waker or lock is in here; `docs/protocol.md` describes the same wire.
//!
//! [`handshake`] opens a connection, [`Connection`] runs it.

mod agreements;
mod assembly;
mod attachment;
mod body;
pub(crate) mod connection;
pub(crate) mod datagram;
mod deadlines;
pub(crate) mod frame;
mod handshake;
pub(crate) mod head;
mod identity;
mod idleness;
mod incoming;
mod indexed_queue;
pub(crate) mod items;
mod landing;
pub(crate) mod lanes;
pub(crate) mod limits;

mod outbox;
mod outgoing;
mod references;
mod stream;
#[cfg(test)]
mod tests;
mod violation;
mod waiting;
mod watchdog;
mod writer;

pub(crate) use attachment::{Attachment, Flow, MAX_ATTACHMENTS, StreamId};
pub(crate) use body::{Body, COPIED};
pub(crate) use connection::{Capacity, Connection, Event, Lost, Received, Settings};
#[cfg(feature = "quic")]
pub(crate) use handshake::Role;
pub(crate) use handshake::{ClientHello, Features, HelloError, ServerHello};
pub(crate) use head::{PeerHead, RequestHead, Target, encode_metadata, failure_len, parse_metadata};
pub use identity::method_id;
pub(crate) use identity::{fnv1a, service_id};
pub(crate) use incoming::Stop;
pub(crate) use indexed_queue::{IndexedQueue, Keyed};
pub(crate) use items::{ItemReader, ItemWriter};
pub(crate) use landing::{Landing, awaits_head};
pub use limits::Limits;
pub(crate) use limits::{Announced, Carrier};
pub(crate) use stream::ItemBatch;
pub(crate) use violation::Violation;
pub(crate) use waiting::{Ticket, WaitQueue};
