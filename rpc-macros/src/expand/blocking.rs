//! The blocking client, for code outside a runtime.

use proc_macro2::TokenStream;
use quote::quote;

use super::proxy::Proxy;
use crate::model::Service;

pub(super) fn definition(service: &Service) -> TokenStream {
    let name = &service.item.ident;
    proxy(service).definition(&format!(
        "Calls the methods of a remote [`{name}`] and waits for each answer."
    ))
}

pub(super) fn methods(service: &Service) -> TokenStream {
    proxy(service).methods()
}

pub(super) fn implementation(service: &Service, methods: TokenStream) -> TokenStream {
    let proxy = proxy(service);
    let parts = [
        proxy.common(None),
        proxy.provided(),
        methods,
        proxy.trait_implementation(),
    ];
    parts.into_iter().collect()
}

fn proxy(service: &Service) -> Proxy<'_> {
    Proxy {
        service,
        ident: &service.names.blocking,
        stub: quote!(BlockingStub),
        role: quote!(BlockingClient),
        asynchronous: false,
    }
}
