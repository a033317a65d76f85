//! Code whose only purpose is to fail to compile if a type cannot cross the network, with an error at that type.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, Type, ext::IdentExt, spanned::Spanned};

use crate::{
    bounds,
    check::foreign,
    model::{Method, Service},
    names::local,
    streams::Streamed,
    types,
};

/// One function, named like the trait, with one block for each method that has types to check. The compiler shows the
/// names of the markers in it: the argument `sku` of `stock`.
///
/// A type is checked only once, even if several methods have it: one mistake gives one message.
pub(super) fn asserts(service: &Service) -> TokenStream {
    let mut asked = BTreeSet::new();
    let blocks: Vec<_> = service
        .methods
        .iter()
        .filter_map(|method| {
            let mut questions = questions(service, method);
            let mut known = asked.clone();
            questions.retain_mut(|question| {
                let is_new = question.is_new(&known);
                known.extend(question.keys());
                is_new
            });
            // The check in a method that a `cfg` may remove does not count for other methods.
            if method.cfgs().next().is_none() {
                asked = known;
            }
            block(service, method, &questions)
        })
        .collect();
    if blocks.is_empty() {
        return TokenStream::new();
    }
    let ident = marker(&service.item.ident);
    // In a scope of its own, so that the function is not taken for a constant of the user.
    quote! {
        const _: () = {
            use __farcall::NoResult as _;
            fn #ident() {
                #(#blocks)*
            }
        };
    }
}

/// Whether each of the method's types that needs a check has one, so that its calls need not report them.
pub(crate) fn is_asked(service: &Service, method: &Method) -> bool {
    is_certain(service, method) && !all_questions(service, method).is_empty()
}

/// Whether each of the method's types is well known or checked.
pub(crate) fn is_certain(service: &Service, method: &Method) -> bool {
    let hides = |question: &Question| is_hidden(service, &question.ty);
    !is_hidden(service, &method.output.ty)
        && !all_questions(service, method).iter().any(hides)
        && !method.is_streaming()
}

/// All checks of the method's types that are possible.
fn questions(service: &Service, method: &Method) -> Vec<Question> {
    let mut questions = all_questions(service, method);
    questions.retain(|question| !is_hidden(service, &question.ty));
    questions
}

/// All checks that the method's types need.
fn all_questions(service: &Service, method: &Method) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for argument in &method.arguments {
        let name = marker(&argument.ident);
        if let Some(stream) = &argument.stream {
            questions.extend(items(stream, &name, "item"));
        } else {
            let parts = types::parts(&argument.passing.decoded).into_iter();
            questions.extend(parts.map(|part| Question::value(name.clone(), part, "argument")));
        }
    }
    let output = &method.output.ty;
    if let Some(stream) = &method.output.stream {
        questions.extend(items(stream, &format_ident!("items"), "returned_item"));
        if method.output.fallible
            && let Some(error) = types::type_arguments(output).get(1)
        {
            questions.push(Question::new(format_ident!("Err"), error, &["error_output", "error"]));
        }
    } else if method.output.fallible {
        questions.extend(result(service, output));
    } else {
        let parts = types::parts(output).into_iter();
        questions.extend(parts.map(|part| Question::value(format_ident!("output"), part, "output")));
    }
    questions.retain(|question| !types::is_well_known(&question.ty));
    questions
}

/// Whether the type cannot be checked in the place of the checks: it depends on parameters, or the name of the function
/// with the checks hides it.
fn is_hidden(service: &Service, ty: &Type) -> bool {
    types::mentions(ty, &service.item.ident) || bounds::is_generic(service, ty)
}

/// The checks of a result and its error.
fn result(service: &Service, output: &Type) -> Vec<Question> {
    let arguments = types::type_arguments(output);
    let values = arguments.first().into_iter().flat_map(|value| types::parts(value));
    let mut questions: Vec<_> = values
        .map(|part| Question::value(format_ident!("Ok"), part, "output"))
        .collect();
    // An error of another library is reported only once.
    let demands = |ty: &Type| {
        if foreign::is_error(ty) {
            &["error_output"][..]
        } else {
            &["error_output", "error"]
        }
    };
    match arguments.get(1) {
        Some(error) if types::is_plainly_result(output) => {
            questions.push(Question::new(format_ident!("Err"), error, demands(error)));
        }
        // Only the compiler knows the error type of an alias.
        _ if !types::is_library_result(output) && !is_hidden(service, output) => {
            let span = output.span();
            let error = Type::Verbatim(quote_spanned!(span=> __farcall::ErrorOf::<#output>));
            questions.push(Question::spanned(format_ident!("Err"), error, demands(output), span));
        }
        _ => {}
    }
    questions
}

fn block(service: &Service, method: &Method, questions: &[Question]) -> Option<TokenStream> {
    let alias = no_alias(service, method);
    if questions.is_empty() && alias.is_none() {
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
            #alias
            #(#types)*
            {
                enum #method {}
                #(#markers)*
                #(#demands)*
            }
        }
    })
}

