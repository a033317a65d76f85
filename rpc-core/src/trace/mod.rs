//! What the feature `tracing` adds to a call: a span on either side, and the W3C trace context that joins them.
//!
//! Without the feature the same hooks are empty, and their type has no size.

#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod parent;
#[cfg(feature = "tracing")]
mod span;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Trace;
#[cfg(feature = "tracing")]
pub(crate) use span::Trace;
