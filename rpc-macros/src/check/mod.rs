//! What a service's trait may contain, and what to write instead of anything else.

pub(crate) mod foreign;
mod library;
mod streams;
mod types;

use syn::{
    Attribute, FnArg, GenericParam, ItemTrait, Meta, Receiver, ReceiverKind, ReturnType, Safety, Signature, TraitItem,
    Type, TypeParamBound, WherePredicate,
};

pub(crate) use library::library;
pub(crate) use streams::streams;
pub(crate) use types::{argument_type, result_type};

use crate::{args::MethodArguments, ctxt::Context, model::Method, types::MAX_TUPLE};

/// The arguments travel as one tuple.
const MAX_ARGUMENTS: usize = MAX_TUPLE;

pub(crate) fn trait_header(context: &Context, item: &ItemTrait) {
    if let Some(token) = &item.unsafety {
        context.error(
            token,
            "a service cannot be an unsafe trait: the other side cannot be trusted to keep its promises",
        );
    }
    if let Some(token) = &item.modifiers.auto_token {
        context.error(token, "a service cannot be an auto trait");
    }
    for parameter in item.generics.lifetimes() {
        context.error(
            parameter,
            "a service has no lifetime parameters: nothing on the other side can borrow from here",
        );
    }
}

/// An item of the trait that is not a method.
pub(crate) fn other_item(context: &Context, item: &TraitItem) {
    match item {
        TraitItem::Const(constant) if constant.default.is_none() => context.error(
            &constant.ident,
            "a client has no implementation to take this constant from: give it a value here, or make it a method",
        ),
        TraitItem::Type(ty) => {
            if !ty.generics.params.is_empty() {
                context.error(&ty.generics.params, "an associated type of a service cannot be generic");
            }
            for attribute in ty.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
                context.error(attribute, "an associated type of a service cannot depend on a `cfg`");
            }
        }
        TraitItem::Macro(call) => {
            context.error(
                call,
                "a service cannot contain a macro call: write the methods out, or wrap the whole trait",
            );
        }
        TraitItem::Const(_) => {}
        other => context.error(other, "a service contains methods and associated types"),
    }
}

pub(crate) fn signature(context: &Context, signature: &Signature) {
    if let Safety::Unsafe(token) = &signature.safety {
        context.error(
            token,
            "a method of a service cannot be unsafe: a remote caller cannot be trusted to keep its contract",
        );
    }
    if let Some(abi) = &signature.abi {
        context.error(abi, "a method of a service cannot have a foreign calling convention");
    }
    if let Some(variadic) = &signature.variadic {
        context.error(variadic, "a method of a service cannot be variadic");
    }
    for parameter in &signature.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            context.error(
                parameter,
                "a method of a service cannot be generic: the server must know its types; move the parameter to the \
                 trait",
            );
        }
    }
    let predicates = signature
        .generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    for predicate in predicates {
        if !matches!(predicate, WherePredicate::Lifetime(_)) && !is_about_self(predicate) {
            context.error(
                predicate,
                "a method of a service has no bounds of its own: move this one to the trait",
            );
        }
    }
    let arguments = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_)));
    if let Some(argument) = arguments.clone().nth(MAX_ARGUMENTS) {
        context.error(
            argument,
            format!("a method of a service has at most {MAX_ARGUMENTS} arguments: put some in a struct"),
        );
    }
}

/// Whether the predicate only restricts `Self`, which says nothing about a client.
pub(crate) fn is_about_self(predicate: &WherePredicate) -> bool {
    matches!(predicate, WherePredicate::Type(bound) if is_self(&bound.bounded_ty))
}

/// The bounds on `Self` in the trait's `where` clause, which are supertraits.
pub(crate) fn about_self(item: &ItemTrait) -> impl Iterator<Item = &TypeParamBound> {
    let predicates = item.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let bounds = predicates
        .filter(|predicate| is_about_self(predicate))
        .filter_map(|predicate| match predicate {
            WherePredicate::Type(bound) => Some(&bound.bounds),
            _ => None,
        });
    bounds.flatten()
}

pub(crate) fn receiver(context: &Context, signature: &Signature) -> Option<Receiver> {
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
        context.error(
            &signature.ident,
            "a method of a service takes `&self`, which is the implementation that is called",
        );
        return None;
    };
    let message = match shared(receiver) {
        Some(true) => return Some(receiver.clone()),
        Some(false) => "calls run side by side, so a method takes `&self`: keep what changes in a `Mutex` or an atomic",
        None => "calls share the implementation, so a method takes `&self`",
    };
    context.error(receiver, message);
    None
}

