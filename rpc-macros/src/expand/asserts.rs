//! Code that does nothing but fail to compile, at the type to blame, when a type cannot cross the network.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, ext::IdentExt, spanned::Spanned};

use crate::{
    bounds,
    model::{Method, Service},
    types,
};

/// One function for each method that has types to ask about. Their names, and those of the types in them, are what the
/// compiler shows: `stock::sku`.
pub(super) fn asserts(service: &Service) -> TokenStream {
    service
        .methods
        .iter()
        .map(|method| of_method(service, method))
        .collect()
}

fn of_method(service: &Service, method: &Method) -> TokenStream {
    let mut questions: Vec<(Ident, TokenStream)> = Vec::new();
    for argument in &method.arguments {
        let ty = asked(&argument.ty);
        if let Some(ty) = ty.filter(|ty| is_asked(service, ty)) {
            questions.push((
                marker(&argument.ident),
                quote_spanned!(ty.span()=> __farcall::argument::<#ty, _>),
            ));
        }
    }
    let output = &method.output.ty;
    if method.output.fallible {
        let arguments = types::type_arguments(output);
        if let Some(value) = arguments.first().filter(|ty| is_asked(service, ty)) {
            questions.push((
                format_ident!("Ok"),
                quote_spanned!(value.span()=> __farcall::output::<#value, _>),
            ));
        }
        if let Some(error) = arguments.get(1).filter(|ty| is_asked(service, ty)) {
            questions.push((
                format_ident!("Err"),
                quote_spanned!(error.span()=> __farcall::failure::<#error, _>),
            ));
        }
    } else if is_asked(service, output) {
        questions.push((
            format_ident!("output"),
            quote_spanned!(output.span()=> __farcall::output::<#output, _>),
        ));
    }
    if questions.is_empty() {
        return TokenStream::new();
    }
    let ident = marker(&method.ident);
    let cfgs = method.cfgs();
    let lifetimes = method.named_lifetimes();
    let markers = questions.iter().map(|(marker, _)| marker);
    let calls = questions
        .iter()
        .map(|(marker, call)| quote!(#call(::core::marker::PhantomData::<#marker>);));
    quote! {
        #(#cfgs)*
        #[allow(non_camel_case_types)]
        fn #ident<#(#lifetimes),*>() {
            #(enum #markers {})*
            #(#calls)*
        }
    }
}

/// The type that serde sees on both sides.
fn asked(ty: &Type) -> Option<&Type> {
    match types::bare(ty) {
        Type::Reference(reference) => asked(&reference.elem),
        Type::Slice(slice) => asked(&slice.elem),
        other => Some(other),
    }
}

fn is_asked(service: &Service, ty: &Type) -> bool {
    !types::is_well_known(ty) && !bounds::is_generic(service, ty)
}

/// A user's name that is free of the user's hygiene, since here it names an item.
fn marker(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    syn::parse_str::<Ident>(&name).unwrap_or_else(|_| Ident::new_raw(&name, proc_macro2::Span::call_site()))
}
