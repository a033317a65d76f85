//! The client, whose calls are futures.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

use super::{argument, proxy::Proxy, split};
use crate::{model::Service, names::local};

pub(super) fn definition(service: &Service) -> TokenStream {
    let name = &service.item.ident;
    proxy(service).definition(&format!(" Calls the methods of a remote [`{name}`]."))
}

pub(super) fn methods(service: &Service) -> TokenStream {
    proxy(service).methods()
}

pub(super) fn implementation(service: &Service, methods: TokenStream) -> TokenStream {
    let proxy = proxy(service);
    let descriptor = Ident::new("__FARCALL_DESCRIPTOR", Span::call_site());
    let parts = [
        proxy.common(Some(&descriptor)),
        proxy.provided(),
        in_process(service),
        methods,
        proxy.trait_implementation(),
        proxy.contract(),
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

/// An implementation block of its own: only this one repeats the bounds that the trait has on its parameters.
fn in_process(service: &Service) -> TokenStream {
    let functions = [
        (
            "loopback",
            " A client of `implementation` in this process: calls pass through everything but a socket.",
        ),
        (
            "local",
            " A client of `implementation`, which lives as long as a client of it exists, here or in another process.",
        ),
    ];
    let functions = functions
        .into_iter()
        .filter(|(name, _)| !service.has_method(name))
        .map(|(name, doc)| client_of(service, name, doc));
    let client = &service.names.client;
    let (impl_generics, arguments, clause) = split(&service.parameters);
    quote! {
        impl #impl_generics #client #arguments #clause {
            #(#functions)*
        }
    }
}

/// A function that makes a client of an implementation, by the function of `Channel` with the same name.
fn client_of(service: &Service, name: &str, doc: &str) -> TokenStream {
    let function = Ident::new(name, Span::call_site());
    let (visibility, implementation, server) =
        (&service.item.vis, &service.names.implementation, &service.names.server);
    let (bound, own) = (implementation_bound(service), own_arguments(service));
    let is_service = (!service.parameters.params.is_empty())
        .then(|| quote!(#server<#implementation, #(#own),*>: __farcall::Service));
    let made = local("server");
    quote! {
        #[doc = #doc]
        #visibility fn #function<#implementation>(implementation: #implementation) -> Self
        where
            #implementation: #bound + ::core::marker::Send + ::core::marker::Sync + 'static,
            #is_service
        {
            let #made = #server::<#implementation, #(#own),*>::new(implementation);
            __farcall::Client::new(__farcall::Channel::#function(#made))
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
    let arguments: Vec<_> = own_arguments(service).into_iter().chain(associated).collect();
    if arguments.is_empty() {
        quote!(#item)
    } else {
        quote!(#item<#(#arguments),*>)
    }
}

/// The parameters of the trait itself, as arguments.
fn own_arguments(service: &Service) -> Vec<TokenStream> {
    service.item.generics.params.iter().map(argument).collect()
}
