//! The static description of the service.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Method, Service};

pub(super) fn descriptor(service: &Service) -> TokenStream {
    let name = &service.name;
    let methods = service.methods.iter().map(|method| method_descriptor(service, method));
    let positions = positions(service);
    quote! {
        static __FARCALL_DESCRIPTOR: __farcall::ServiceDescriptor = __farcall::ServiceDescriptor {
            name: #name,
            methods: &[#(#methods),*],
        };
        const _: () = __farcall::assert_distinct(&__FARCALL_DESCRIPTOR);
        #positions
    }
}

fn method_descriptor(service: &Service, method: &Method) -> TokenStream {
    let cfgs = method.cfgs();
    let (service, name) = (&service.name, &method.name);
    let path = format!("{service}.{name}");
    let policy = &method.policy;
    let (idempotent, oneway, detached) = (policy.idempotent, policy.oneway, policy.detached);
    let streaming = method.is_streaming();
    let timeout = policy.timeout.map_or_else(
        || quote!(__farcall::std::option::Option::None),
        |timeout| {
            let (seconds, nanoseconds) = (timeout.as_secs(), timeout.subsec_nanos());
            quote!(__farcall::std::option::Option::Some(
                __farcall::std::time::Duration::new(#seconds, #nanoseconds)
            ))
        },
    );
    quote! {
        #(#cfgs)*
        __farcall::MethodDescriptor {
            path: #path,
            id: __farcall::method_id(#service, #name),
            idempotent: #idempotent,
            oneway: #oneway,
            detached: #detached,
            streaming: #streaming,
            timeout: #timeout,
        }
    }
}

/// Where a `cfg` can remove methods, the compiler counts those that remain, as variants of an enum.
fn positions(service: &Service) -> TokenStream {
    if !service.has_optional_methods() {
        return TokenStream::new();
    }
    let variants = service.methods.iter().enumerate().map(|(index, method)| {
        let cfgs = method.cfgs();
        let variant = format_ident!("Method{}", index);
        quote!(#(#cfgs)* #variant)
    });
    quote!(enum __FarcallPosition { #(#variants),* })
}

/// The index of the method in the descriptor's list, as an expression.
pub(super) fn position(service: &Service, index: usize) -> TokenStream {
    if service.has_optional_methods() {
        let variant = format_ident!("Method{}", index);
        quote!(__FarcallPosition::#variant as __farcall::std::primitive::usize)
    } else {
        quote!(#index)
    }
}