/// Whether a receiver by reference is a shared one; `None` for every other receiver.
fn shared(receiver: &Receiver) -> Option<bool> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => Some(mutability.is_none()),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) if is_self(&reference.elem) => Some(reference.mutability.is_none()),
            _ => None,
        },
        _ => None,
    }
}

/// `async-trait` rewrites signatures that this attribute needs as they were written. Returns whether that has happened
/// already, so that nothing else can be checked.
pub(crate) fn async_trait(context: &Context, item: &ItemTrait) -> bool {
    const TEXT: &str =
        "a service is an ordinary trait with `async fn`: take `#[async_trait]` away, here and at the implementations";
    for attribute in item.attrs.iter().filter(|attribute| is_async_trait(attribute)) {
        context.error(attribute, TEXT);
    }
    let rewritten = |item: &TraitItem| match item {
        TraitItem::Fn(function) => {
            let mut lifetimes = function.sig.generics.lifetimes();
            lifetimes.any(|parameter| parameter.lifetime.ident == "async_trait")
        }
        _ => false,
    };
    let is_rewritten = item.items.iter().any(rewritten);
    if is_rewritten {
        context.error(&item.ident, TEXT);
    }
    is_rewritten
}

pub(crate) fn is_async_trait(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "async_trait")
}

/// Whether the attribute was meant to be `#[rpc(…)]`.
pub(crate) fn is_misnamed(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let starts = path.segments.first().is_some_and(|segment| segment.ident == "farcall");
    path.is_ident("service") || starts
}

pub(crate) fn method_attributes(context: &Context, attributes: &[Attribute]) {
    for attribute in attributes {
        if is_misnamed(attribute) {
            context.error(attribute, "options of a method are written `#[rpc(…)]`");
        }
        if hides(attribute, &["cfg", "rpc"]) {
            context.error(
                attribute,
                "`cfg` and `rpc` cannot stand inside a `cfg_attr`: declare the method twice, under a `cfg` each",
            );
        }
    }
}

/// Whether the attribute is a `cfg_attr` that may turn into one of these.
pub(crate) fn hides(attribute: &Attribute, names: &[&str]) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    // The condition comes first; behind each comma of this level an attribute starts.
    let mut after_comma = false;
    let mut hidden = list.tokens.clone().into_iter().filter(|token| {
        let starts = std::mem::replace(&mut after_comma, token.to_string() == ",");
        starts && names.contains(&token.to_string().as_str())
    });
    list.path.is_ident("cfg_attr") && hidden.next().is_some()
}

pub(crate) fn argument_attributes(context: &Context, attributes: &[Attribute]) {
    for attribute in attributes {
        if ["cfg", "cfg_attr", "rpc", "serde"]
            .iter()
            .any(|name| attribute.path().is_ident(name))
        {
            context.error(
                attribute,
                "an argument cannot have this attribute: both sides must agree on the arguments",
            );
        }
    }
}

/// Options of `#[rpc(…)]` that do not fit the method.
pub(crate) fn policy(context: &Context, rpc: &MethodArguments, signature: &Signature) {
    if let (Some(option), Some(_)) = (&rpc.blocking, &signature.asyncness) {
        context.error(
            option,
            "`blocking` is for a plain `fn`; inside an `async fn` spawn what blocks",
        );
    }
    if let Some(option) = &rpc.oneway {
        if signature.asyncness.is_none() {
            context.error(option, "`oneway` is for an `async fn`");
        } else if !matches!(signature.output, ReturnType::Default) {
            context.error(
                &signature.output,
                "a `oneway` method returns nothing: its caller does not wait for it",
            );
        }
    }
    for option in rpc.result.iter().chain(&rpc.plain) {
        if matches!(signature.output, ReturnType::Default) {
            context.error(
                option,
                format!("`{option}` is about a return type, and this method has none"),
            );
        }
    }
}

/// The methods without those whose name on the wire is taken.
pub(crate) fn distinct(context: &Context, methods: Vec<Method>) -> Vec<Method> {
    let mut distinct: Vec<Method> = Vec::new();
    for method in methods {
        // Methods under a `cfg` may exclude each other; those that do not are caught when ids are compared.
        let same = |earlier: &&Method| {
            earlier.name == method.name && (earlier.cfgs().next().is_none() || method.cfgs().next().is_none())
        };
        match distinct.iter().find(same) {
            Some(earlier) => context.error(
                &method.ident,
                format!(
                    "`{}` has the name `{}` on the wire already",
                    earlier.ident, earlier.name
                ),
            ),
            None => distinct.push(method),
        }
    }
    distinct
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self"))
}
