//! All that generated code may name. Not part of the public API: it changes without notice.

pub use std;

pub use bytes::Bytes;
pub use serde;

pub use crate::{
    __farcall_blocking_client as blocking_client, __farcall_client as client, __farcall_provided as provided,
    __farcall_server as server, Error,
    channel::{Receiver, Streaming},
    checked::{Answered, Arrived, Received, Sent, Unanswerable, Undecodable, Unreceivable, Unsendable, Untraceable},
    client::{
        Answer, BlockingClient, BlockingStreaming, BlockingStub, Call, Channel, Client, Feeds, ReplyMetadata, Stub,
        deserialize_client, fallible, fallible_bytes, fallible_iterator, fallible_stream, plain, plain_bytes,
        plain_iterator, plain_stream, serialize_client,
    },
    contract::{Contract, MethodTypes, Samples},
    service::{
        AsBytes, Form, Handler, Invocation, MethodDescriptor, Priority, Service, ServiceDescriptor, ServiceTypes,
        Streams, TypeOf, Typed, blocking,
        bounds::{CallsAsDeclared, Demand, ErrorOf, NoResult, are_distinct, no_such_method, unimplemented},
        items::{ByteResults, ByteValues, Results, Values},
        method_id, streaming,
    },
    transport::IntoAddress,
};

/// How an item is written on the wire.
pub type Wire<F, I> = <F as Form<I>>::Wire;
