//! What stands on the wire, and how it is read.

mod bytes;
mod codec_calls;
mod codec_format;
mod codec_golden;
mod codec_limits;
#[cfg(all(feature = "cbor", feature = "json"))]
mod codec_named;
mod codec_properties;
mod codec_rich;
mod codec_round_trip;
mod reference_client;
