//! The client, whose calls are futures.

use proc_macro2::TokenStream;
use quote::quote;

use super::proxy::Proxy;
use crate::model::Service;

pub(super) fn definition(service: &Service) -> TokenStream {
    let name = &service.item.ident;
    proxy(service).definition(&format!(" Calls the methods of a remote [`{name}`]."))
}

pub(super) fn implementation(service: &Service) -> TokenStream {
    let proxy = proxy(service);
    let parts = [
        proxy.common(),
        proxy.constructors([("connect", connect(service)), ("loopback", loopback(service))]),
        proxy.methods(),
        proxy.trait_implementation(),
    ];
    parts.into_iter().collect()
}

fn proxy(service: &Service) -> Proxy<'_> {
    Proxy {
        service,
        ident: &service.names.client,
        stub: quote!(Stub),
        role: quote!(Client),
        asynchronous: true,
    }
}

fn connect(service: &Service) -> TokenStream {
    let (library, visibility) = (&service.library, &service.item.vis);
    quote! {
        /// Connects to the server at an address.
        ///
        /// # Errors
        /// When the address is malformed or nobody answers there.
        #visibility fn connect(
            address: impl __farcall::IntoAddress,
        ) -> impl ::core::future::Future<Output = #library::Result<Self>> + ::core::marker::Send {
            <Self as __farcall::Client>::connect(address)
        }
    }
}

fn loopback(service: &Service) -> TokenStream {
    let (server, implementation) = (&service.names.server, &service.names.implementation);
    let (visibility, item) = (&service.item.vis, &service.item.ident);
    let (_, arguments, _) = service.item.generics.split_for_impl();
    let own: Vec<_> = service
        .item
        .generics
        .params
        .iter()
        .map(|parameter| match parameter {
            syn::GenericParam::Type(parameter) => parameter.ident.clone(),
            syn::GenericParam::Const(parameter) => parameter.ident.clone(),
            syn::GenericParam::Lifetime(parameter) => parameter.lifetime.ident.clone(),
        })
        .collect();
    let bound = if service.lifted.is_empty() {
        quote!(#item #arguments)
    } else {
        let associated = service.lifted.iter().map(|lifted| &lifted.associated);
        let parameter = service.lifted.iter().map(|lifted| &lifted.parameter);
        quote!(#item<#(#own,)* #(#associated = #parameter),*>)
    };
    let is_service = (!service.parameters.params.is_empty())
        .then(|| quote!(#server<#implementation, #(#own),*>: __farcall::Service,));
    let mut clause = quote! {
        #implementation: #bound + ::core::marker::Send + ::core::marker::Sync + 'static,
        #is_service
    };
    clause.extend(loopback_parameters(service));
    quote! {
        /// A client of `implementation` in this process: everything but a socket is real.
        #visibility fn loopback<#implementation>(implementation: #implementation) -> Self
        where
            #clause
        {
            __farcall::Client::new(__farcall::Channel::loopback(#server::<#implementation, #(#own),*>::new(implementation)))
        }
    }
}

/// The bounds of the trait's own parameters, without which it cannot be named.
fn loopback_parameters(service: &Service) -> TokenStream {
    let bounds = service
        .parameters
        .type_params()
        .filter(|parameter| !parameter.bounds.is_empty())
        .map(|parameter| {
            let (ident, bounds) = (&parameter.ident, &parameter.bounds);
            quote!(#ident: #bounds,)
        });
    let predicates = service
        .parameters
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    quote!(#(#bounds)* #(#predicates,)*)
}
