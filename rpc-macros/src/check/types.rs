//! What cannot cross the network, judged by the written form of a type.

use quote::ToTokens;
use syn::{
    Lifetime, Token, Type, TypeFnPtr, TypeImplTrait, TypeNever, TypeParamBound, TypePath, TypePtr, TypeReference,
    TypeTraitObject,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use super::foreign;
use crate::{ctxt::Context, streams, types};

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
        let parts = types::type_arguments(ty).into_iter().filter(|_| fallible);
        if !parts.into_iter().any(|part| is_unsized(context, Place::Result, part)) {
            check_type(context, Place::Result, ty);
        }
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

/// Whether a trait of that name is among the bounds, under any path.
fn names<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>, name: &str) -> bool {
    bounds.into_iter().any(|bound| {
        matches!(bound, TypeParamBound::Trait(bound)
            if bound.path.segments.last().is_some_and(|segment| segment.ident == name))
    })
}

fn is_function(bounds: &Punctuated<TypeParamBound, Token![+]>) -> bool {
    ["Fn", "FnMut", "FnOnce", "AsyncFn", "AsyncFnMut", "AsyncFnOnce"]
        .iter()
        .any(|name| names(bounds, name))
}

fn check_type(context: &Context, place: Place, ty: &Type) {
    if !is_unsized(context, place, ty) {
        TypeCheck { context, place }.visit_type(ty);
    }
}

/// Complains about an unsized type in a place where a value is passed.
fn is_unsized(context: &Context, place: Place, ty: &Type) -> bool {
    let is_text = match types::bare(ty) {
        Type::Slice(_) => false,
        Type::Path(path) if path.path.is_ident("str") => true,
        _ => return false,
    };
    let instead = match (is_text, place) {
        (true, Place::Argument) => "`&str` or `String`",
        (true, _) => "`String`",
        (false, Place::Argument) => "`&[T]` or `Vec<T>`",
        (false, _) => "`Vec<T>`",
    };
    context.error(
        ty,
        format!("the size of a value of this type is not known: write {instead}"),
    );
    true
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Argument,
    Result,
    /// Of a stream.
    Item,
}

impl Place {
    /// Why a type in this place cannot borrow; `None` if it can.
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
        if names(&ty.bounds, "Stream") {
            self.nested_stream(ty, streams::item(&Type::ImplTrait(ty.clone())));
            return;
        }
        let message = if self.place == Place::Result && names(&ty.bounds, "Future") {
            "write `async fn` and the future's output"
        } else if is_function(&ty.bounds) {
            foreign::FUNCTIONS
        } else {
            "the other side must know this type: write a concrete one instead of `impl`"
        };
        self.context.error(ty, message);
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        let message = if names(&ty.bounds, "Stream") {
            "a stream is not a trait object here: write `impl Stream<Item = X>`, or `farcall::Streaming<X>`, without a \
             `Box`"
        } else if is_function(&ty.bounds) {
            foreign::FUNCTIONS
        } else if names(&ty.bounds, "Error") {
            foreign::ERRORS
        } else {
            "a trait object cannot cross the network: write a concrete type, such as an enum"
        };
        self.context.error(ty, message);
    }

    fn visit_type_fn_ptr(&mut self, ty: &'ast TypeFnPtr) {
        self.context.error(ty, foreign::FUNCTIONS);
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
            let message = "nothing on the other side lives as long as `'static`: leave it out, or own the data";
            self.context.error(lifetime, message);
        }
        self.visit_type(&ty.elem);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if let Some(reason) = self.place.must_own().filter(|_| lifetime.ident != "static") {
            self.context
                .error(lifetime, format!("{reason}: write an owned type, such as `String`"));
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
