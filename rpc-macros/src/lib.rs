//! The attribute of the `farcall` crate; use it as `farcall::service`.
use proc_macro::TokenStream;

/// Placeholder.
#[proc_macro_attribute]
pub fn service(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
