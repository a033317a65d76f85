//! Types that are often tried in a service and belong to one process, known by the path that is written.

use syn::{Path, TypePath};

/// Why errors of other libraries do not travel.
pub(super) const ERRORS: &str = "this error stays where it happened, because serde cannot handle it: return `farcall::Result<X>`, which any error \
                      turns into with `.or_internal()?` (`farcall::OrFail`), or an error type of your own";
const CHANNELS: &str = "the ends of this channel belong to one process: take those of `farcall::channel` (`Sender<X>`, `Receiver<X>`), or \
                        a stream, `impl Stream<Item = X>`";

/// Why a function does not travel.
pub(super) const FUNCTIONS: &str = "a function cannot cross the network: hand over an object that can be called back, a client of another \
                                    service (`…Client::local(implementation)`)";

/// Why a type of that path does not travel, and what does in its place.
pub(super) fn instead(ty: &TypePath) -> Option<&'static str> {
    let segments = names(&ty.path);
    let (last, modules) = segments.split_last()?;
    let module = modules.last().map(String::as_str)?;
    match (module, last.as_str()) {
        ("anyhow" | "eyre" | "color_eyre" | "io" | "fmt", "Result" | "Error" | "Report") => Some(ERRORS),
        (
            "mpsc" | "oneshot" | "broadcast" | "flume" | "crossbeam_channel" | "async_channel",
            "Sender" | "Receiver" | "SyncSender" | "UnboundedSender" | "UnboundedReceiver",
        ) => Some(CHANNELS),
        ("watch", "Sender" | "Receiver") if modules.first().is_some_and(|first| first == "tokio") => Some(CHANNELS),
        _ => None,
    }
}

fn names(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}
