//! From the trait as written to the [`model`](crate::model).

use proc_macro2::{Span, TokenStream};
use quote::format_ident;
use syn::{
    Attribute, FnArg, GenericParam, Generics, Ident, ItemTrait, LitStr, Pat, ReturnType, TraitItem, TraitItemFn, Type,
    TypeParam, WherePredicate, ext::IdentExt, parse_quote, visit_mut::VisitMut,
};

use crate::{
    args::{MethodArguments, ServiceArguments},
    check,
    ctxt::Context,
    expand,
    lift::{self, Lift, Lifted},
    model::{Argument, Kind, Method, Output, Policy, Service},
    names::{self, Names, Taken},
    streams::{self, Streamed},
    types::{self, Passing},
};

/// The service that `item` declares, with those of its methods that are without mistakes; `None` when the trait itself
/// is not a service.
pub(crate) fn service(context: &Context, arguments: TokenStream, mut item: ItemTrait) -> Option<Service> {
    let mut arguments = ServiceArguments::parse(context, arguments);
    if check::async_trait(context, &item) || check::library(context, &arguments) {
        return None;
    }
    let before = context.count();
    check::trait_header(context, &item);
    if context.count() > before {
        // The methods are still checked, so that their mistakes show at once.
        methods(context, &item, &[]);
        return None;
    }
    names::rename_parameters(&mut item, &mut arguments);
    let mut taken = Taken::of(&item, &arguments);
    let lifted = lift::associated_types(&item, &mut taken);
    let mut methods = check::distinct(context, methods(context, &item, &lifted));
    for policy in methods.iter_mut().map(|method| &mut method.policy) {
        policy.requires = policy.requires.take().or_else(|| arguments.requires.clone());
    }
    let mut service = Service {
        names: Names::of(&item, &mut taken),
        library: arguments.library,
        name: wire_name(context, arguments.name.as_ref(), &item.ident, &['/']),
        parameters: parameters(&item, &lifted),
        bound: arguments.bound.map(|predicates| lifted_predicates(predicates, &lifted)),
        methods,
        lifted,
        complete: context.count() == 0,
        blocking: arguments.blocking,
        samples: arguments.samples,
        pointers: context.count() == 0 && arguments.pointers && can_be_forwarded(&item),
        item,
    };
    let known = |method: &Method| (expand::is_asked(&service, method), expand::is_certain(&service, method));
    let known: Vec<_> = service.methods.iter().map(known).collect();
    for (method, (asked, certain)) in service.methods.iter_mut().zip(known) {
        method.asked = asked;
        if certain {
            method.span = Span::call_site();
        }
    }
    Some(service)
}

/// Whether a pointer can have the associated types of what it points to. It cannot if they have a bound that involves
/// `Self`, because `Self` is another type then.
fn can_be_forwarded(item: &ItemTrait) -> bool {
    item.items.iter().all(|item| match item {
        TraitItem::Type(ty) => ty.generics.where_clause.is_none() && !expand::names_self(&ty.bounds),
        _ => true,
    })
}

fn methods(context: &Context, item: &ItemTrait, lifted: &[Lifted]) -> Vec<Method> {
    let functions = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(function) => Some(function),
        other => {
            check::other_item(context, other);
            None
        }
    });
    functions
        .filter_map(|function| method(context, function, lifted))
        .collect()
}

fn method(context: &Context, function: &TraitItemFn, lifted: &[Lifted]) -> Option<Method> {
    let before = context.count();
    let signature = &function.sig;
    let rpc = MethodArguments::parse(context, &function.attrs);
    check::signature(context, signature);
    check::method_attributes(context, &function.attrs);
    let receiver = check::receiver(context, signature);
    let arguments = arguments(context, function, lifted);
    let output = output(context, &signature.output, &rpc, lifted);
    check::policy(context, &rpc, signature);
    check::streams(context, &rpc, signature, &arguments, &output);
    let method = Method {
        ident: signature.ident.clone(),
        name: wire_name(context, rpc.name.as_ref(), &signature.ident, &['.', '/']),
        attributes: repeated_attributes(&function.attrs),
        kind: match (signature.asyncness, &rpc.blocking) {
            (Some(_), _) => Kind::Async,
            (None, None) => Kind::Inline,
            (None, Some(_)) => Kind::Blocking,
        },
        policy: Policy {
            idempotent: rpc.idempotent.is_some(),
            oneway: rpc.oneway.is_some(),
            detached: rpc.detached.is_some(),
            timeout: rpc.timeout,
            requires: rpc.requires,
            priority: rpc.priority,
        },
        lifetimes: lifetimes(&signature.generics),
        receiver: receiver?,
        arguments,
        output,
        asked: false,
        span: signature.ident.span().resolved_at(Span::call_site()),
    };
    (context.count() == before).then_some(method)
}

