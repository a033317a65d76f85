//! RPC from an ordinary Rust trait.
pub mod client;
mod code;
pub mod codec;
mod driver;
mod error;
#[cfg(feature = "_fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod layer;
mod loopback;
#[doc(hidden)]
pub mod macro_support;
mod metadata;
mod proto;
pub mod server;
pub mod service;
pub mod testing;
mod trace;
pub mod transport;

pub use client::{BlockingClient, Call, Channel, ChannelState, Client};
pub use code::{Code, Outcome};
pub use error::{Error, Result};
pub use farcall_macros::service;
pub use metadata::Metadata;
pub use proto::Limits;
pub use server::{RunningServer, Server};
pub use service::{Context, Service};
pub use transport::Address;