/// A plain value that is a `Result` under another name would arrive as a `Result` in a `Result`.
fn no_alias(service: &Service, method: &Method) -> Option<TokenStream> {
    let output = &method.output;
    let is_nameless = !matches!(types::bare(&output.ty), Type::Path(_));
    if output.fallible
        || output.explicit
        || output.stream.is_some()
        || is_nameless
        || types::is_well_known(&output.ty)
        || is_hidden(service, &output.ty)
    {
        return None;
    }
    let (ty, span) = (&output.ty, output.ty.span());
    let text = "this type is a `Result` under another name: mark the method `#[rpc(result)]`, so that a failure of the \
        call arrives as its error, or `#[rpc(plain)]` for a `Result` in a `Result`";
    Some(quote_spanned! {span=>
        const _: () = ::core::assert!(!__farcall::Demand::<#ty>::IS_RESULT, #text);
    })
}

/// The checks of the items of a stream.
fn items(stream: &Streamed, name: &Ident, demand: &'static str) -> Vec<Question> {
    let question = |ty: &Type, demands: &[&'static str]| Question::new(name.clone(), ty, demands);
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
struct Question {
    /// The name of its place.
    marker: Ident,
    ty: Type,
    span: Span,
    /// The functions of the library that compile only if it is.
    demands: Vec<&'static str>,
}

impl Question {
    fn new(marker: Ident, ty: &Type, demands: &[&'static str]) -> Self {
        Self::spanned(marker, types::open(ty), demands, ty.span())
    }

    /// For a value, which may look like something that can never be sent.
    fn value(marker: Ident, ty: &Type, demand: &'static str) -> Self {
        let demand = if foreign::is_channel_end(ty) {
            "channel_end"
        } else {
            demand
        };
        Self::new(marker, ty, &[demand])
    }

    fn spanned(marker: Ident, ty: Type, demands: &[&'static str], span: Span) -> Self {
        let demands = demands.to_vec();
        Self {
            marker,
            ty,
            span,
            demands,
        }
    }

    /// What it checks, in a form in which equal checks are equal.
    fn keys(&self) -> impl Iterator<Item = (String, &'static str)> {
        let ty = self.ty.to_token_stream().to_string();
        self.demands.iter().map(move |&demand| {
            // Arguments, results and errors need the same traits of serde.
            let serde = ["argument", "output", "error_output", "channel_end"].contains(&demand);
            (ty.clone(), if serde { "serde" } else { demand })
        })
    }

    /// Leaves out what was checked before; returns whether anything is left.
    fn is_new(&mut self, asked: &BTreeSet<(String, &'static str)>) -> bool {
        let keys: Vec<_> = self.keys().collect();
        let mut keys = keys.iter();
        self.demands
            .retain(|_| keys.next().is_some_and(|key| !asked.contains(key)));
        !self.demands.is_empty()
    }

    fn ty(&self, index: usize) -> TokenStream {
        let (ty, variable) = (&self.ty, self.variable(index));
        quote_spanned!(self.span=> let #variable = __farcall::Demand::<#ty>::new();)
    }

    /// The compiler blames the receiver of a method call, so it stands where the type stands.
    fn variable(&self, index: usize) -> Ident {
        let mut variable = local(&format!("type{index}"));
        variable.set_span(self.span.resolved_at(variable.span()));
        variable
    }

    fn demands(&self, index: usize, method: &Ident) -> impl Iterator<Item = TokenStream> {
        let (marker, variable, span) = (&self.marker, self.variable(index), self.span);
        self.demands.iter().map(move |demand| {
            let demand = Ident::new(demand, span.resolved_at(Span::call_site()));
            quote_spanned!(span=> #variable.#demand::<#method, #marker>();)
        })
    }
}

/// A user's name without the user's hygiene, since here it names an item.
pub(super) fn marker(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    syn::parse_str(&name).unwrap_or_else(|_| Ident::new_raw(&name, Span::call_site()))
}
