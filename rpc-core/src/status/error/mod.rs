//! The one error that crosses the wire.

mod or_fail;

use std::{error::Error as StdError, fmt, io, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use or_fail::OrFail;

use crate::{Code, Metadata, Outcome};

/// `std::result::Result` with [`Error`] as the default error.
///
/// ```
/// fn stock() -> farcall::Result<u32> {
///     Err(farcall::Error::not_found("no such sku"))
/// }
/// assert!(stock().is_err());
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, whether it ran, and which method it was.
///
/// The error is one pointer wide, cheap to clone, and serde-serialisable, so it may be part of a service's own error
/// type. Code, message, outcome, method and metadata cross the wire; a local cause stays under
/// [`source`](StdError::source) and is never sent.
///
/// An error that a handler returns always reaches the caller as [`Outcome::Executed`], because that handler ran, even
/// if the calls that it made did not. This is also true for an error inside the handler's own error type or in an item
/// of a stream: every serialised error has this outcome.
///
/// ```
/// use farcall::{Code, Error};
///
/// let error = Error::new(Code::NotFound, "no such sku");
/// assert_eq!(error.message(), "no such sku");
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Box<ErrorInner>);

#[derive(Clone)]
struct ErrorInner {
    code: Code,
    outcome: Outcome,
    /// The same call would fail again in the same way. Known only in the process that made the call.
    lasting: bool,
    message: String,
    method: Option<String>,
    metadata: Metadata,
    cause: Option<Cause>,
}

/// What an error came from; it never leaves the process.
#[derive(Clone)]
struct Cause {
    error: Arc<dyn StdError + Send + Sync>,
    /// Whether the message contains its text already.
    told: bool,
}

impl Error {
    /// An error as a handler makes it; its outcome is [`Outcome::Executed`].
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorInner {
            code,
            outcome: Outcome::Executed,
            lasting: false,
            message: message.into(),
            method: None,
            metadata: Metadata::new(),
            cause: None,
        }))
    }

    /// A refusal: the call certainly never ran.
    pub(crate) fn refused(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, message).with_outcome(Outcome::NotExecuted)
    }

    /// A refusal that would happen again if the call were repeated.
    pub(crate) fn refused_for_good(code: Code, message: impl Into<String>) -> Self {
        let mut error = Self::refused(code, message);
        error.0.lasting = true;
        error
    }

    /// This error with another outcome.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// This error with the method it belongs to, unless it has one.
    #[must_use]
    pub fn with_method(mut self, method: impl Into<String>) -> Self {
        if self.0.method.is_none() {
            self.0.method = Some(method.into());
        }
        self
    }

    /// This error as the handler of `method` returns it: that handler ran. If the error came from another call, the
    /// text says from which one, since the caller puts its own method in front.
    pub(crate) fn passed_on_by(mut self, method: &str) -> Self {
        self.0.outcome = Outcome::Executed;
        if let Some(inner) = self.0.method.take().filter(|inner| inner != method) {
            self.0.message = format!("{inner}: {}", self.0.message);
        }
        self
    }

    /// This error with metadata for the caller.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.0.metadata = metadata;
        self
    }

    /// This error with a local cause, which `source()` returns and which never leaves the process. Its text is not part
    /// of this error's text, so printing an error with its sources shows it once.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause {
            error: Arc::from(source.into()),
            told: false,
        });
        self
    }

    /// This error with a local cause that the message says already.
    pub(crate) fn with_told_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause {
            error: Arc::from(cause.into()),
            told: true,
        });
        self
    }

    /// Why the call failed.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Whether the call ran.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// What happened, in words, without method, code and outcome.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The method as `Service.method`, if the error belongs to a call.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// The local cause, to look at its type. If the message contains the cause's text already,
    /// [`source`](StdError::source) skips it and returns the cause's own source.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::io;
    ///
    /// let error = farcall::Channel::connect("tcp://127.0.0.1:1").await.unwrap_err();
    /// let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
    /// assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
    /// # }
    /// ```
    pub fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.0.cause.as_ref()?;
        Some(&*cause.error)
    }

    /// Metadata that came with the error.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Whether the same call may be sent again without running twice, with a chance of success: it certainly never ran,
    /// and the cause ([`Unavailable`](Code::Unavailable) or [`ResourceExhausted`](Code::ResourceExhausted)) may pass.
    /// It is `false` for a cause that does not pass, such as arguments that are too large, or an object whose
    /// connection is gone.
    pub fn is_retryable(&self) -> bool {
        let ErrorInner { outcome, lasting, .. } = *self.0;
        outcome == Outcome::NotExecuted
            && !lasting
            && matches!(self.0.code, Code::Unavailable | Code::ResourceExhausted)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.0.method {
            write!(f, "{method}: ")?;
        }
        // An address that cannot be bound is not a call, so there is no question whether it ran.
        match self.0.method {
            Some(_) => write!(f, "{} ({}; {})", self.0.message, self.0.code, self.0.outcome),
            None => write!(f, "{} ({})", self.0.message, self.0.code),
        }
    }
}

/// The text of the error with those of its causes, since `main` prints an error in this form; `{:#?}` has the fields.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            fmt::Display::fmt(self, f)?;
            for cause in std::iter::successors(self.source(), |&cause| cause.source()) {
                write!(f, "; caused by: {cause}")?;
            }
            return Ok(());
        }
        let mut debug = f.debug_struct("Error");
        debug.field("code", &self.0.code).field("outcome", &self.0.outcome);
        debug.field("message", &self.0.message).field("method", &self.0.method);
        if !self.0.metadata.is_empty() {
            debug.field("metadata", &self.0.metadata);
        }
        if let Some(cause) = &self.0.cause {
            debug.field("cause", &cause.error);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.0.cause.as_ref()?;
        if cause.told {
            cause.error.source()
        } else {
            Some(&*cause.error)
        }
    }
}

/// Equal when everything that crosses the wire is equal; the local cause does not count.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        a.code == b.code
            && a.outcome == b.outcome
            && a.message == b.message
            && a.method == b.method
            && a.metadata == b.metadata
    }
}

impl Eq for Error {}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.code() {
            Code::Cancelled | Code::Aborted => io::ErrorKind::Interrupted,
            Code::InvalidArgument | Code::OutOfRange => io::ErrorKind::InvalidInput,
            Code::DeadlineExceeded => io::ErrorKind::TimedOut,
            Code::NotFound => io::ErrorKind::NotFound,
            Code::AlreadyExists => io::ErrorKind::AlreadyExists,
            Code::PermissionDenied | Code::Unauthenticated => io::ErrorKind::PermissionDenied,
            Code::Unimplemented => io::ErrorKind::Unsupported,
            Code::Unavailable => io::ErrorKind::NotConnected,
            Code::DataLoss => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The part of an error that is serialised, borrowed or owned.
#[derive(Serialize, Deserialize)]
struct Portable<M, D> {
    code: Code,
    outcome: Outcome,
    message: M,
    method: Option<M>,
    metadata: D,
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Portable {
            code: self.0.code,
            // The handler that sends an error on has run.
            outcome: Outcome::Executed,
            message: self.0.message.as_str(),
            method: self.0.method.as_deref(),
            metadata: &self.0.metadata,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let portable = Portable::<String, Metadata>::deserialize(deserializer)?;
        Ok(Self(Box::new(ErrorInner {
            code: portable.code,
            outcome: portable.outcome,
            lasting: false,
            message: portable.message,
            method: portable.method,
            metadata: portable.metadata,
            cause: None,
        })))
    }
}
