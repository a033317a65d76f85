//! Collects errors, so that all mistakes of a trait are reported at once.

use std::{cell::RefCell, thread};

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
///
/// Dropping one without [`finish`](Self::finish) panics: an error that is not reported would turn into code that is
/// silently wrong.
#[derive(Debug)]
pub(crate) struct Context {
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Context {
    pub(crate) fn new() -> Self {
        Self {
            errors: RefCell::new(Some(Vec::new())),
        }
    }

    /// Reports `message` at all of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens.into_token_stream(), message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        if let Some(errors) = self.errors.borrow_mut().as_mut() {
            errors.push(error);
        }
    }

    /// The number of errors so far; comparing two of them tells whether a step went well.
    pub(crate) fn count(&self) -> usize {
        self.errors.borrow().as_ref().map_or(0, Vec::len)
    }

    /// The errors as `compile_error!` calls; nothing when there are none.
    pub(crate) fn finish(self) -> TokenStream {
        let errors = self.errors.borrow_mut().take().unwrap_or_default();
        errors.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        assert!(
            thread::panicking() || self.errors.borrow().is_none(),
            "errors were collected and never reported"
        );
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn every_error_is_reported() {
        let context = Context::new();
        context.error(quote!(a), "first");
        context.error(quote!(b), "second");
        assert_eq!(context.count(), 2);
        let output = context.finish().to_string();
        assert!(output.contains("first") && output.contains("second"), "{output}");
    }

    #[test]
    #[should_panic(expected = "never reported")]
    fn errors_cannot_be_dropped() {
        drop(Context::new());
    }
}
