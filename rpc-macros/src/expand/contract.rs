//! The types of the methods, for the check that both sides of a call have the same.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Generics, Type, parse_quote};

use super::{proxy::Proxy, split};
use crate::{
    model::{Argument, Kind, Method},
    names,
    streams::{self, Streamed},
};

impl Proxy<'_> {
    /// What knows the types, and the function that gives the contract to a user.
    pub(super) fn contract(&self) -> TokenStream {
        let (ident, service) = (self.ident, self.service);
        let generics = self.traceable();
        let (impl_generics, arguments, clause) = split(&generics);
        let methods = service.methods.iter().map(types);
        let samples = service.samples.as_ref().map(|function| {
            quote! {
                fn samples() -> __farcall::Samples {
                    #function()
                }
            }
        });
        let given = (!service.has_method("contract")).then(|| {
            let visibility = &service.item.vis;
            quote! {
                impl #impl_generics #ident #arguments #clause {
                    /// What both sides of the calls have to agree on.
                    #visibility fn contract() -> __farcall::Contract {
                        __farcall::ServiceTypes::of::<Self>().contract()
                    }
                }
            }
        });
        quote! {
            #[automatically_derived]
            impl #impl_generics __farcall::Typed for #ident #arguments #clause {
                fn described() -> &'static __farcall::ServiceDescriptor {
                    &__FARCALL_DESCRIPTOR
                }

                fn types() -> __farcall::std::boxed::Box<[__farcall::MethodTypes]> {
                    use __farcall::Untraceable as _;
                    __farcall::std::boxed::Box::new([#(#methods),*])
                }

                #samples
            }

            #given
        }
    }
}

impl Proxy<'_> {
    /// The client's parameters with the bounds that tracing needs. Those that speak of the client itself, which stands
    /// for `Self`, are left out: an implementation meets them, and the client may not.
    fn traceable(&self) -> Generics {
        let mut generics = self.bounded();
        let this = Ident::new("Self", Span::call_site());
        let speaks_of_client =
            |tokens: TokenStream| names::contains(tokens.clone(), self.ident) || names::contains(tokens, &this);
        for parameter in generics.type_params_mut() {
            let bounds = std::mem::take(&mut parameter.bounds).into_iter();
            parameter.bounds = bounds.filter(|bound| !speaks_of_client(quote!(#bound))).collect();
        }
        if let Some(clause) = &mut generics.where_clause {
            let predicates = std::mem::take(&mut clause.predicates).into_iter();
            clause.predicates = predicates.filter(|bound| !speaks_of_client(quote!(#bound))).collect();
        }
        generics
    }
}

/// The types of one method.
fn types(method: &Method) -> TokenStream {
    let cfgs = method.cfgs();
    let arguments = method.arguments.iter().map(|argument| {
        let ty = argument_type(argument);
        quote!(__farcall::TypeOf::<#ty>::new().value())
    });
    let output = output(method);
    quote!(#(#cfgs)* __farcall::MethodTypes::new(&[#(#arguments),*], #output))
}

/// What is decoded in the argument's place.
fn argument_type(argument: &Argument) -> Type {
    let ty = &argument.passing.decoded;
    match &argument.stream {
        Some(stream) => items(stream),
        None if argument.passing.bytes => parse_quote!(__farcall::AsBytes<#ty>),
        None => ty.clone(),
    }
}

fn output(method: &Method) -> TokenStream {
    let output = &method.output;
    let (ty, function) = match &output.stream {
        Some(stream) if method.kind == Kind::Inline => (items(stream), "plain"),
        Some(stream) => {
            let ty = streams::replaced(&output.ty, &items(stream));
            (ty, if output.fallible { "fallible" } else { "plain" })
        }
        None => {
            let ty = &output.ty;
            match (output.fallible, output.bytes) {
                (true, true) => (ty.clone(), "fallible_bytes"),
                (true, false) => (ty.clone(), "fallible"),
                (false, true) => (parse_quote!(__farcall::AsBytes<#ty>), "plain"),
                (false, false) => (ty.clone(), "plain"),
            }
        }
    };
    let function = Ident::new(function, Span::call_site());
    quote!(__farcall::TypeOf::<#ty>::new().#function())
}

/// The end of the channel over which a stream travels.
fn items(stream: &Streamed) -> Type {
    let (form, item) = (stream.form(), &stream.item);
    parse_quote!(__farcall::Receiver<__farcall::Wire<#form, #item>>)
}
