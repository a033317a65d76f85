//! Errors from other errors, on purpose and in few words.

use std::error::Error as StdError;

use super::{Error, Result};
use crate::Code;

/// From another error to an [`Error`], in a handler: from an [`io::Error`](std::io::Error), a boxed one, anyhow's, or
/// any other.
///
/// There is no `From` behind a bare `?`, because the text of an error from a database or a file may be confidential. So
/// the caller gets a code and a text that are meant for it, and the cause stays in this process as the error's
/// [`source`](StdError::source), where a layer of the server sees it. [`or_tell`](Self::or_tell) is for causes that the
/// caller may read.
///
/// ```
/// use farcall::{Code, OrFail};
///
/// fn recipe(path: &str) -> farcall::Result<Vec<u8>> {
///     let config = std::fs::read("Cargo.toml").or_internal()?;
///     let limit: usize = "65536".parse().or_tell(Code::InvalidArgument)?;
///     let recipe = std::fs::read(path).or_fail(Code::NotFound, "there is no such recipe")?;
///     Ok(recipe.into_iter().chain(config).take(limit).collect())
/// }
///
/// let error = recipe("/secret/place").unwrap_err();
/// assert_eq!(error.to_string(), "there is no such recipe (not found)");
/// assert!(error.cause().unwrap().is::<std::io::Error>());
/// ```
pub trait OrFail<T> {
    /// An [`Internal`](Code::Internal) error that tells the caller no more than that. An [`Error`] stays as it is.
    ///
    /// # Errors
    /// When this is one.
    fn or_internal(self) -> Result<T>;

    /// An error with this code and this text.
    ///
    /// # Errors
    /// When this is one.
    fn or_fail(self, code: Code, message: impl Into<String>) -> Result<T>;

    /// An error with this code and the text of its cause, which the caller reads, too. An [`Error`] stays as it is.
    ///
    /// # Errors
    /// When this is one.
    fn or_tell(self, code: Code) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> OrFail<T> for Result<T, E> {
    fn or_internal(self) -> Result<T> {
        self.map_err(|error| {
            own(error.into())
                .unwrap_or_else(|cause| Error::internal("something failed inside the handler").with_source(cause))
        })
    }

    fn or_fail(self, code: Code, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| Error::new(code, message).with_source(error))
    }

    fn or_tell(self, code: Code) -> Result<T> {
        self.map_err(|error| {
            own(error.into()).unwrap_or_else(|cause| Error::new(code, cause.to_string()).with_told_cause(cause))
        })
    }
}

/// This crate's own error, which is meant for the caller already.
fn own(error: Box<dyn StdError + Send + Sync>) -> Result<Error, Box<dyn StdError + Send + Sync>> {
    error.downcast::<Error>().map(|own| *own)
}
