//! RPC from an ordinary Rust trait.
pub mod client;
mod code;
pub mod codec;
mod error;
#[doc(hidden)]
pub mod macro_support;
mod metadata;
pub mod service;
pub mod transport;

pub use client::{BlockingClient, Call, Channel, Client};
pub use code::{Code, Outcome};
pub use error::{Error, Result};
pub use farcall_macros::service;
pub use metadata::Metadata;
pub use service::Service;
