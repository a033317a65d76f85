//! RPC from an ordinary Rust trait.
//!
//! [`#[farcall::service]`](macro@service) leaves a trait as it is and puts a client and a server beside it. There is no
//! IDL, no build script and no context argument; arguments and results need serde and nothing else.
//!
//! ```
//! /// Stock of one warehouse.
//! #[farcall::service]
//! pub trait Inventory {
//!     async fn stock(&self, sku: &str) -> farcall::Result<u32>;
//! }
//!
//! struct Warehouse;
//!
//! impl Inventory for Warehouse {
//!     async fn stock(&self, sku: &str) -> farcall::Result<u32> {
//!         match sku {
//!             "apple" => Ok(7),
//!             _ => Err(farcall::Error::not_found(format!("no shelf for {sku}"))),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> farcall::Result<()> {
//! // In this process; over TCP it is `Server::listen` and `InventoryClient::connect`.
//! let inventory = InventoryClient::loopback(Warehouse);
//! assert_eq!(inventory.stock("apple").await?, 7);
//!
//! let error = inventory.stock("plum").await.unwrap_err();
//! assert_eq!(error.code(), farcall::Code::NotFound);
//! assert_eq!(error.to_string(), "Inventory.stock: no shelf for plum (not found; the call was executed)");
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//! The [`guide`] has a chapter for each of these; the reference has the details.
//!
//! | for | chapter | reference |
//! | --- | --- | --- |
//! | declaring: what a method may look like, what is generated | [declaring](guide::declaring) | [`macro@service`] |
//! | calling: connections, timeouts, metadata | [calling](guide::calling) | [`Channel`], [`Client`], [`BlockingClient`] |
//! | serving: services, named instances, shutdown | [serving](guide::serving) | [`Server`], [`RunningServer`] |
//! | a server on a thread for each core | [serving](guide::serving) | [`Server::shards`] |
//! | sharing state with a service, or one for each connection | [sharing state](guide::sharing_state) | [`Server`] |
//! | streams: as arguments and results, and as values | [streams](guide::streams) | [`Streaming`], [`channel`] |
//! | objects: callbacks, sessions, names | [objects](guide::objects) | [`Channel::local`], [`registry`] |
//! | inside a handler: the caller, the deadline, cancellation | [deadlines](guide::deadlines) | [`Context`] |
//! | why a call failed, and whether it ran | [errors](guide::errors) | [`Error`], [`Code`], [`Outcome`] |
//! | errors from other errors in a handler | [other errors](guide::other_errors) | [`OrFail`] |
//! | who may call what, and tokens | [authorization](guide::authorization) | [`auth`] |
//! | interceptors and tower layers on either side | [layers](guide::layers) | [`layer`] |
//! | too many calls, and which are refused first | [overload](guide::overload) | [`layer::AdaptiveLimit`] |
//! | tests on a bad network | [testing](guide::testing) | [`testing`] |
//! | what a change of a trait breaks | [contracts](guide::contracts) | [`contract`] |
//! | the crates of a project | [project layout](guide::project_layout) | |
//! | the same over UDP | [UDP](guide::udp) | [`Address`] |
//! | encryption, and who the caller is | [TLS](guide::tls) | `tls`, [`Identity`] |
//! | calls from a shell, measurements | [command line](guide::command_line) | `reflection` |
//! | running it in production | [deploying](guide::deploying) | [`Limits`] |
//! | another transport, another format | [serving](guide::serving) | [`transport`], [`codec`] |
//!
//! # Features
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `bincode` | yes | the default format; see [`codec`] |
//! | `postcard` | no | another format, beside bincode or instead of it |
//! | `json` | no | a format with the names of fields, for people and other languages |
//! | `cbor` | no | a binary format with the names of fields |
//! | `reflection` | no | a server tells its callers what it offers, docs included: see the [command line](guide::command_line) |
//! | `static-tokens` | no | `auth::StaticTokens`: tokens that the program knows, compared in constant time |
//! | `tls` | no | `tls://` addresses: [TLS](guide::tls) over TCP, and the verified identity of a peer |
//! | `quic` | no | `quic://` addresses: the encrypted counterpart of UDP; brings `tls` |
//! | `dev-certificates` | no | certificates for tests and for development; brings `tls` |
//! | `tracing` | no | a span for each call: `farcall.call` on the client, `farcall.serve` on the server; events for operators |
//!
//! At least one of the four formats must be on.
//!
//! The spans of `tracing` are at level `DEBUG` with the target `farcall` and the fields `rpc.service`, `rpc.method`,
//! `peer`, `trace_id`, `span_id`, `parent_id`, `code` and, for failures, `outcome`; a typed error of a service's own is
//! an answer, so its `code` is `Ok`. The trace crosses the wire as W3C Trace Context, in the metadata `traceparent` and
//! `tracestate` (some 80 bytes of [`max_metadata`](Limits::max_metadata)): calls made inside a handler continue the
//! trace of the call that it works on. If spans are not recorded, an incoming trace goes on unchanged and no new trace
//! begins.
//!
//! Its events have the target `farcall`, too, and contain no metadata, arguments or results. Events that any peer can
//! cause as often as it likes are at `DEBUG`. The exception is `connection refused`: a peer can repeat it while the
//! server is at [`max_connections`](Limits::max_connections), but an operator has to know of it.
//!
//! | event | level | fields |
//! | --- | --- | --- |
//! | `panicked`: a handler or a stream; without a subscriber for it, it is on standard error | `ERROR` | `method` (empty for a stream; the name of a thread that panicked outside of handlers), `panic` (the id that the caller has), `cause` |
//! | `accepting failed`: the system gave no connection, usually because there are no file descriptors left | `WARN` | `local`, `cause` |
//! | `connection refused`: there is no room for a peer, or a shutdown has begun | `WARN` | `peer`, `cause` |
//! | `handshake failed`: strangers, silence, other versions; on the server | `DEBUG` | `peer`, `cause` |
//! | `connection ended`: an open connection, for any reason; on either side | `DEBUG` | `peer`, `cause` |
//! | `handler stopped`: its caller, its deadline or its connection ended it before it was done | `DEBUG` | `method`, `peer`, `cause` |
//! | `other version`: a caller has another version of a method, in a format with names; once for each version | `DEBUG` | `method`, `peer`, `cause` (what one side does not see of the other) |
//! | `call refused`: no rule allows a call | `DEBUG` | `method`, `peer`, `cause` |
//! | `token refused`: a bearer token is not good | `DEBUG` | `peer`, `cause` (the text of the verifier, without the token) |
//! | `limit passed`: a call is refused (`max_server_calls`, `max_call_rate`, `max_byte_rate`) or an answer dropped (`max_unread`, `max_server_unread`); at most once in 10 s for each address | `WARN` | `peer`, `cause` |
//! | `certificate reloaded`: new connections get what the files have now | `INFO` | `cause` |
//! | `certificate trouble`: the files cannot be used, or the certificate expires soon | `WARN` | `cause` |
//! | `shutdown began`, `shutdown ended` | `INFO` | `grace` of the first |
//! | `shutdown cuts what is left` when the grace is over | `WARN` | `calls` |
//! | `shard blocked`: the server is over, and something still blocks a thread of it | `WARN` | `thread` |
//!
//! # Runtime
//! farcall runs on tokio, multi-thread or current-thread, with I/O and time enabled (`enable_all`, as `#[tokio::main]`
//! does): without them tokio itself panics. Blocking clients bring a runtime of their own, and a server may have
//! [shards](Server::shards).
//!
//! # Limits
//! Everything that a peer controls is bounded; [`Limits`] has the reasons.
//!
//! | limit | default | beyond it |
//! | --- | --- | --- |
//! | [`max_message`](Limits::max_message) | 16 MiB | that call fails |
//! | [`max_udp_message`](Limits::max_udp_message) | 1 MiB over UDP | that call fails |
//! | [`max_buffered`](Limits::max_buffered) | 64 MiB | large calls wait for their turn |
//! | [`max_calls`](Limits::max_calls) | 1,024 per connection | calls wait for their turn |
//! | [`max_waiting_calls`](Limits::max_waiting_calls) | 65,536 per connection | the call is refused and not executed |
//! | [`max_server_calls`](Limits::max_server_calls) | 16,384 per server, a share of it for one caller | the call is refused and not executed |
//! | [`max_unread`](Limits::max_unread), [`max_server_unread`](Limits::max_server_unread) | 256 MiB per connection, 1 GiB per server | the answer is dropped and the call fails, executed |
//! | [`max_connections`](Limits::max_connections) | 10,000 per server, a share of it for one address | the oldest connection without a handshake is closed, or the new client is refused |
//! | [`max_handshakes`](Limits::max_handshakes) | 4,096 per server, a share of them for one address | the oldest of them is closed |
//! | [`max_call_rate`](Limits::max_call_rate), [`max_byte_rate`](Limits::max_byte_rate) | any number of calls and bytes in a second for one caller | the call is refused and not executed |
//! | [`max_streams`](Limits::max_streams) | 1,024 per connection, each way | the message that carries one more is refused |
//! | [`stream_window`](Limits::stream_window), [`max_stream_window`](Limits::max_stream_window) | 64 KiB, growing to 16 MiB | the sender of that stream waits |
//! | [`max_objects`](Limits::max_objects) | 16,384 per connection | the message that carries one more is refused |
//! | [`max_metadata`](Limits::max_metadata) | 16 KiB | that call fails |
//! | [`handshake_timeout`](Limits::handshake_timeout) | 10 s | the connection is closed |
//! | [`idle_timeout`](Limits::idle_timeout) | 10 min without a call, stream or object | the server closes the connection |
//! | [`write_stall`](Limits::write_stall) | 30 s without progress | the connection is given up |
//! | [`keepalive`](Limits::keepalive) | 15 s of silence, twice | the connection is given up |
//! | [`max_depth`](Limits::max_depth) | 128 | that call fails |
//! | [`max_decoded`](Limits::max_decoded) | 64 MiB | that call fails |
//!
//! A server may have an [adaptive limit](layer::AdaptiveLimit) on the calls that run; it is off by default.
//!
//! One caller is an identity, over all its connections, or an address if it has none.
//!
//! In addition each call has a deadline, 30 s unless you [set another one](client::ChannelBuilder::timeout); calls with
//! streams have a deadline only if you set one.
//!
//! # Cancel safety
//! - Dropping the future of a [`Call`] cancels the call. Its handler is dropped at its next await, and with it the
//!   calls that it waits for; whether it had run already is unknown. `#[rpc(blocking)]` and `#[rpc(detached)]` handlers
//!   run to their end and can ask [`Context::is_cancelled`].
//! - So a handler is ordinary async code that may stop at any await: work that must not be left half done belongs
//!   between two awaits, in a task of its own, or in a `detached` method.
//! - The documentation of every other async function of the crate says so if it is cancel safe;
//!   [`RunningServer::shutdown`] says what happens when its future is dropped.
//!
//! # Not done yet
//! Automatic retries, load balancing, discovery, compression, clients in other
//! languages (the wire is described completely enough to write one).
//!
//! # Non-goals
//! - A runtime other than tokio.
//! - Evolution of types in positional formats. Methods are known by name, so they may be added and reordered; a changed
//!   type is another type, and calls of methods that have it are refused while the two sides differ. Formats with names
//!   allow more; see [`contract`] and its [chapter](guide::contracts).
//! - Secrets over plain TCP and UDP, which are neither encrypted nor authenticated: use [`tls://`](guide::tls) or
//!   `quic://` outside a network that you trust.
//!
//! # What semantic versioning does not cover
//! The texts of errors, the wire format before 1.0, and the hidden module that generated code uses: `farcall` and
//! `farcall-macros` always have the same version.

