//! The server's side: decodes arguments, calls the implementation, encodes what it returns.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Generics, Ident, Path, Type, ext::IdentExt, parse_quote, visit_mut::VisitMut};

use super::{declared, descriptor, parameters, phantom, split};
use crate::{
    bounds,
    lift::Project,
    model::{Argument, Kind, Method, Service},
    names::local,
    streams::Streamed,
    types::Adapter,
};

pub(super) fn definition(service: &Service) -> TokenStream {
    let (ident, implementation) = (&service.names.server, &service.names.implementation);
    let (visibility, name) = (&service.item.vis, &service.item.ident);
    let doc = format!(" Lets a server answer calls with an implementation of [`{name}`].");
    let generics = generics(service);
    let types = phantom(&declared(&service.item.generics));
    quote! {
        #[doc = #doc]
        #visibility struct #ident #generics {
            implementation: ::std::sync::Arc<#implementation>,
            types: #types,
        }
    }
}

pub(super) fn implementation(service: &Service) -> TokenStream {
    [common(service), dispatcher(service)].into_iter().collect()
}

/// The implementation's parameter and those of the trait.
fn generics(service: &Service) -> Generics {
    let mut generics = declared(&service.item.generics);
    let implementation = &service.names.implementation;
    generics.params.insert(0, parse_quote!(#implementation));
    generics
}

fn trait_path(service: &Service) -> Path {
    let ident = &service.item.ident;
    let (_, arguments, _) = split(&service.item.generics);
    parse_quote!(#ident #arguments)
}

/// The constructors, and what goes with them.
fn common(service: &Service) -> TokenStream {
    let (ident, implementation) = (&service.names.server, &service.names.implementation);
    let (visibility, generics) = (&service.item.vis, generics(service));
    let (parameters, (_, arguments, _)) = (parameters(&generics), split(&generics));
    quote!(__farcall::server! { #visibility [#parameters] [#ident #arguments] #implementation })
}

fn dispatcher(service: &Service) -> TokenStream {
    let (ident, implementation) = (&service.names.server, &service.names.implementation);
    let path = trait_path(service);
    let generics = generics(service);
    let (_, arguments, _) = split(&generics);
    let client = client(service, &path);
    let bounded = bounded(service, &path);
    let (impl_generics, _, clause) = split(&bounded);
    let (this, index, invocation) = (local("service"), local("index"), local("invocation"));
    let arms = service.methods.iter().enumerate().map(|(position, method)| {
        let cfgs = method.cfgs();
        let handler = handler(service, method, &path);
        let position = descriptor::position(service, position);
        let pattern = if service.has_optional_methods() {
            quote!(_ if #index == #position)
        } else {
            position
        };
        quote!(#(#cfgs)* #pattern => #handler,)
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics __farcall::Service for #ident #arguments #clause {
            fn descriptor(&self) -> &'static __farcall::ServiceDescriptor {
                &__FARCALL_DESCRIPTOR
            }

            fn types(&self) -> __farcall::std::option::Option<&'static __farcall::ServiceTypes> {
                __farcall::std::option::Option::Some(__farcall::ServiceTypes::of::<#client>())
            }

            #[allow(unused_variables)]
            fn dispatch(
                &self,
                #index: __farcall::std::primitive::usize,
                #invocation: __farcall::Invocation,
            ) -> __farcall::Handler {
                let #this: __farcall::std::sync::Arc<#implementation> =
                    ::core::clone::Clone::clone(&self.implementation);
                match #index {
                    #(#arms)*
                    _ => __farcall::no_such_method(&__FARCALL_DESCRIPTOR),
                }
            }
        }
    }
}

/// The client of the service, with the associated types that the implementation has.
fn client(service: &Service, path: &Path) -> Type {
    let client = &service.names.client;
    let (_, arguments, _) = split(&service.parameters);
    projected(service, &parse_quote!(#client #arguments), path)
}

fn bounded(service: &Service, path: &Path) -> Generics {
    let mut generics = service.item.generics.clone();
    let implementation = &service.names.implementation;
    let mut project = Project {
        lifted: &service.lifted,
        implementation,
        path,
    };
    for parameter in generics.type_params_mut() {
        project.visit_type_param_mut(parameter);
    }
    generics.params.insert(0, parse_quote!(#implementation));
    generics.where_clause = None;
    let clause = generics.make_where_clause();
    clause.predicates.push(parse_quote! {
        #implementation: #path + ::core::marker::Send + ::core::marker::Sync + 'static
    });
    clause.predicates.extend(bounds::server(service, path));
    generics
}

/// An expression of the type `Handler`.
fn handler(service: &Service, method: &Method, path: &Path) -> TokenStream {
    let decoding = decoding(service, method, path);
    let value = call(service, method, path);
    if method.is_streaming() {
        let answer = if method.output.stream.is_some() {
            streaming(method, &value)
        } else {
            encoding(method, &value)
        };
        let streams = local("streams");
        return quote! {
            __farcall::streaming(move |#streams| __farcall::std::boxed::Box::pin(async move { #decoding #answer }))
        };
    }
    let answer = encoding(method, &value);
    let body = if method.kind == Kind::Blocking {
        quote!(__farcall::blocking(move || { #decoding #answer }).await?)
    } else {
        quote!(#decoding #answer)
    };
    quote!(__farcall::std::boxed::Box::pin(async move { #body }))
}

/// What the implementation returns.
fn call(service: &Service, method: &Method, path: &Path) -> TokenStream {
    let this = local("service");
    let (implementation, ident) = (&service.names.implementation, &method.ident);
    let arguments = method
        .arguments
        .iter()
        .enumerate()
        .map(|(index, argument)| match &argument.stream {
            Some(stream) => inbound(service, index, argument, stream, path),
            None => adapted(index, argument),
        });
    let wait = (method.kind == Kind::Async).then(|| quote_spanned!(method.span=> .await));
    quote_spanned!(method.span=> <#implementation as #path>::#ident(&#this, #(#arguments),*) #wait)
}

/// The encoded answer.
fn encoding(method: &Method, value: &TokenStream) -> TokenStream {
    let (span, invocation) = (method.span, local("invocation"));
    let value = match (method.output.bytes, method.output.fallible) {
        (true, true) => quote_spanned!(span=> __farcall::std::result::Result::map(#value, __farcall::AsBytes)),
        (true, false) => quote_spanned!(span=> __farcall::AsBytes(#value)),
        (false, _) => value.clone(),
    };
    let encode = Ident::new(if method.output.fallible { "fallible" } else { "plain" }, span);
    if method.asked {
        return quote_spanned!(span=> __farcall::Answered(&#value).#encode(&#invocation));
    }
    quote_spanned!(span=> __farcall::Invocation::#encode(&#invocation, &#value))
}

/// The answer that is a stream, and the sending of its items.
fn streaming(method: &Method, value: &TokenStream) -> TokenStream {
    let (streams, invocation, span) = (local("streams"), local("invocation"), method.span);
    let form = method.output.stream.as_ref().map(Streamed::form);
    if method.output.fallible {
        quote_spanned! {span=>
            __farcall::Streams::answer_fallible::<#form, _, _>(&#streams, &#invocation, #value).await
        }
    } else {
        quote_spanned!(span=> __farcall::Streams::answer::<#form, _>(&#streams, &#invocation, #value).await)
    }
}

/// A statement that decodes the arguments, borrowing from the invocation where their types allow it.
fn decoding(service: &Service, method: &Method, path: &Path) -> TokenStream {
    let invocation = local("invocation");
    let names = (0..method.arguments.len()).map(value);
    let types = method.arguments.iter().map(|argument| {
        if let Some(stream) = &argument.stream {
            let (form, item) = (stream.form(), projected(service, &stream.item, path));
            return quote!(__farcall::Receiver<__farcall::Wire<#form, #item>>);
        }
        let ty = projected(service, &argument.passing.decoded, path);
        if argument.passing.bytes {
            quote!(__farcall::AsBytes<#ty>)
        } else {
            quote!(#ty)
        }
    });
    if method.asked {
        return quote_spanned! {method.span=>
            use __farcall::{Unanswerable as _, Undecodable as _};
            let (#(#names,)*) = __farcall::Arrived::<(#(#types,)*)>::new().arguments(&#invocation)?;
        };
    }
    quote_spanned! {method.span=>
        let (#(#names,)*): (#(#types,)*) = __farcall::Invocation::arguments(&#invocation)?;
    }
}

/// The type as the server knows it.
fn projected(service: &Service, ty: &Type, path: &Path) -> Type {
    let mut ty = ty.clone();
    Project {
        lifted: &service.lifted,
        implementation: &service.names.implementation,
        path,
    }
    .visit_type_mut(&mut ty);
    ty
}

/// The stream as the method takes it.
fn inbound(service: &Service, index: usize, argument: &Argument, stream: &Streamed, path: &Path) -> TokenStream {
    let (streams, value, name) = (local("streams"), value(index), argument.ident.unraw().to_string());
    let (form, item) = (stream.form(), projected(service, &stream.item, path));
    let inbound = quote!(__farcall::Streams::inbound::<#form, #item>(&#streams, #value, #name));
    if stream.named {
        quote!(__farcall::Streaming::new(#inbound))
    } else {
        inbound
    }
}

/// The argument as the method takes it.
fn adapted(index: usize, argument: &Argument) -> TokenStream {
    let value = value(index);
    let value = if argument.passing.bytes {
        quote!(#value.0)
    } else {
        quote!(#value)
    };
    match argument.passing.adapter {
        Adapter::Value => value,
        Adapter::Reference => quote!(&#value),
        Adapter::OptionalReference => quote!(__farcall::std::option::Option::as_ref(&#value)),
        Adapter::OptionalSlice => quote!(__farcall::std::option::Option::as_deref(&#value)),
    }
}

fn value(index: usize) -> Ident {
    local(&format_ident!("value{}", index).to_string())
}
