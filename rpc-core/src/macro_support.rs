//! All that generated code may name. Not part of the public API: it changes without notice.

pub use std;

pub use serde;

pub use crate::{
    Error,
    client::{
        Answer, BlockingClient, BlockingStub, Call, Channel, Client, Stub, fallible, fallible_bytes, plain, plain_bytes,
    },
    service::{
        AsBytes, Handler, Invocation, MethodDescriptor, Service, ServiceDescriptor,
        bounds::{Demand, assert_distinct, no_such_method},
        method_id,
    },
    transport::IntoAddress,
};

/// Runs a synchronous handler (`#[rpc(blocking)]`) on the blocking pool, with the call's context.
pub async fn blocking<R: Send + 'static>(handler: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    Ok(handler())
}
