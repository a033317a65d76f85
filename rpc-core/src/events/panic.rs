//! What is told of a panic of foreign code, and to whom.

use std::io::{self, Write};

use super::panicked;
use crate::unwind::{Panicked, caught};

impl Panicked {
    /// Tells the panic of `what`, in this process with its text, and gives what the other side is told: an id under
    /// which the text is found here, and the text itself only where `tells`.
    #[cold]
    pub(crate) fn report(&self, what: &str, name: &str, tells: bool) -> String {
        let (id, text) = (format!("{:08x}", fastrand::u32(..)), self.text());
        // A subscriber is foreign code, too.
        let recorded =
            caught(|| panicked(name.trim_start_matches(" of ").trim_matches([' ', '`']), &id, text)).unwrap_or(false);
        if !recorded {
            // If there is no place to write to, the text is lost, which is no reason to fail.
            let _ = writeln!(io::stderr(), "farcall: {what}{name} panicked (panic {id}): {text}");
        }
        if tells {
            format!("{what} panicked: {text} (panic {id})")
        } else {
            format!("{what} panicked; the log of its process has the text beside `panic {id}`")
        }
    }
}
