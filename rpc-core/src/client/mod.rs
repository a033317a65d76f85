//! Making calls.
mod api;
mod channel;
mod stub;
pub use api::{BlockingClient, Client};
pub use channel::Channel;
pub use stub::{Answer, BlockingStub, Call, Stub, fallible, fallible_bytes, plain, plain_bytes};
