//! The methods of the clients.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type, parse_quote, spanned::Spanned};

use super::{declared, descriptor, proxy::Proxy, split};
use crate::{
    model::{Argument, Kind, Method},
    names::{self, local},
    streams::{self, Streamed},
    types,
};

impl Proxy<'_> {
    pub(super) fn methods(&self) -> TokenStream {
        let ident = names::placeless(self.ident);
        let generics = self.bounded();
        let (impl_generics, arguments, clause) = split(&generics);
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
        let values = method.arguments.iter().map(|argument| value(argument, method.asked));
        let attributes = self.attributes(method);
        let output = self.output(method);
        let feeds = feeds(method);
        let position = descriptor::position(self.service, index);
        let (stub, client) = (&self.stub, self.typed());
        let arguments = quote_spanned! {method.span=>
            __farcall::#stub::of::<#client>(&#this.stub), &__FARCALL_DESCRIPTOR.methods[#position], &(#(#values,)*)
        };
        let call = self.call(method, &arguments);
        let fallbacks = method.asked.then(|| {
            quote!(
                use __farcall::{Unreceivable as _, Unsendable as _};
            )
        });
        // `inline` spares the compiler the code of methods that are not called.
        quote! {
            #(#attributes)*
            #[inline]
            #visibility fn #ident #lifetimes (#receiver, #(#inputs),*) -> #output #clause {
                #fallbacks
                #feeds
                #call
            }
        }
    }

    /// The client that knows the types of the methods.
    fn typed(&self) -> TokenStream {
        let (ident, generics) = (
            names::placeless(&self.service.names.client),
            declared(&self.service.parameters),
        );
        let (_, arguments, _) = split(&generics);
        quote!(#ident #arguments)
    }

    /// The call of the library that makes the method's call.
    fn call(&self, method: &Method, arguments: &TokenStream) -> TokenStream {
        let (stub, span) = (&self.stub, method.span);
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
        if method.output.stream.is_some() {
            quote_spanned!(span=> __farcall::#stub::opening(#arguments, #feeds, #decode))
        } else if method.takes_streams() {
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
        if method.asked {
            let ty = &output.ty;
            return quote_spanned!(span=> __farcall::Received::<#ty>::new().#decode());
        }
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

    pub(super) fn output(&self, method: &Method) -> TokenStream {
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
}

/// Statements that put an end of a channel in the place of each stream among the arguments.
fn feeds(method: &Method) -> TokenStream {
    if !method.takes_streams() {
        return TokenStream::new();
    }
    let feeds = local("feeds");
    let streams = method.arguments.iter().filter_map(|argument| {
        let (ident, form) = (&argument.ident, argument.stream.as_ref()?.form());
        Some(quote_spanned!(method.span=> let #ident = __farcall::Feeds::add::<#form, _>(&mut #feeds, #ident);))
    });
    quote! {
        let mut #feeds = __farcall::Feeds::none();
        #(#streams)*
    }
}

/// The argument as it is encoded. If its type is checked elsewhere, this does not report it again.
fn value(argument: &Argument, asked: bool) -> TokenStream {
    let ident = &argument.ident;
    if argument.passing.bytes {
        quote!(__farcall::AsBytes(#ident))
    } else if asked && !types::is_well_known(&argument.ty) {
        quote!(__farcall::Sent(#ident).value())
    } else {
        quote!(#ident)
    }
}
