//! From the [`model`](crate::model) to what the attribute leaves in the program.

mod asserts;
mod blocking;
mod calls;
mod client;
mod descriptor;
mod proxy;
mod server;
mod trait_def;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, TypeParamBound};

pub(crate) use trait_def::trait_definition;

use crate::model::Service;

/// Everything that is generated beside the trait.
///
/// The types stand where the trait stands; all else is in one anonymous constant, so that the names it needs are nobody's.
pub(crate) fn companions(service: &Service) -> TokenStream {
    let library = &service.library;
    let cfgs: Vec<_> = service.cfgs().collect();
    let definitions = [
        client::definition(service),
        blocking::definition(service),
        server::definition(service),
    ];
    let definitions = definitions.map(|definition| quote!(#(#cfgs)* #definition));
    let implementations = [
        asserts::asserts(service),
        descriptor::descriptor(service),
        client::implementation(service),
        blocking::implementation(service),
        server::implementation(service),
    ];
    quote! {
        #(#definitions)*

        #(#cfgs)*
        #[allow(deprecated, dead_code, unused_qualifications, clippy::too_many_arguments, clippy::used_underscore_binding)]
        const _: () = {
            use #library::macro_support as __farcall;
            #(#implementations)*
        };
    }
}

/// The parameters as a type declares them: bounds belong to the implementations that need them.
fn declared(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    generics.where_clause = None;
    for parameter in generics.type_params_mut() {
        let bounds = std::mem::take(&mut parameter.bounds).into_iter();
        let relaxations = bounds.filter(|bound| matches!(bound, TypeParamBound::Trait(bound) if bound.maybe.is_some()));
        parameter.bounds = relaxations.collect();
        if parameter.bounds.is_empty() {
            parameter.colon_token = None;
        }
    }
    generics
}

/// The type of a field that makes a type depend on its parameters without owning any.
fn phantom(generics: &Generics) -> TokenStream {
    let types = generics.type_params().map(|parameter| &parameter.ident);
    quote!(::core::marker::PhantomData<fn() -> (#(::core::marker::PhantomData<#types>,)*)>)
}
