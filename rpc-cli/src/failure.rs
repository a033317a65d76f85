//! How a command fails: a text that says what to do, and an exit status.

use std::{io, process::ExitCode};

use farcall::{Code, Error};
use serde_json::Value;

use crate::{
    dynamic::{Failed, Wrong},
    output,
};

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The method returned an error of its own type.
    Own(Value),
    /// What was asked for was answered in the negative, and that is printed.
    Negative,
    /// Something on the command line or in the JSON is wrong.
    Usage(String),
    /// A file, or the output.
    Local(String),
    /// A call failed.
    Call(Error),
    /// Ctrl-C.
    Stopped,
    /// Who reads the output has gone.
    Unread,
}

/// The lowest exit status of a failed call is this and the number of its code.
const CALL: u8 = 10;

impl Failure {
    /// Prints it.
    pub(crate) fn report(self) -> ExitCode {
        match &self {
            Self::Own(value) => output::failure(&format!("the method returned an error of its own: {value}"), None),
            Self::Usage(text) | Self::Local(text) => output::failure(text, None),
            Self::Call(error) => output::failure(&in_terms_of_options(error.to_string()), hint(error)),
            Self::Negative | Self::Stopped | Self::Unread => {}
        }
        ExitCode::from(self.status())
    }

    fn status(&self) -> u8 {
        match self {
            Self::Own(_) | Self::Negative => 1,
            Self::Usage(_) => 2,
            Self::Local(_) => 3,
            Self::Call(error) => CALL + error.code() as u8,
            Self::Stopped => 130,
            // As if it had been killed by SIGPIPE, which is what it asked for.
            Self::Unread => 141,
        }
    }
}

/// The errors of the library name its methods; here options do the same.
fn in_terms_of_options(text: String) -> String {
    const OPTIONS: [(&str, &str); 4] = [
        ("`ClientTls::authority_file`", "`--authority FILE`"),
        ("`ClientTls::certificate_files`", "`--certificate FILE --key FILE`"),
        ("`ClientTls::pinned`", "`--pin SHA256`"),
        ("`ClientTls::server_name`", "`--server-name NAME`"),
    ];
    let replaced = |text: String, (method, option): (&str, &str)| text.replace(method, option);
    OPTIONS.into_iter().fold(text, replaced)
}

/// What to do about a failed call.
fn hint(error: &Error) -> Option<&'static str> {
    Some(match error.code() {
        Code::Unavailable => "is the server running, and is that its address?",
        Code::DeadlineExceeded => "`--timeout` gives it more time",
        Code::Unauthenticated | Code::PermissionDenied => {
            "the server wants to know who calls: `--metadata KEY=VALUE` sends what it asks for"
        }
        // Without a method it is the connection that failed, or what the server offers cannot be known.
        Code::Unimplemented | Code::FailedPrecondition if error.method().is_none() => return None,
        Code::Unimplemented => "`farcall ls ADDRESS` lists what the server offers",
        Code::FailedPrecondition if error.message().contains("different versions of this method") => {
            "where a contract file is out of date, write it anew with `farcall lock`, or leave out `--contract`"
        }
        Code::InvalidArgument => "`farcall describe ADDRESS SERVICE.METHOD` shows what the method takes",
        Code::ResourceExhausted => "a limit is reached; try again later, or with less",
        _ => return None,
    })
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Own(value) => Self::Own(value),
            Failed::Call(error) => Self::Call(error),
        }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Usage(wrong.to_string())
    }
}

/// Of the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Local(format!("the output cannot be written: {error}")),
        }
    }
}
