//! What the client and the blocking client have in common.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Ident, Type, parse_quote, spanned::Spanned};

use super::{declared, descriptor, phantom};
use crate::{
    bounds,
    model::{Argument, Kind, Method, Service},
    names::local,
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

    /// The implementations that every client has, whatever its methods.
    pub(super) fn common(&self) -> TokenStream {
        let Self { ident, stub, role, .. } = self;
        let descriptor = self.asynchronous.then(|| {
            quote! {
                fn descriptor() -> &'static __farcall::ServiceDescriptor {
                    &__DESCRIPTOR
                }
            }
        });
        let name = ident.to_string();
        let generics = declared(&self.service.parameters);
        let (impl_generics, arguments, _) = generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #impl_generics __farcall::#role for #ident #arguments {
                fn from_stub(stub: __farcall::#stub) -> Self {
                    Self { stub, types: ::core::marker::PhantomData }
                }
                fn stub(&self) -> &__farcall::#stub {
                    &self.stub
                }
                #descriptor
            }

            #[automatically_derived]
            impl #impl_generics ::core::clone::Clone for #ident #arguments {
                fn clone(&self) -> Self {
                    Self { stub: ::core::clone::Clone::clone(&self.stub), types: ::core::marker::PhantomData }
                }
            }

            #[automatically_derived]
            impl #impl_generics ::core::fmt::Debug for #ident #arguments {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    formatter.debug_struct(#name).field("stub", &self.stub).finish()
                }
            }
        }
    }

    /// The inherent functions that are not of the service, except where the service has one of that name; there the
    /// library's trait still has it.
    pub(super) fn constructors(&self, connect: TokenStream) -> TokenStream {
        let ident = self.ident;
        let generics = declared(&self.service.parameters);
        let (impl_generics, arguments, _) = generics.split_for_impl();
        let functions = [("connect", connect)].into_iter().chain(self.provided());
        let functions = functions
            .filter(|(name, _)| !self.service.has_method(name))
            .map(|(_, function)| function);
        quote! {
            impl #impl_generics #ident #arguments {
                #(#functions)*
            }
        }
    }

    fn provided(&self) -> [(&'static str, TokenStream); 7] {
        let (visibility, role) = (&self.service.item.vis, &self.role);
        let new = quote! {
            /// A client over a channel, which other clients may share.
            #visibility fn new(channel: __farcall::Channel) -> Self {
                __farcall::#role::new(channel)
            }
        };
        let channel = quote! {
            /// The channel that the calls go over.
            #visibility fn channel(&self) -> &__farcall::Channel {
                __farcall::#role::channel(self)
            }
        };
        let with_timeout = quote! {
            /// The same client with a time limit for each call, which comes before the method's and the channel's.
            #[must_use]
            #visibility fn with_timeout(&self, timeout: __farcall::std::time::Duration) -> Self {
                __farcall::#role::with_timeout(self, timeout)
            }
        };
        let with_item_timeout = quote! {
            /// The same client with a time limit for each wait for an item of a stream that a method returns.
            #[must_use]
            #visibility fn with_item_timeout(&self, timeout: __farcall::std::time::Duration) -> Self {
                __farcall::#role::with_item_timeout(self, timeout)
            }
        };
        let with_metadata = quote! {
            /// The same client with one more pair of metadata. With a key that is none each call fails as `InvalidArgument`.
            #[must_use]
            #visibility fn with_metadata(&self, key: &str, value: &str) -> Self {
                __farcall::#role::with_metadata(self, key, value)
            }
        };
        let with_metadata_bin = quote! {
            /// The same client with one more pair of metadata, whose value is bytes and whose key must end in `-bin`.
            #[must_use]
            #visibility fn with_metadata_bin(
                &self,
                key: &str,
                value: impl ::core::convert::Into<__farcall::Bytes>,
            ) -> Self {
                __farcall::#role::with_metadata_bin(self, key, value)
            }
        };
        let with_reply_metadata = quote! {
            /// The same client, with the metadata of its answers going to `seen`.
            #[must_use]
            #visibility fn with_reply_metadata(&self, seen: &__farcall::ReplyMetadata) -> Self {
                __farcall::#role::with_reply_metadata(self, seen)
            }
        };
        [
            ("new", new),
            ("channel", channel),
            ("with_timeout", with_timeout),
            ("with_item_timeout", with_item_timeout),
            ("with_metadata", with_metadata),
            ("with_metadata_bin", with_metadata_bin),
            ("with_reply_metadata", with_reply_metadata),
        ]
    }

    pub(super) fn methods(&self) -> TokenStream {
        let ident = self.ident;
        let generics = self.bounded();
        let (impl_generics, arguments, clause) = generics.split_for_impl();
        let methods = self.service.methods.iter().enumerate();
        let methods = methods.map(|(index, method)| self.method(index, method));
        quote! {
            impl #impl_generics #ident #arguments #clause {
                #(#methods)*
            }
        }
    }

    fn method(&self, index: usize, method: &Method) -> TokenStream {
        let visibility = &self.service.item.vis;
        let (ident, lifetimes, receiver) = (&method.ident, &method.lifetimes, &method.receiver);
        let clause = &method.lifetimes.where_clause;
        let this = receiver.self_token;
        let inputs = method.arguments.iter().map(|argument| {
            let (ident, ty) = (&argument.ident, argument.declared());
            quote!(#ident: #ty)
        });
        let values = method.arguments.iter().map(value);
        let attributes = self.attributes(method);
        let output = self.output(method);
        let feeds = feeds(method);
        let position = descriptor::position(self.service, index);
        let call = self.call(
            method,
            &quote_spanned!(method.span()=> &#this.stub, &__DESCRIPTOR.methods[#position], &(#(#values,)*)),
        );
        // `inline` spares the compiler the code of methods that nobody calls.
        quote! {
            #(#attributes)*
            #[inline]
            #visibility fn #ident #lifetimes (#receiver, #(#inputs),*) -> #output #clause {
                #feeds
                #call
            }
        }
    }

    /// The call of the library that makes the method's call.
    fn call(&self, method: &Method, arguments: &TokenStream) -> TokenStream {
        let (stub, span) = (&self.stub, method.span());
        let feeds = if method.takes_streams() {
            let feeds = local("feeds");
            quote!(#feeds)
        } else {
            quote!(__farcall::Feeds::none())
        };
        if let (Some(stream), Kind::Inline) = (&method.output.stream, method.kind) {
            let (item, form) = (&stream.item, stream.form());
            return quote_spanned!(span=> __farcall::#stub::stream::<#item, #form, _>(#arguments, #feeds));
        }
        let decode = self.decode(method);
        if method.takes_streams() {
            quote_spanned!(span=> __farcall::#stub::feeding(#arguments, #feeds, #decode))
        } else {
            quote_spanned!(span=> __farcall::#stub::call(#arguments, #decode))
        }
    }

    /// The function of the library that makes the method's result of an answer.
    fn decode(&self, method: &Method) -> TokenStream {
        let output = &method.output;
        let kind = if output.fallible { "fallible" } else { "plain" };
        let suffix = match (&output.stream, output.bytes) {
            (Some(_), _) if self.asynchronous => "_stream",
            (Some(_), _) => "_iterator",
            (None, true) => "_bytes",
            (None, false) => "",
        };
        let span = output.ty.span().resolved_at(Span::call_site());
        let decode = Ident::new(&format!("{kind}{suffix}"), span);
        let types = output.stream.as_ref().map(|stream| {
            let (item, form) = (&stream.item, stream.form());
            let error = output.fallible.then(|| quote!(, _));
            quote!(::<#item, #form #error>)
        });
        quote_spanned!(span=> __farcall::#decode #types)
    }

    fn attributes(&self, method: &Method) -> Vec<TokenStream> {
        let mut attributes: Vec<_> = method.attributes.iter().map(|attribute| quote!(#attribute)).collect();
        if !method
            .attributes
            .iter()
            .any(|attribute| attribute.path().is_ident("doc"))
        {
            let doc = format!(" Calls `{}::{}`.", self.service.item.ident, method.ident);
            attributes.push(quote!(#[doc = #doc]));
        }
        attributes
    }

    fn output(&self, method: &Method) -> TokenStream {
        let library = &self.service.library;
        let ty = match &method.output.stream {
            Some(stream) => {
                let items = self.items(stream);
                if method.kind == Kind::Inline {
                    return quote!(#items);
                }
                streams::replaced(&method.output.ty, &items)
            }
            None => method.output.ty.clone(),
        };
        let result = if method.output.fallible {
            quote!(#ty)
        } else {
            quote!(#library::Result<#ty>)
        };
        if self.asynchronous {
            quote!(__farcall::Call<#result>)
        } else {
            result
        }
    }

    /// The type of a stream of results.
    fn items(&self, stream: &Streamed) -> Type {
        let (library, item) = (&self.service.library, &stream.item);
        let item = if stream.fallible {
            quote!(#item)
        } else {
            quote!(#library::Result<#item>)
        };
        if self.asynchronous {
            parse_quote!(__farcall::Streaming<#item>)
        } else {
            parse_quote!(__farcall::BlockingStreaming<#item>)
        }
    }

    /// The trait itself, where every method has a form that the client can keep to.
    pub(super) fn trait_implementation(&self) -> TokenStream {
        let service = self.service;
        if !service.is_implementable(self.asynchronous) {
            return TokenStream::new();
        }
        let client = self.ident;
        let mut generics = self.bounded();
        let (_, client_arguments, _) = self.service.parameters.split_for_impl();
        // A bound that names a lifetime is not judged here but where the trait is used, so a supertrait that the client
        // lacks only means that the client is no such implementation.
        for supertrait in &service.item.supertraits {
            if let syn::TypeParamBound::Trait(_) = supertrait {
                let predicate = syn::parse_quote!(for<'__farcall> #client #client_arguments: #supertrait);
                generics.make_where_clause().predicates.push(predicate);
            }
        }
        let (impl_generics, _, clause) = generics.split_for_impl();
        let (_, arguments, _) = service.item.generics.split_for_impl();
        let item = &service.item.ident;
        let types = service.lifted.iter().map(|lifted| {
            let (associated, parameter) = (&lifted.associated, &lifted.parameter);
            quote!(type #associated = #parameter;)
        });
        let methods = service.methods.iter().map(|method| self.trait_method(method));
        quote! {
            #[automatically_derived]
            #[allow(refining_impl_trait)]
            impl #impl_generics #item #arguments for #client #client_arguments #clause {
                #(#types)*
                #(#methods)*
            }
        }
    }

    fn trait_method(&self, method: &Method) -> TokenStream {
        let (ident, lifetimes, receiver) = (&method.ident, &method.lifetimes, &method.receiver);
        let this = receiver.self_token;
        let clause = &method.lifetimes.where_clause;
        let cfgs = method.cfgs();
        let names: Vec<_> = method.arguments.iter().map(|argument| &argument.ident).collect();
        let types = method.arguments.iter().map(Argument::declared);
        // The call's own type, although the trait promises no more than a future: an opaque one takes the compiler longer.
        let output = self.output(method);
        quote! {
            #(#cfgs)*
            #[inline]
            fn #ident #lifetimes (#receiver, #(#names: #types),*) -> #output #clause {
                Self::#ident(#this, #(#names),*)
            }
        }
    }

    /// The client's parameters with all that the methods demand of them.
    fn bounded(&self) -> Generics {
        let mut generics = self.service.parameters.clone();
        let bounds = bounds::client(self.service);
        if !bounds.is_empty() {
            generics.make_where_clause().predicates.extend(bounds);
        }
        generics
    }
}

/// Statements that put an end of a channel in the place of each stream among the arguments.
fn feeds(method: &Method) -> TokenStream {
    if !method.takes_streams() {
        return TokenStream::new();
    }
    let feeds = local("feeds");
    let streams = method.arguments.iter().filter_map(|argument| {
        let (ident, form) = (&argument.ident, argument.stream.as_ref()?.form());
        Some(quote_spanned!(method.span()=> let #ident = __farcall::Feeds::add::<#form, _>(&mut #feeds, #ident);))
    });
    quote! {
        let mut #feeds = __farcall::Feeds::none();
        #(#streams)*
    }
}

/// The argument as it is encoded.
fn value(argument: &Argument) -> TokenStream {
    let ident = &argument.ident;
    if argument.passing.bytes {
        quote!(__farcall::AsBytes(#ident))
    } else {
        quote!(#ident)
    }
}
