//! The client, whose calls are futures.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, parse_quote};

use super::{argument, declared, proxy::Proxy, split};
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
    let parts = [
        proxy.common(),
        proxy.provided(),
        in_process(service),
        reference(service),
        methods,
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

/// An implementation block of its own: where the trait bounds its parameters, only here must they be so bound.
fn in_process(service: &Service) -> TokenStream {
    let functions = [
        (
            "loopback",
            " A client of `implementation` in this process: everything but a socket is real.",
        ),
        (
            "local",
            " A client of `implementation`, which lives as long as a client of it does, here or wherever one was sent.",
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

/// A client is a value that travels: the other side gets one of the same object or server.
fn reference(service: &Service) -> TokenStream {
    let client = &service.names.client;
    let generics = declared(&service.parameters);
    let (impl_generics, arguments, _) = split(&generics);
    let (serializer, deserializer) = (local("serializer"), local("deserializer"));
    let mut deserialize = generics.clone();
    deserialize.params.insert(0, parse_quote!('__farcall));
    let (deserialize_generics, _, _) = split(&deserialize);
    quote! {
        #[automatically_derived]
        impl #impl_generics __farcall::serde::Serialize for #client #arguments {
            fn serialize<__FarcallS: __farcall::serde::Serializer>(
                &self,
                #serializer: __FarcallS,
            ) -> ::core::result::Result<__FarcallS::Ok, __FarcallS::Error> {
                __farcall::serialize_client(__farcall::Client::channel(self), &__FARCALL_DESCRIPTOR, #serializer)
            }
        }

        #[automatically_derived]
        impl #deserialize_generics __farcall::serde::Deserialize<'__farcall> for #client #arguments {
            fn deserialize<__FarcallD: __farcall::serde::Deserializer<'__farcall>>(
                #deserializer: __FarcallD,
            ) -> ::core::result::Result<Self, __FarcallD::Error> {
                ::core::result::Result::map(
                    __farcall::deserialize_client(&__FARCALL_DESCRIPTOR, #deserializer),
                    <Self as __farcall::Client>::new,
                )
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
