//! Whether the library is where generated code looks for it.

use std::env;

use proc_macro2::TokenStream;

use crate::{args::ServiceArguments, ctxt::Context};

/// Complains if the library has another name in this crate, and the attribute does not name it.
pub(crate) fn library(context: &Context, arguments: &ServiceArguments) -> bool {
    if arguments.located {
        return false;
    }
    let Some(name) = renamed(env::args()) else {
        return false;
    };
    let text = format!("`farcall` is called `{name}` in this crate: write `#[{name}::service(crate = {name})]`");
    context.error(TokenStream::new(), text);
    true
}

/// The name of the library in the crate that is compiled, if it is another one. The compiler's own arguments say so; a
/// language server has none, so there nothing is found.
fn renamed(arguments: impl Iterator<Item = String>) -> Option<String> {
    let arguments: Vec<_> = arguments.collect();
    let externs = arguments.iter().zip(arguments.iter().skip(1));
    let named = |(option, value): (&String, &String)| {
        let (name, path) = (option == "--extern").then(|| value.split_once('='))??;
        let file = path.rsplit(['/', '\\']).next()?;
        // Options of the entry stand before its name.
        let name = name.rsplit(':').next()?;
        Some((name.to_owned(), file.starts_with("libfarcall-")))
    };
    let mut found = None;
    for (name, is_library) in externs.filter_map(named) {
        if name == "farcall" {
            return None;
        }
        if is_library {
            found = Some(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_among(arguments: &[&str]) -> Option<String> {
        renamed(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn the_library_is_found_under_another_name() {
        let other = ["rustc", "--extern", "serde=/a/libserde-1.rlib", "--extern"];
        let with = |last| name_among(&[&other[..], &[last]].concat());
        assert_eq!(with("rpc=/a/libfarcall-0a1b.rmeta").as_deref(), Some("rpc"));
        assert_eq!(with("priv:rpc=C:\\a\\libfarcall-0a1b.rlib").as_deref(), Some("rpc"));
        assert_eq!(with("farcall=/a/libfarcall-0a1b.rmeta"), None);
        assert_eq!(with("rpc=/a/libfarcall_macros-0a1b.so"), None);
        assert_eq!(name_among(&["rust-analyzer-proc-macro-srv"]), None);
    }
}
