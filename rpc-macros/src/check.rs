//! What a service's trait may contain, and what to write instead of what it may not.

use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericParam, ItemTrait, Lifetime, Meta, Receiver, ReceiverKind, ReturnType, Safety, Signature,
    TraitItem, Type, TypeFnPtr, TypeImplTrait, TypeNever, TypeParamBound, TypePath, TypePtr, TypeReference,
    TypeTraitObject, WherePredicate,
    visit::{self, Visit},
};

use crate::{
    args::MethodArguments,
    ctxt::Context,
    model::{Argument, Method, Output},
    streams, types,
};

/// serde implements its traits for tuples of up to so many values, and the arguments travel as one.
const MAX_ARGUMENTS: usize = 16;

pub(crate) fn trait_header(context: &Context, item: &ItemTrait) {
    if let Some(token) = &item.unsafety {
        context.error(
            token,
            "a service cannot be an unsafe trait: nobody can vouch for the other side",
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
            "a method of a service cannot be unsafe: nobody can vouch for the caller",
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
                "a method of a service cannot be generic: the server must know its types; move the parameter to the trait",
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

pub(crate) fn receiver(context: &Context, signature: &Signature) -> Option<Receiver> {
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
        context.error(
            &signature.ident,
            "a method of a service takes `&self`: without it there is no implementation to call",
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

pub(crate) fn method_attributes(context: &Context, attributes: &[Attribute]) {
    for attribute in attributes {
        if hides(attribute, &["cfg", "rpc"]) {
            context.error(
                attribute,
                "`cfg` and `rpc` cannot hide in a `cfg_attr`: declare the method twice, under a `cfg` each",
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

/// Streams in places where nobody would send or receive their items.
pub(crate) fn streams(
    context: &Context,
    rpc: &MethodArguments,
    signature: &Signature,
    arguments: &[Argument],
    output: &Output,
) {
    let taken = arguments.iter().find(|argument| argument.stream.is_some());
    let returned = output.stream.is_some();
    if let (Some(_), Some(taken)) = (&rpc.oneway, taken) {
        context.error(
            &taken.ty,
            "a `oneway` method takes no stream: its caller does not wait, so nobody would send the items",
        );
    }
    if let (Some(option), true) = (&rpc.blocking, taken.is_some() || returned) {
        context.error(
            option,
            "a `blocking` method has no streams: it holds its thread while their items come and go; write `async fn`, or send \
             a `Vec`",
        );
    } else if signature.asyncness.is_none() {
        sync_streams(context, taken, output);
    }
    if !returned {
        return;
    }
    if let Some(option) = &rpc.detached {
        let message =
            "a method that returns a stream is not `detached`: nobody takes its items when the caller is gone";
        context.error(option, message);
    }
    for option in rpc
        .result
        .iter()
        .chain(&rpc.plain)
        .filter(|_| streams::is_stream(&output.ty))
    {
        context.error(
            option,
            format!("`{option}` is about a `Result`, and this method returns a stream"),
        );
    }
}

fn sync_streams(context: &Context, taken: Option<&Argument>, output: &Output) {
    match (taken, &output.stream) {
        (_, Some(_)) if !streams::is_stream(&output.ty) => context.error(
            output.stream_type(),
            "a stream in a `Result` needs `async fn`; a plain `fn` returns the stream itself, whose items may be `Result`s",
        ),
        (Some(taken), None) => context.error(
            &taken.ty,
            "a method that takes a stream needs `async fn`: its items come while the method runs",
        ),
        _ => {}
    }
}

/// The methods without those whose name on the wire another one has.
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

pub(crate) fn argument_type(context: &Context, ty: &Type) {
    if streams::is_stream(ty) {
        stream_type(context, ty);
    } else {
        check_type(context, Place::Argument, ty);
    }
}

pub(crate) fn result_type(context: &Context, ty: &Type, fallible: bool) {
    let place = streams::place(ty, fallible);
    if !streams::is_stream(place) {
        check_type(context, Place::Result, ty);
        return;
    }
    stream_type(context, place);
    if fallible {
        for other in types::type_arguments(ty).into_iter().skip(1) {
            check_type(context, Place::Result, other);
        }
    }
}

fn stream_type(context: &Context, ty: &Type) {
    match streams::item(ty) {
        Some(item) => check_type(context, Place::Item, item),
        None => context.error(ty, "say what the items are: `impl Stream<Item = X>`"),
    }
}

fn check_type(context: &Context, place: Place, ty: &Type) {
    TypeCheck { context, place }.visit_type(ty);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Argument,
    Result,
    /// Of a stream.
    Item,
}

impl Place {
    /// Why a type there cannot borrow; `None` where it can.
    fn must_own(self) -> Option<&'static str> {
        match self {
            Self::Argument => None,
            Self::Result => Some("a result comes from the other side, so it must own its data"),
            Self::Item => Some("an item of a stream outlives the place it comes from, so it must own its data"),
        }
    }
}

/// Finds the parts of a type that cannot cross the network.
struct TypeCheck<'a> {
    context: &'a Context,
    place: Place,
}

impl<'ast> Visit<'ast> for TypeCheck<'_> {
    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let names = |name: &str| {
            ty.bounds.iter().any(|bound| {
                matches!(bound, TypeParamBound::Trait(bound)
                    if bound.path.segments.last().is_some_and(|segment| segment.ident == name))
            })
        };
        if names("Stream") {
            self.nested_stream(ty, streams::item(&Type::ImplTrait(ty.clone())));
            return;
        }
        let message = if self.place == Place::Result && names("Future") {
            "write `async fn` and the future's output"
        } else {
            "the other side must know this type: write a concrete one instead of `impl`"
        };
        self.context.error(ty, message);
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        self.context.error(
            ty,
            "a trait object cannot cross the network: write a concrete type, such as an enum",
        );
    }

    fn visit_type_fn_ptr(&mut self, ty: &'ast TypeFnPtr) {
        self.context.error(ty, "a function cannot cross the network");
    }

    fn visit_type_ptr(&mut self, ty: &'ast TypePtr) {
        self.context.error(ty, "a raw pointer cannot cross the network");
    }

    fn visit_type_never(&mut self, ty: &'ast TypeNever) {
        self.context.error(
            ty,
            "a method that never returns has no answer to send: return a value, or nothing",
        );
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        if ty.qself.is_none() && ty.path.segments.first().is_some_and(|segment| segment.ident == "Self") {
            let message = if ty.path.segments.len() == 1 {
                "the implementation itself stays where it is: name a type that serde can handle"
            } else {
                "only associated types of this very trait can cross the network"
            };
            self.context.error(ty, message);
            return;
        }
        let whole = Type::Path(ty.clone());
        if streams::is_stream(&whole) {
            self.nested_stream(ty, streams::item(&whole));
            return;
        }
        visit::visit_type_path(self, ty);
    }

    fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
        if let Some(reason) = self.place.must_own() {
            let instead = match &*ty.elem {
                Type::Path(path) if path.path.is_ident("str") => "write `String`",
                Type::Slice(_) => "write a `Vec`",
                _ => "write the type without `&`",
            };
            self.context.error(ty, format!("{reason}: {instead}"));
            return;
        }
        if let Some(token) = &ty.mutability {
            let message = "the other side cannot change the caller's value: take `&` and return what is new";
            self.context.error(token, message);
        }
        if let Some(lifetime) = ty.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
            let message = "on the other side nothing lives that long: leave out `'static`, or own the data";
            self.context.error(lifetime, message);
        }
        self.visit_type(&ty.elem);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if let Some(reason) = self.place.must_own().filter(|_| lifetime.ident != "static") {
            self.context.error(lifetime, format!("{reason}: write `'static`"));
        }
    }
}

impl TypeCheck<'_> {
    fn nested_stream(&self, ty: impl ToTokens, item: Option<&Type>) {
        let item = item.map_or_else(|| "X".to_owned(), |item| item.to_token_stream().to_string());
        self.context.error(
            ty,
            format!(
                "a stream stands alone: an argument of its own, the whole result, or the first argument of a `Result`; \
                 use `farcall::channel::Receiver<{item}>` here"
            ),
        );
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self"))
}