// The attribute names the library, here as everywhere.
extern crate self as farcall;

/// The program on the package's first page compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FirstPage;

pub mod auth;
mod buffers;
pub mod channel;
mod checked;
pub mod client;
mod clock;
pub mod codec;
pub mod contract;
mod dispatch;
mod driver;
mod events;
pub mod guide;
#[cfg(any(test, farcall_fuzzing))]
#[doc(hidden)]
pub mod harness;
pub mod layer;
mod loopback;
#[doc(hidden)]
pub mod macro_support;
mod nesting;
mod principal;
mod proto;
mod reconnect;
#[cfg(feature = "reflection")]
pub mod reflection;
pub mod registry;
pub mod server;
pub mod service;
mod status;
/// Streams of items, as the `futures` crate has them.
pub mod stream {
    pub use futures_core::Stream;
}
mod sync;
pub mod testing;
mod told;
mod trace;
pub mod transport;

#[cfg(feature = "tls")]
pub use transport::tls;
mod unwind;

pub use channel::Streaming;
pub use client::{BlockingClient, Call, Channel, ChannelState, Client};
pub use farcall_macros::service;
pub use proto::Limits;
pub use server::{RunningServer, Server};
pub use service::{Context, Service};
pub use status::{Code, Error, Metadata, OrFail, Outcome, Result};
pub use transport::{Address, Identity, Peer};
