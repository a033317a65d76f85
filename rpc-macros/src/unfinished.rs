//! A trait that the user is still typing.
//!
//! An editor expands the attribute after every key. The complete parts stay meanwhile: without the clients, every call
//! in the project would be an error.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    ItemTrait, TraitItem,
    parse::{ParseStream, Parser, discouraged::Speculative},
};

/// The trait with those of its members that can be read; `None` when even that is not a trait.
pub(crate) fn parse(item: TokenStream) -> Option<ItemTrait> {
    let mut tokens: Vec<_> = item.into_iter().collect();
    let Some(TokenTree::Group(body)) = tokens.pop() else {
        return None;
    };
    let mut whole = Group::new(body.delimiter(), members.parse2(body.stream()).ok()?);
    whole.set_span(body.span());
    tokens.push(whole.into());
    syn::parse2(tokens.into_iter().collect()).ok()
}

/// Skips each token that does not begin a member.
fn members(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut members = TokenStream::new();
    while !input.is_empty() {
        let ahead = input.fork();
        if let Ok(member) = ahead.parse::<TraitItem>() {
            input.advance_to(&ahead);
            member.to_tokens(&mut members);
        } else {
            input.parse::<TokenTree>()?;
        }
    }
    Ok(members)
}
