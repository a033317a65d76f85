//! What an error of a transport means for the calls that wait for a connection.

use std::{fmt::Display, io};

use crate::{Code, Error};

/// Why there is no connection; `text` puts the cause into words. The table is in the documentation of
/// [`Connector`](super::Connector).
pub(crate) fn no_connection(error: io::Error, text: impl FnOnce(&dyn Display) -> String) -> Error {
    match own(&error) {
        Some(own) => Error::refused(own.code(), text(&own.message())).with_metadata(own.metadata().clone()),
        None => Error::refused(code(error.kind()), text(&error)),
    }
    .with_told_cause(error)
}

/// What happened, for a person; an error that a transport has put into it speaks for itself.
pub(crate) fn in_words(error: &io::Error) -> String {
    own(error).map_or_else(|| error.to_string(), |own| own.message().to_owned())
}

/// The error that a user's own transport has put into it.
fn own(error: &io::Error) -> Option<&Error> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<io::Error>() {
        Some(error) => own(error),
        None => inner.downcast_ref::<Error>(),
    }
}

fn code(kind: io::ErrorKind) -> Code {
    match kind {
        io::ErrorKind::InvalidInput => Code::InvalidArgument,
        io::ErrorKind::InvalidData => Code::FailedPrecondition,
        io::ErrorKind::PermissionDenied => Code::PermissionDenied,
        io::ErrorKind::Unsupported => Code::Unimplemented,
        _ => Code::Unavailable,
    }
}

/// Whether another attempt may succeed.
pub(super) fn passes(error: &io::Error) -> bool {
    let code = own(error).map_or_else(|| code(error.kind()), Error::code);
    matches!(code, Code::Unavailable | Code::ResourceExhausted)
}

/// The same error in other words.
pub(super) fn with_text(error: &io::Error, text: String) -> io::Error {
    match own(error) {
        Some(own) => io::Error::new(error.kind(), Error::refused(own.code(), text)),
        None => io::Error::new(error.kind(), text),
    }
}
