//! Making calls: channels, the generated clients' common functions, and the future of a call.

mod api;
mod backoff;
mod blocking;
mod builder;
mod call;
mod channel;
mod decode;
mod dial;
mod stub;

pub use api::{BlockingClient, Client};
pub use blocking::BlockingStub;
pub use builder::ChannelBuilder;
pub use call::Call;
pub use channel::{Channel, ChannelState, StateWatch};
pub use decode::{Answer, fallible, fallible_bytes, plain, plain_bytes};
pub use stub::{ReplyMetadata, Stub};
