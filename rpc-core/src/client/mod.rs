//! Making calls.
//!
//! A [`Channel`] is the way to one server; it makes connections when they are needed and shares them among any number
//! of clients and tasks. A generated client is a channel with options for its calls (the functions of [`Client`]),
//! cheap to clone and to vary: `client.with_timeout(…)` is another client on the same channel. Each method gives a
//! [`Call`], a future that borrows nothing, or, where it returns a stream and is not `async`, a
//! [`Streaming`](crate::Streaming) that makes the call when its first item is asked for.
//!
//! | what a call needs | the first of these that is set |
//! | --- | --- |
//! | its deadline | the client's `with_timeout`, the method's `#[rpc(timeout)]`, the [channel's](ChannelBuilder::timeout), 30 s; never more than what is left for the handler that makes it. Methods with streams have no default: for them only the first two count |
//! | the wait for an item of its result, and for the answer that opens that | the client's `with_item_timeout` |
//! | its metadata | the channel's and then the client's, all of them |
//! | its instance | the address of the channel |
//!
//! The rest of the module is what generated code is made of.

mod api;
mod blocking;
mod builder;
mod call;
mod channel;
mod decode;
mod feeds;
mod generated;
mod layered;
mod provided;
mod raw;
mod reference;
mod reply_metadata;
mod streaming;
mod stub;
mod timers;
mod upkeep;

pub use crate::reconnect::ChannelState;
pub use api::{BlockingClient, Client};
pub use blocking::{BlockingStreaming, BlockingStub, fallible_iterator, plain_iterator};
pub use builder::ChannelBuilder;
pub use call::Call;
pub use channel::{Channel, StateWatch};
pub use decode::{Answer, fallible, fallible_bytes, plain, plain_bytes};
pub(crate) use decode::{fallible_known, plain_known};
pub use feeds::Feeds;
pub(crate) use reference::{WrittenClient, nowhere};
pub use reference::{deserialize_client, serialize_client};
pub use reply_metadata::ReplyMetadata;
pub use streaming::{fallible_stream, plain_stream};
pub use stub::Stub;
