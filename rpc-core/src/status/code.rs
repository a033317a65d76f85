//! Why a call failed ([`Code`]) and whether it ran ([`Outcome`]).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the codes once: variant, number, name, and the constructor that `Error` gets.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $constructor:ident, $text:literal;)*) => {
        /// Why a call failed: the sixteen names that gRPC uses, with gRPC's numbers.
        ///
        /// ```
        /// use farcall::{Code, Error};
        ///
        /// let error = Error::not_found("no such sku");
        /// assert_eq!(error.code(), Code::NotFound);
        /// assert_eq!(error.code().to_string(), "not found");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Code {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Code {
            /// The code with gRPC's `number`; `None` for 0 (gRPC's OK) and for numbers above 16.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl crate::Error {
            $(
                $(#[$doc])*
                ///
                /// This constructor makes an error with that code and [`Outcome::Executed`].
                pub fn $constructor(message: impl Into<String>) -> Self {
                    Self::new(Code::$variant, message)
                }
            )*
        }
    };
}

codes! {
    /// The caller gave the call up.
    Cancelled = 1, cancelled, "cancelled";
    /// A failure that fits no other code.
    Unknown = 2, unknown, "unknown error";
    /// The caller's arguments are wrong in every state of the system.
    InvalidArgument = 3, invalid_argument, "invalid argument";
    /// The deadline passed before the call ended.
    DeadlineExceeded = 4, deadline_exceeded, "deadline exceeded";
    /// What was asked for does not exist.
    NotFound = 5, not_found, "not found";
    /// What was to be made exists already.
    AlreadyExists = 6, already_exists, "already exists";
    /// The caller is known and may not do this.
    PermissionDenied = 7, permission_denied, "permission denied";
    /// A limit is reached: a size, a quota, the number of calls in flight.
    ResourceExhausted = 8, resource_exhausted, "resource exhausted";
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9, failed_precondition, "failed precondition";
    /// The call lost against a concurrent one; try the whole operation again.
    Aborted = 10, aborted, "aborted";
    /// An argument lies outside what exists now, such as a read past the end.
    OutOfRange = 11, out_of_range, "out of range";
    /// The service or method does not exist on the server.
    Unimplemented = 12, unimplemented, "unimplemented";
    /// Something that should always hold is broken; a handler that panicked ends here.
    Internal = 13, internal, "internal error";
    /// The server cannot be reached now.
    Unavailable = 14, unavailable, "unavailable";
    /// Data is lost or corrupt beyond repair.
    DataLoss = 15, data_loss, "data loss";
    /// The caller has not shown who it is.
    Unauthenticated = 16, unauthenticated, "unauthenticated";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Whether a failed call ran on the server.
///
/// `NotExecuted` and `Executed` are used only when they are certain; everything else is `Unknown`.
///
/// ```
/// use farcall::{Error, Outcome};
///
/// let refused = Error::unavailable("draining").with_outcome(Outcome::NotExecuted);
/// assert!(refused.is_retryable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Outcome {
    /// The handler certainly never started: it is safe to repeat the call.
    NotExecuted = 0,
    /// The handler ran to its end.
    Executed = 1,
    /// The handler may have run, in part or completely.
    Unknown = 2,
}

impl Outcome {
    /// The outcome with this number on the wire; `None` for numbers above 2.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::NotExecuted),
            1 => Some(Self::Executed),
            2 => Some(Self::Unknown),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExecuted => "the call was not executed",
            Self::Executed => "the call was executed",
            Self::Unknown => "the call may have been executed",
        })
    }
}
