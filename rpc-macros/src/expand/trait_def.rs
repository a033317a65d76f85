//! The trait itself.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Block, FnArg, ItemTrait, Pat, ReturnType, TraitItem, TraitItemFn, Type, parse_quote};

use crate::{check, names::local, streams, types};

/// The trait as written, except that `async fn` becomes `fn … -> impl Future + Send`, that streams are `Send`, and that
/// `#[rpc(…)]` is gone.
///
/// Parts that the macro has reported are corrected, so that the compiler does not report them again.
pub(crate) fn trait_definition(item: ItemTrait) -> TokenStream {
    completed(item).into_token_stream()
}

pub(super) fn completed(mut item: ItemTrait) -> ItemTrait {
    item.attrs.retain(|attribute| !check::is_async_trait(attribute));
    item.items.retain(|item| !matches!(item, TraitItem::Macro(_)));
    for item in &mut item.items {
        if let TraitItem::Fn(function) = item {
            function.attrs.retain(|attribute| {
                !attribute.path().is_ident("rpc")
                    && !check::is_misnamed(attribute)
                    && !check::hides(attribute, &["rpc"])
            });
            name_arguments(function);
            if matches!(&function.sig.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_))) {
                function.sig.output = ReturnType::Default;
            }
            complete_streams(function);
            if function.sig.asyncness.take().is_some() {
                return_future(function);
            }
        }
    }
    item
}

/// Without a body the compiler, too, rejects patterns.
fn name_arguments(function: &mut TraitItemFn) {
    for (index, input) in function.sig.inputs.iter_mut().enumerate() {
        if let FnArg::Typed(input) = input {
            input.attrs.retain(|attribute| !attribute.path().is_ident("rpc"));
            if !matches!(&*input.pat, Pat::Ident(pattern) if pattern.subpat.is_none()) {
                let name = format_ident!("_argument{}", index);
                *input.pat = parse_quote!(#name);
                function.default = None;
                function.semi_token = Some(parse_quote!(;));
            }
        }
    }
}

fn complete_streams(function: &mut TraitItemFn) {
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(input) = input {
            streams::complete_argument(&mut input.ty);
        }
    }
    if let ReturnType::Type(_, ty) = &mut function.sig.output {
        streams::complete_result(ty);
        let is_opaque = matches!(types::bare(ty), Type::ImplTrait(_));
        if is_opaque && function.sig.asyncness.is_none() && function.default.is_some() {
            demand_sync(function);
        }
    }
}

/// The future or stream of a default body holds `&self`, so it is `Send` only if `Self` is `Sync`. The bound is on this
/// method alone: a supertrait would also bind implementations that are never used in a server.
fn demand_sync(function: &mut TraitItemFn) {
    let clause = function.sig.generics.make_where_clause();
    clause.predicates.push(parse_quote!(Self: ::core::marker::Sync));
}

fn return_future(function: &mut TraitItemFn) {
    let output: Type = match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    function.sig.output = parse_quote! {
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    };
    if let Some(body) = function.default.take() {
        demand_sync(function);
        let body = async_body(&output, &body);
        function.default = Some(parse_quote!({ #body }));
    }
}

/// The body as a future. Unlike for an `async fn`, the compiler does not take the output's type from the signature, so
/// it is named for `?`, for `return`, and for coercions of the last expression.
fn async_body(output: &Type, body: &Block) -> TokenStream {
    if matches!(output, Type::Tuple(tuple) if tuple.elems.is_empty()) {
        return quote!(async move #body);
    }
    let value = local("value");
    // A stream's type has no name, and the body says it.
    let output = &streams::replaced(output, &parse_quote!(_));
    quote! {
        async move {
            if let ::core::option::Option::Some(#value) = ::core::option::Option::None::<#output> {
                #[allow(unreachable_code)]
                return #value;
            }
            #[allow(unreachable_code, clippy::let_and_return, clippy::diverging_sub_expression)]
            {
                let #value: #output = #body;
                #value
            }
        }
    }
}
