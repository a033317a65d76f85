//! The trait for `&T`, `Box<T>` and `Arc<T>`, so that one implementation can be shared and passed around.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    FnArg, Generics, Ident, Pat, Path, TraitItem, TraitItemConst, TraitItemFn, Type, WherePredicate, parse_quote,
    parse_quote_spanned,
    visit_mut::{self, VisitMut},
};

use super::{split, trait_def::completed};
use crate::{check, model::Service};

pub(super) fn implementations(service: &Service) -> TokenStream {
    if !service.pointers {
        return TokenStream::new();
    }
    // All of it with one span: otherwise an editor leads to the attribute's own source.
    let place = service.item.ident.span();
    let target = Ident::new(&service.names.implementation.to_string(), place);
    let pointers: [Type; 3] = [
        parse_quote_spanned!(place=> &'__farcall #target),
        parse_quote_spanned!(place=> __farcall::std::boxed::Box<#target>),
        parse_quote_spanned!(place=> __farcall::std::sync::Arc<#target>),
    ];
    pointers.iter().map(|pointer| implemented(service, pointer)).collect()
}

fn implemented(service: &Service, pointer: &Type) -> TokenStream {
    let (ident, implementation) = (&service.item.ident, &service.names.implementation);
    let (_, arguments, _) = split(&service.item.generics);
    let path: Path = parse_quote!(#ident #arguments);
    let item = completed(service.item.clone());
    let items = item.items.iter().map(|item| forwarded(item, implementation, &path));
    let generics = generics(service, pointer, &path, &item.items);
    let (impl_generics, _, clause) = split(&generics);
    quote! {
        #[automatically_derived]
        impl #impl_generics #path for #pointer #clause {
            #(#items)*
        }
    }
}

/// The parameters with all bounds on the implementation and on the pointer: supertraits, and the bounds on `Self` of
/// the trait and its methods.
fn generics(service: &Service, pointer: &Type, path: &Path, items: &[TraitItem]) -> Generics {
    let implementation = &service.names.implementation;
    let mut generics = service.item.generics.clone();
    if let Type::Reference(_) = pointer {
        generics.params.insert(0, parse_quote!('__farcall));
    }
    generics.params.push(parse_quote!(#implementation));
    let supertraits = &service.item.supertraits;
    let clause = generics.make_where_clause();
    let functions = items.iter().filter_map(|item| match item {
        TraitItem::Fn(function) => function.sig.generics.where_clause.as_ref(),
        _ => None,
    });
    let of_methods = functions
        .flat_map(|clause| &clause.predicates)
        .filter(|predicate| check::is_about_self(predicate));
    let about_self: Vec<_> = clause.predicates.iter().chain(of_methods).filter(names_self).collect();
    let about_implementation: Vec<WherePredicate> = about_self
        .into_iter()
        .map(|predicate| {
            let mut predicate = predicate.clone();
            Implementation { implementation, path }.visit_where_predicate_mut(&mut predicate);
            predicate
        })
        .collect();
    clause.predicates.extend(about_implementation);
    clause
        .predicates
        .push(parse_quote!(#implementation: #path + ?::core::marker::Sized));
    if !supertraits.is_empty() {
        clause.predicates.push(parse_quote!(#pointer: #supertraits));
    }
    generics
}

/// Whether `Self` is in it.
pub(crate) fn names_self(tokens: &impl ToTokens) -> bool {
    fn is_in(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "Self",
            proc_macro2::TokenTree::Group(group) => is_in(group.stream()),
            _ => false,
        })
    }
    is_in(tokens.to_token_stream())
}

/// The item as the implementation has it.
fn forwarded(item: &TraitItem, implementation: &Ident, path: &Path) -> TokenStream {
    match item {
        TraitItem::Fn(function) => method(function, implementation, path),
        TraitItem::Type(ty) => {
            let ident = &ty.ident;
            quote!(type #ident = <#implementation as #path>::#ident;)
        }
        TraitItem::Const(TraitItemConst { attrs, ident, ty, .. }) => {
            let cfgs = attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
            quote!(#(#cfgs)* const #ident: #ty = <#implementation as #path>::#ident;)
        }
        _ => TokenStream::new(),
    }
}

fn method(function: &TraitItemFn, implementation: &Ident, path: &Path) -> TokenStream {
    let cfgs = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let mut signature = function.sig.clone();
    let mut arguments = Vec::new();
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                arguments.push(quote!(&**#this));
            }
            FnArg::Typed(input) => {
                input.attrs.clear();
                if let Pat::Ident(pattern) = &mut *input.pat {
                    pattern.mutability = None;
                }
                arguments.push(input.pat.to_token_stream());
            }
        }
    }
    let ident = &signature.ident;
    quote! {
        #(#cfgs)*
        #[inline]
        #signature {
            <#implementation as #path>::#ident(#(#arguments),*)
        }
    }
}

/// Puts the implementation in the place of `Self`.
struct Implementation<'a> {
    implementation: &'a Ident,
    path: &'a Path,
}

impl VisitMut for Implementation<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let Self { implementation, path } = self;
        if let Type::Path(written) = ty
            && written.qself.is_none()
        {
            let segments: Vec<_> = written
                .path
                .segments
                .iter()
                .map(|segment| segment.ident.clone())
                .collect();
            match &segments[..] {
                [this] if this == "Self" => *ty = parse_quote!(#implementation),
                [this, associated] if this == "Self" => *ty = parse_quote!(<#implementation as #path>::#associated),
                _ => {}
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }
}
