//! Types of other libraries that are often tried in a service but belong to one process, recognised by their names.
//!
//! The name alone refuses nothing, since a user's own type may have it: it decides what the compiler says if the type
//! cannot cross the network.

use syn::Type;

use crate::types;

/// Why boxed errors cannot be sent.
pub(super) const ERRORS: &str = "this error cannot be sent, because serde cannot handle it: return \
    `farcall::Result<X>`, which any error turns into with `.or_internal()?` (`farcall::OrFail`), or an error type of \
    your own";
/// Why a function cannot be sent.
pub(super) const FUNCTIONS: &str = "a function cannot cross the network: hand over an object that can be called back, \
    a client of another service (`…Client::local(implementation)`)";

/// Whether the type looks like an error of std or another library, or a result with one.
pub(crate) fn is_error(ty: &Type) -> bool {
    let (module, name) = named(ty);
    ["anyhow", "eyre", "color_eyre", "io", "fmt"].contains(&&*module) && ["Result", "Error", "Report"].contains(&&*name)
}

/// Whether the type looks like an end of a channel between tasks or threads.
pub(crate) fn is_channel_end(ty: &Type) -> bool {
    const MODULES: [&str; 7] = [
        "mpsc",
        "oneshot",
        "broadcast",
        "watch",
        "flume",
        "crossbeam_channel",
        "async_channel",
    ];
    let (module, name) = named(ty);
    MODULES.contains(&&*module) && (name.ends_with("Sender") || name.ends_with("Receiver"))
}

/// The last two names of the type's path.
fn named(ty: &Type) -> (String, String) {
    let Type::Path(path) = types::bare(ty) else {
        return Default::default();
    };
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let name = names.next().unwrap_or_default();
    (names.next().unwrap_or_default(), name)
}