fn arguments(context: &Context, function: &TraitItemFn, lifted: &[Lifted]) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for input in &function.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        check::argument_attributes(context, &input.attrs);
        let mut ty = (*input.ty).clone();
        Lift(lifted).visit_type_mut(&mut ty);
        check::argument_type(context, &ty);
        let stream = Streamed::of(&ty);
        let ident = match &*input.pat {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => pattern.ident.clone(),
            other => {
                context.error(
                    other,
                    "an argument of a service's method needs a name; take it apart in the body",
                );
                format_ident!("_argument")
            }
        };
        let passing = Passing::of(&ty);
        arguments.push(Argument {
            ident,
            ty,
            passing,
            stream,
        });
    }
    arguments
}

fn output(context: &Context, output: &ReturnType, rpc: &MethodArguments, lifted: &[Lifted]) -> Output {
    let mut ty: Type = match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    Lift(lifted).visit_type_mut(&mut ty);
    let fallible = rpc.result.is_some() || (types::is_result(&ty) && rpc.plain.is_none());
    check::result_type(context, &ty, fallible);
    let stream = Streamed::of(streams::place(&ty, fallible));
    let bytes = if fallible {
        types::type_arguments(&ty).first().is_some_and(|ty| types::is_bytes(ty))
    } else {
        types::is_bytes(&ty)
    };
    Output {
        ty,
        fallible,
        explicit: rpc.result.is_some() || rpc.plain.is_some(),
        bytes,
        stream,
    }
}

/// `name` where it is given, else the identifier without `r#`.
fn wire_name(context: &Context, name: Option<&LitStr>, ident: &Ident, separators: &[char]) -> String {
    let Some(literal) = name else {
        return ident.unraw().to_string();
    };
    let name = literal.value();
    let illegal = |c: char| c.is_whitespace() || c.is_control() || separators.contains(&c);
    if name.is_empty() {
        context.error(literal, "a name on the wire cannot be empty");
    } else if let Some(character) = name.chars().find(|c| illegal(*c)) {
        context.error(literal, format!("a name on the wire cannot contain {character:?}"));
    }
    name
}

/// The attributes that generated methods repeat. Others, such as lints or those of other macros, stay with the trait.
fn repeated_attributes(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_repeated = |attribute: &&Attribute| {
        let path = attribute.path();
        ["doc", "deprecated", "cfg"].iter().any(|name| path.is_ident(name))
            || check::hides(attribute, &["doc", "deprecated"])
    };
    attributes.iter().filter(is_repeated).cloned().collect()
}

/// The lifetimes of a method and their bounds.
fn lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates).into_iter();
        clause.predicates = predicates
            .filter(|predicate| matches!(predicate, WherePredicate::Lifetime(_)))
            .collect();
    }
    generics
}

fn parameters(item: &ItemTrait, lifted: &[Lifted]) -> Generics {
    let mut generics = item.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.attrs.clear();
        if !lifted.is_empty() {
            // A parameter with a default cannot stand before one without.
            parameter.default = None;
        }
    }
    for item in &item.items {
        if let TraitItem::Type(ty) = item {
            let Some(lifted) = lifted.iter().find(|lifted| lifted.associated == ty.ident) else {
                continue;
            };
            let mut parameter = TypeParam::from(lifted.parameter.clone());
            if !ty.bounds.is_empty() {
                parameter.colon_token = Some(syn::Token![:](ty.ident.span()));
                parameter.bounds.clone_from(&ty.bounds);
            }
            generics.params.push(GenericParam::Type(parameter));
        }
    }
    Lift(lifted).visit_generics_mut(&mut generics);
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates).into_iter();
        clause.predicates = predicates
            .filter(|predicate| !check::is_about_self(predicate))
            .collect();
    }
    generics
}

fn lifted_predicates(predicates: impl IntoIterator<Item = WherePredicate>, lifted: &[Lifted]) -> Vec<WherePredicate> {
    let mut predicates: Vec<_> = predicates.into_iter().collect();
    for predicate in &mut predicates {
        Lift(lifted).visit_where_predicate_mut(predicate);
    }
    predicates
}
