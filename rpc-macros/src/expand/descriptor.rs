//! The static description of the service.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::docs::docs;
use crate::model::{Method, Service};

pub(super) fn descriptor(service: &Service) -> TokenStream {
    let name = &service.name;
    let client = format!("farcall::Client of {name}");
    let methods = service.methods.iter().map(|method| method_descriptor(service, method));
    let positions = positions(service);
    let docs = docs(&service.item.attrs);
    quote! {
        const __FARCALL_METHODS: &[__farcall::MethodDescriptor] = &[#(#methods),*];
        static __FARCALL_DESCRIPTOR: __farcall::ServiceDescriptor =
            __farcall::ServiceDescriptor::new(#name, __FARCALL_METHODS).client(#client)#docs;
        // Not in a function of the library, whose lines the compiler would show.
        const _: () = __farcall::std::assert!(
            __farcall::are_distinct(&__FARCALL_DESCRIPTOR),
            "two methods of this service have the same id on the wire: rename one with #[rpc(name = \"…\")]"
        );
        #positions
    }
}

fn method_descriptor(service: &Service, method: &Method) -> TokenStream {
    let cfgs = method.cfgs();
    let path = format!("{}.{}", service.name, method.name);
    let policy = &method.policy;
    let flags = [
        ("idempotent", policy.idempotent),
        ("oneway", policy.oneway),
        ("detached", policy.detached),
        ("streaming", method.is_streaming()),
    ];
    let flags = flags
        .into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| format_ident!("{}", name));
    let timeout = policy.timeout.map(|timeout| {
        let (seconds, nanoseconds) = (timeout.as_secs(), timeout.subsec_nanos());
        quote!(.timeout(__farcall::std::time::Duration::new(#seconds, #nanoseconds)))
    });
    let requires = policy.requires.as_ref().map(|right| quote!(.requires(#right)));
    let priority = policy
        .priority
        .as_ref()
        .map(|priority| quote!(.priority(__farcall::Priority::#priority)));
    let names = method
        .arguments
        .iter()
        .map(|argument| argument.ident.unraw().to_string());
    let arguments = (!method.arguments.is_empty()).then(|| quote!(.arguments(&[#(#names),*])));
    let docs = docs(&method.attributes);
    quote! {
        #(#cfgs)* __farcall::MethodDescriptor::new(#path) #arguments #(.#flags())* #timeout #requires #priority #docs
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
