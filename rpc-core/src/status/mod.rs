//! How a call ended, beside its result: the code, whether the call ran, the text, and metadata.

mod code;
mod error;
mod metadata;

pub use code::{Code, Outcome};
pub use error::{Error, OrFail, Result};
pub use metadata::Metadata;
