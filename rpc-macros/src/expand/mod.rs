//! From the [`model`](crate::model) to what the attribute leaves in the program.

mod asserts;
mod blocking;
mod calls;
mod client;
mod contract;
mod descriptor;
mod docs;
mod pointers;
mod proxy;
mod server;
mod trait_def;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ConstParam, GenericParam, Generics, ImplGenerics, LifetimeParam, TypeParam, TypeParamBound, WhereClause};

pub(crate) use asserts::{is_asked, is_certain};
pub(crate) use pointers::names_self;
pub(crate) use trait_def::trait_definition;

use crate::model::Service;

/// Everything that is generated beside the trait.
///
/// The types are beside the trait. Everything else is in one anonymous constant, so that its names do not collide with
/// others.
pub(crate) fn companions(mut service: Service) -> TokenStream {
    let mut definitions = vec![client::definition(&service)];
    let (client, mut blocking) = (client::methods(&service), TokenStream::new());
    if service.blocking {
        definitions.push(blocking::definition(&service));
        blocking = blocking::methods(&service);
    }
    definitions.push(server::definition(&service));
    service.leave_places();
    let service = &service;
    let mut implementations = vec![
        asserts::asserts(service),
        descriptor::descriptor(service),
        client::implementation(service, client),
    ];
    if service.blocking {
        implementations.push(blocking::implementation(service, blocking));
    }
    implementations.extend([server::implementation(service), pointers::implementations(service)]);
    let (library, cfgs) = (&service.library, service.cfgs().collect::<Vec<_>>());
    let (lints, silenced) = (service.lints(), silenced());
    let definitions = definitions
        .into_iter()
        .map(|definition| quote!(#(#cfgs)* #lints #silenced #definition));
    quote! {
        #(#definitions)*

        #(#cfgs)*
        #lints
        #silenced
        const _: () = {
            use #library::macro_support as __farcall;
            #(#implementations)*
        };
    }
}

/// Lints about generated code help no user, and those about its names are reported at the trait.
fn silenced() -> TokenStream {
    quote! {
        #[allow(
            dead_code, deprecated, nonstandard_style, unused_braces, unused_qualifications,
            clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction,
        )]
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

/// What an implementation says of its parameters: their declarations, their use as arguments, their bounds.
fn split(generics: &Generics) -> (ImplGenerics<'_>, TokenStream, Option<&WhereClause>) {
    let (declarations, _, clause) = generics.split_for_impl();
    let list = generics.params.iter().map(argument);
    let arguments = if generics.params.is_empty() {
        TokenStream::new()
    } else {
        quote!(<#(#list),*>)
    };
    (declarations, arguments, clause)
}

/// The parameters without their defaults, as an implementation declares them between its angle brackets.
fn parameters(generics: &Generics) -> TokenStream {
    let mut parameters = generics.params.clone();
    for parameter in &mut parameters {
        match parameter {
            GenericParam::Type(parameter) => parameter.default = None,
            GenericParam::Const(parameter) => parameter.default = None,
            GenericParam::Lifetime(_) => {}
        }
    }
    quote!(#parameters)
}

/// A parameter as an argument. The braces keep a constant from being taken for a type of that name.
fn argument(parameter: &GenericParam) -> TokenStream {
    match parameter {
        GenericParam::Type(TypeParam { ident, .. }) => quote!(#ident),
        GenericParam::Const(ConstParam { ident, .. }) => quote!({ #ident }),
        GenericParam::Lifetime(LifetimeParam { lifetime, .. }) => quote!(#lifetime),
    }
}

/// The type of a field that makes a type depend on its parameters without owning any.
fn phantom(generics: &Generics) -> TokenStream {
    let types = generics.type_params().map(|parameter| &parameter.ident);
    quote!(::core::marker::PhantomData<fn() -> (#(::core::marker::PhantomData<#types>,)*)>)
}
