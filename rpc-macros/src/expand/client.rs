//! The client, whose calls are futures.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericParam, Ident};

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
        proxy.constructors(connect(service)),
        loopback(service),
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

/// An implementation block of its own: where the trait bounds its parameters, only here must they be so bound.
fn loopback(service: &Service) -> TokenStream {
    if service.has_method("loopback") {
        return TokenStream::new();
    }
    let (client, server) = (&service.names.client, &service.names.server);
    let (visibility, implementation) = (&service.item.vis, &service.names.implementation);
    let (impl_generics, arguments, clause) = service.parameters.split_for_impl();
    let (bound, own) = (implementation_bound(service), own_arguments(service));
    let is_service = (!service.parameters.params.is_empty())
        .then(|| quote!(#server<#implementation, #(#own),*>: __farcall::Service));
    quote! {
        impl #impl_generics #client #arguments #clause {
            /// A client of `implementation` in this process: everything but a socket is real.
            #visibility fn loopback<#implementation>(implementation: #implementation) -> Self
            where
                #implementation: #bound + ::core::marker::Send + ::core::marker::Sync + 'static,
                #is_service
            {
                let server = #server::<#implementation, #(#own),*>::new(implementation);
                __farcall::Client::new(__farcall::Channel::loopback(server))
            }
        }
    }
}

/// The trait with the client's parameters for its own and for its associated types.
fn implementation_bound(service: &Service) -> TokenStream {
    let item = &service.item.ident;
    let associated = service.lifted.iter().map(|lifted| {
        let (associated, parameter) = (&lifted.associated, &lifted.parameter);
        quote!(#associated = #parameter)
    });
    let own = own_arguments(service).into_iter().map(|argument| quote!(#argument));
    let arguments: Vec<_> = own.chain(associated).collect();
    if arguments.is_empty() {
        quote!(#item)
    } else {
        quote!(#item<#(#arguments),*>)
    }
}

/// The parameters of the trait itself, as arguments.
fn own_arguments(service: &Service) -> Vec<&Ident> {
    let parameters = service.item.generics.params.iter();
    let arguments = parameters.filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    });
    arguments.collect()
}
