//! All that generated code may name. Not part of the public API: it changes without notice.

pub use std;

pub use bytes::Bytes;
pub use serde;

pub use crate::{
    Error,
    client::{
        Answer, BlockingClient, BlockingStub, Call, Channel, Client, ReplyMetadata, Stub, deserialize_client, fallible,
        fallible_bytes, plain, plain_bytes, serialize_client,
    },
    service::{
        AsBytes, Handler, Invocation, MethodDescriptor, Service, ServiceDescriptor, blocking,
        bounds::{Demand, assert_distinct, no_such_method},
        method_id,
    },
    transport::IntoAddress,
};
