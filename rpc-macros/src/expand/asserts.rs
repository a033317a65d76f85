//! Code that does nothing but fail to compile, at the type to blame, when a type cannot cross the network.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, ext::IdentExt, spanned::Spanned};

use crate::{
    bounds,
    model::{Method, Service},
    names::local,
    streams::Streamed,
    types,
};

/// One function, named like the trait, with one block for each method that has types to ask about. The compiler shows the
/// names of the markers in it: the argument `sku` of `stock`.
pub(super) fn asserts(service: &Service) -> TokenStream {
    let blocks: Vec<_> = service
        .methods
        .iter()
        .filter_map(|method| block(service, method))
        .collect();
    if blocks.is_empty() {
        return TokenStream::new();
    }
    let ident = marker(&service.item.ident);
    // In a scope of its own, where nothing else can take the function for a constant of the user's.
    quote! {
        const _: () = {
            fn #ident() {
                #(#blocks)*
            }
        };
    }
}

fn block(service: &Service, method: &Method) -> Option<TokenStream> {
    let mut questions: Vec<Question<'_>> = Vec::new();
    for argument in &method.arguments {
        let name = marker(&argument.ident);
        match &argument.stream {
            Some(stream) => questions.extend(items(stream, &name, "item")),
            None => questions.push(Question::new(name, asked(&argument.ty), &["argument"])),
        }
    }
    let output = &method.output.ty;
    if let Some(stream) = &method.output.stream {
        questions.extend(items(stream, &format_ident!("items"), "returned_item"));
        if method.output.fallible
            && let Some(error) = types::type_arguments(output).get(1)
        {
            questions.push(Question::new(format_ident!("Err"), error, &["output", "error"]));
        }
    } else if method.output.fallible {
        if !types::is_plainly_result(output) {
            questions.push(Question::new(format_ident!("output"), output, &["fallible"]));
        }
        let parts = types::type_arguments(output).into_iter();
        for (part, (name, demands)) in parts.zip([("Ok", &["output"][..]), ("Err", &["output", "error"])]) {
            questions.push(Question::new(format_ident!("{name}"), part, demands));
        }
    } else {
        questions.push(Question::new(format_ident!("output"), output, &["output"]));
    }
    questions.retain(|question| {
        let hidden = types::mentions(question.ty, &service.item.ident);
        !hidden && !types::is_well_known(question.ty) && !bounds::is_generic(service, question.ty)
    });
    if questions.is_empty() {
        return None;
    }
    let cfgs = method.cfgs();
    let method = marker(&method.ident);
    let types = questions.iter().enumerate().map(|(index, question)| question.ty(index));
    let names = questions.iter().map(|question| &question.marker);
    let names: BTreeSet<&Ident> = names.filter(|name| **name != method).collect();
    let markers = names.into_iter().map(|name| quote!(enum #name {}));
    let demands = questions
        .iter()
        .enumerate()
        .flat_map(|(index, question)| question.demands(index, &method));
    // The types stand outside the inner block: a marker may be called like a type of the user's.
    Some(quote! {
        #(#cfgs)*
        {
            #(#types)*
            {
                enum #method {}
                #(#markers)*
                #(#demands)*
            }
        }
    })
}

/// What is asked about the items of a stream.
fn items<'a>(stream: &'a Streamed, name: &Ident, demand: &'static str) -> Vec<Question<'a>> {
    let question = |ty: &'a Type, demands: &[&'static str]| Question::new(name.clone(), ty, demands);
    if !stream.fallible {
        return vec![question(&stream.item, &[demand])];
    }
    let mut questions = Vec::new();
    if !types::is_plainly_result(&stream.item) {
        questions.push(question(&stream.item, &["fallible_item"]));
    }
    let parts = types::type_arguments(&stream.item).into_iter();
    let demands = [&[demand][..], &[demand, "item_error"]];
    questions.extend(parts.zip(demands).map(|(part, demands)| question(part, demands)));
    questions
}

/// A type that must be able to cross the network.
struct Question<'a> {
    /// The name of its place.
    marker: Ident,
    ty: &'a Type,
    /// The functions of the library that compile only if it is.
    demands: Vec<&'static str>,
}

impl<'a> Question<'a> {
    fn new(marker: Ident, ty: &'a Type, demands: &[&'static str]) -> Self {
        let demands = demands.to_vec();
        Self { marker, ty, demands }
    }

    fn ty(&self, index: usize) -> TokenStream {
        let (ty, variable) = (types::open(self.ty), self.variable(index));
        quote_spanned!(self.ty.span()=> let #variable = __farcall::Demand::<#ty>::new();)
    }

    /// The compiler blames the receiver of a method call, so it stands where the type stands.
    fn variable(&self, index: usize) -> Ident {
        let mut variable = local(&format!("type{index}"));
        variable.set_span(self.ty.span().resolved_at(variable.span()));
        variable
    }

    fn demands(&self, index: usize, method: &Ident) -> impl Iterator<Item = TokenStream> {
        let (marker, variable, span) = (&self.marker, self.variable(index), self.ty.span());
        self.demands.iter().map(move |demand| {
            let demand = Ident::new(demand, span.resolved_at(Span::call_site()));
            quote_spanned!(span=> #variable.#demand::<#method, #marker>();)
        })
    }
}

/// The part of an argument's type that serde sees on both sides.
fn asked(ty: &Type) -> &Type {
    match types::bare(ty) {
        Type::Reference(reference) => asked(&reference.elem),
        Type::Slice(slice) => asked(&slice.elem),
        other => match types::option(other) {
            Some(Type::Reference(reference)) => asked(&reference.elem),
            _ => other,
        },
    }
}

/// A user's name without the user's hygiene, since here it names an item.
fn marker(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    syn::parse_str(&name).unwrap_or_else(|_| Ident::new_raw(&name, Span::call_site()))
}
