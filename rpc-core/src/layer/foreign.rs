//! Errors of layers that know nothing of this crate.

use std::error::Error as StdError;

use super::attempts::Attempts;
use crate::{Code, Error};

/// What tower's services fail with, and what every error becomes.
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// A layer's error. This crate's own error stays as it is, also inside another error, such as that of `Buffer`.
pub(super) fn error(error: BoxError, attempts: &Attempts) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return *own,
        Err(foreign) => foreign,
    };
    if let Some(own) = chain(&*error).find_map(|error| error.downcast_ref::<Error>()) {
        return own.clone();
    }
    Error::new(code(&*error), format!("a layer failed the call: {error}"))
        .with_outcome(attempts.outcome())
        .with_told_cause(error)
}

/// What went wrong. The errors of tower are recognised by their texts: naming their types would need tower itself.
fn code(error: &(dyn StdError + 'static)) -> Code {
    let code = |error: &(dyn StdError + 'static)| match error.to_string().as_str() {
        // `Timeout`
        "request timed out" => Some(Code::DeadlineExceeded),
        _ if error.is::<tokio::time::error::Elapsed>() => Some(Code::DeadlineExceeded),
        // `LoadShed`
        "service overloaded" => Some(Code::ResourceExhausted),
        // `Buffer`
        "buffer's worker closed unexpectedly" => Some(Code::Unavailable),
        _ => None,
    };
    chain(error).find_map(code).unwrap_or(Code::Internal)
}

/// The error and what it came from.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}
