//! A trait that somebody is still typing.
//!
//! An editor expands the attribute after every key. What is whole stays meanwhile: without the clients, every call in
//! the project would be a mistake.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    ItemTrait, TraitItem,
    parse::{ParseStream, Parser, discouraged::Speculative},
};

/// The trait with those of its members that can be read, and the tokens of the others; `None` when it is no trait even
/// without them.
pub(crate) fn parse(item: TokenStream) -> Option<(ItemTrait, TokenStream)> {
    let mut tokens: Vec<_> = item.into_iter().collect();
    let Some(TokenTree::Group(body)) = tokens.pop() else {
        return None;
    };
    let (members, rest) = members.parse2(body.stream()).ok()?;
    let mut whole = Group::new(body.delimiter(), members);
    whole.set_span(body.span());
    tokens.push(whole.into());
    let item = syn::parse2(tokens.into_iter().collect()).ok()?;
    Some((item, rest))
}

fn members(input: ParseStream<'_>) -> syn::Result<(TokenStream, TokenStream)> {
    let (mut members, mut rest) = (TokenStream::new(), TokenStream::new());
    while !input.is_empty() {
        let ahead = input.fork();
        if let Ok(member) = ahead.parse::<TraitItem>() {
            input.advance_to(&ahead);
            member.to_tokens(&mut members);
        } else {
            input.parse::<TokenTree>()?.to_tokens(&mut rest);
        }
    }
    Ok((members, rest))
}
