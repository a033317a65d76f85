//! What the client and the blocking client have in common.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Generics, Ident};

use super::{asserts, declared, parameters, phantom, split};
use crate::{
    bounds, check,
    model::{Argument, Kind, Method, Service},
    streams::{self, Streamed},
};

/// One of the two clients.
pub(super) struct Proxy<'a> {
    pub(super) service: &'a Service,
    pub(super) ident: &'a Ident,
    /// The type in the library that makes the calls.
    pub(super) stub: TokenStream,
    /// The trait in the library that such clients implement.
    pub(super) role: TokenStream,
    pub(super) asynchronous: bool,
}

impl Proxy<'_> {
    pub(super) fn definition(&self, doc: &str) -> TokenStream {
        let Self {
            service, ident, stub, ..
        } = self;
        let (library, visibility) = (&service.library, &service.item.vis);
        let generics = declared(&service.parameters);
        let types = phantom(&generics);
        quote! {
            #[doc = #doc]
            #visibility struct #ident #generics {
                stub: #library::macro_support::#stub,
                types: #types,
            }
        }
    }

    /// The implementations that every client has, besides its methods; `descriptor` names its service's.
    pub(super) fn common(&self, descriptor: Option<&Ident>) -> TokenStream {
        let function = Ident::new(
            if self.asynchronous { "client" } else { "blocking_client" },
            Span::call_site(),
        );
        let (ident, generics) = (self.ident, declared(&self.service.parameters));
        let (parameters, (_, arguments, _)) = (parameters(&generics), split(&generics));
        quote!(__farcall::#function! { [#parameters] [#ident #arguments] #descriptor })
    }

    /// The inherent functions that are not methods of the service. If the service has a method with the same name, only
    /// the library's trait has the function.
    pub(super) fn provided(&self) -> TokenStream {
        const OF_BOTH: [&str; 8] = [
            "connect",
            "new",
            "channel",
            "with_timeout",
            "with_item_timeout",
            "with_metadata",
            "with_metadata_bin",
            "with_reply_metadata",
        ];
        let Self { ident, role, .. } = self;
        let generics = declared(&self.service.parameters);
        let (impl_generics, arguments, _) = split(&generics);
        let visibility = &self.service.item.vis;
        let names = OF_BOTH
            .into_iter()
            .chain(self.asynchronous.then_some("closed"))
            .filter(|name| !self.service.has_method(name))
            .map(|name| Ident::new(name, Span::call_site()));
        quote! {
            impl #impl_generics #ident #arguments {
                __farcall::provided! { #visibility #role: #(#names)* }
            }
        }
    }

    /// The implementation of the trait itself, if every method has a form that the client can implement.
    pub(super) fn trait_implementation(&self) -> TokenStream {
        let service = self.service;
        let obstacle = service.obstacle(self.asynchronous);
        // The compiler can say why a client does not implement the trait if no other code may implement it for the
        // client, and if the reason is not a type.
        let is_simple = service.parameters.params.is_empty() && !service.methods.iter().any(Method::is_streaming);
        let told = self.asynchronous && service.pointers && is_simple;
        if !service.complete || obstacle.is_some() && !told {
            return TokenStream::new();
        }
        let client = self.ident;
        let mut generics = self.bounded();
        let (_, client_arguments, _) = split(&self.service.parameters);
        // A bound that names a lifetime is not checked here but where the trait is used. So if the client lacks a
        // supertrait, it only does not implement the trait.
        for supertrait in service.item.supertraits.iter().chain(check::about_self(&service.item)) {
            if let syn::TypeParamBound::Trait(_) = supertrait {
                let predicate = syn::parse_quote!(for<'__farcall> #client #client_arguments: #supertrait);
                generics.make_where_clause().predicates.push(predicate);
            }
        }
        // The same is true for this bound, which is never met: it says why the client does not implement the trait.
        let marker = obstacle.map(|method| {
            let method = asserts::marker(&method.ident);
            let predicate = syn::parse_quote! {
                for<'__farcall> __farcall_obstacle::#method:
                        __farcall::CallsAsDeclared<'__farcall, #client #client_arguments>
            };
            generics.make_where_clause().predicates.push(predicate);
            quote!(mod __farcall_obstacle { pub enum #method {} })
        });
        let (impl_generics, _, clause) = split(&generics);
        let (_, arguments, _) = split(&service.item.generics);
        let item = &service.item.ident;
        let types = service.lifted.iter().map(|lifted| {
            let (associated, parameter) = (&lifted.associated, &lifted.parameter);
            quote!(type #associated = #parameter;)
        });
        let methods = service
            .methods
            .iter()
            .map(|method| self.trait_method(method, obstacle.is_some()));
        quote! {
            #marker

            #[automatically_derived]
            #[allow(refining_impl_trait)]
            impl #impl_generics #item #arguments for #client #client_arguments #clause {
                #(#types)*
                #(#methods)*
            }
        }
    }

    fn trait_method(&self, method: &Method, unreachable: bool) -> TokenStream {
        if unreachable {
            return unreachable_method(method);
        }
        let (ident, lifetimes, receiver) = (&method.ident, &method.lifetimes, &method.receiver);
        let this = receiver.self_token;
        let clause = &method.lifetimes.where_clause;
        let cfgs = method.cfgs();
        let names: Vec<_> = method.arguments.iter().map(|argument| &argument.ident).collect();
        let types = method.arguments.iter().map(Argument::declared);
        // The call's own type, although the trait promises only a future: an opaque type takes the compiler longer.
        let output = self.output(method);
        quote! {
            #(#cfgs)*
            #[inline]
            fn #ident #lifetimes (#receiver, #(#names: #types),*) -> #output #clause {
                Self::#ident(#this, #(#names),*)
            }
        }
    }

    /// The client's parameters with all bounds that the methods need.
    pub(super) fn bounded(&self) -> Generics {
        let mut generics = self.service.parameters.clone();
        let bounds = bounds::client(self.service);
        if !bounds.is_empty() {
            generics.make_where_clause().predicates.extend(bounds);
        }
        generics
    }
}

/// A method of an implementation whose bounds are never met.
fn unreachable_method(method: &Method) -> TokenStream {
    let (ident, lifetimes, receiver) = (&method.ident, &method.lifetimes, &method.receiver);
    let clause = &method.lifetimes.where_clause;
    let cfgs = method.cfgs();
    let arguments = method.arguments.iter().map(|argument| {
        let (ident, ty) = (&argument.ident, argument.declared());
        quote!(#ident: #ty)
    });
    let output = match &method.output.stream {
        Some(Streamed { item, .. }) => {
            streams::replaced(&method.output.ty, &syn::parse_quote!(__farcall::Streaming<#item>))
        }
        None => method.output.ty.clone(),
    };
    let output = match method.kind {
        Kind::Async => quote!(::core::future::Pending<#output>),
        Kind::Inline | Kind::Blocking => quote!(#output),
    };
    quote! {
        #(#cfgs)*
        #[allow(unused_variables)]
        fn #ident #lifetimes (#receiver, #(#arguments),*) -> #output #clause {
            __farcall::unimplemented()
        }
    }
}
