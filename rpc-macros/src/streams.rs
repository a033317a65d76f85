//! Streams in signatures: `impl Stream<Item = X>`, or `Streaming<X>` by name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    GenericArgument, PathArguments, Type, TypeImplTrait, TypeParamBound, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::types;

/// A stream in a signature.
pub(crate) struct Streamed {
    pub(crate) item: Type,
    /// `Streaming<X>`, as opposed to `impl Stream<Item = X>`
    pub(crate) named: bool,
    /// Whether an item is a `Result`, which can hold what broke the stream.
    pub(crate) fallible: bool,
    /// The (successful) item travels as one run of bytes.
    bytes: bool,
}

impl Streamed {
    /// The stream that the type is, if it is one and says what its items are.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        let item = item(ty)?.clone();
        let fallible = types::is_result(&item);
        let good = if fallible {
            types::type_arguments(&item).first().copied()
        } else {
            Some(&item)
        };
        Some(Self {
            bytes: good.is_some_and(types::is_bytes),
            named: !matches!(types::bare(ty), Type::ImplTrait(_)),
            fallible,
            item,
        })
    }

    /// The library's name for the form in which the items are sent.
    pub(crate) fn form(&self) -> TokenStream {
        match (self.fallible, self.bytes) {
            (false, false) => quote!(__farcall::Values),
            (false, true) => quote!(__farcall::ByteValues),
            (true, false) => quote!(__farcall::Results),
            (true, true) => quote!(__farcall::ByteResults),
        }
    }
}

/// Whether the type is a stream.
pub(crate) fn is_stream(ty: &Type) -> bool {
    match types::bare(ty) {
        Type::ImplTrait(ty) => stream_bound(ty).is_some(),
        ty => named_item(ty).is_some(),
    }
}

/// The items of the stream that the type is.
pub(crate) fn item(ty: &Type) -> Option<&Type> {
    match types::bare(ty) {
        Type::ImplTrait(ty) => stream_bound(ty)?.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(assigned) if assigned.ident == "Item" => Some(types::bare(&assigned.ty)),
            _ => None,
        }),
        ty => named_item(ty),
    }
}

/// `X` of `Streaming<X>`.
fn named_item(ty: &Type) -> Option<&Type> {
    match types::type_arguments(ty)[..] {
        [item] if types::is_called(ty, "Streaming") => Some(item),
        _ => None,
    }
}

/// The arguments of the bound `Stream<…>`.
fn stream_bound(ty: &TypeImplTrait) -> Option<Vec<&GenericArgument>> {
    ty.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let segment = bound.path.segments.last().filter(|segment| segment.ident == "Stream")?;
        Some(match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().collect(),
            _ => Vec::new(),
        })
    })
}

/// The part of a result's type that may be a stream: all of it, or the `Ok` type of a `Result`.
pub(crate) fn place(ty: &Type, fallible: bool) -> &Type {
    let good = types::type_arguments(ty).first().copied().filter(|_| fallible);
    good.unwrap_or(ty)
}

/// Whether the client's own stream has all that the type asks for.
pub(crate) fn is_kept_by_client(ty: &Type) -> bool {
    let Type::ImplTrait(ty) = types::bare(ty) else {
        return true;
    };
    ty.bounds.iter().all(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let name = bound.path.segments.last().map(|segment| segment.ident.to_string());
            name.is_some_and(|name| ["Stream", "Send", "Unpin"].contains(&name.as_str()))
        }
        _ => true,
    })
}

/// Adds what streams in an argument's type need to be sent from the background.
pub(crate) fn complete_argument(ty: &mut Type) {
    Complete { owned: true }.visit_type_mut(ty);
}

/// Adds what streams in a result's type need to be received in any task.
pub(crate) fn complete_result(ty: &mut Type) {
    Complete { owned: false }.visit_type_mut(ty);
}

struct Complete {
    /// Whether the streams must borrow nothing.
    owned: bool,
}

impl VisitMut for Complete {
    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        if stream_bound(ty).is_none() {
            return;
        }
        let is_send = |bound: &TypeParamBound| {
            matches!(bound, TypeParamBound::Trait(bound)
                if bound.path.segments.last().is_some_and(|segment| segment.ident == "Send"))
        };
        let is_static =
            |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if lifetime.ident == "static");
        if !ty.bounds.iter().any(is_send) {
            ty.bounds.push(parse_quote!(::core::marker::Send));
        }
        if self.owned && !ty.bounds.iter().any(is_static) {
            ty.bounds.push(parse_quote!('static));
        }
    }
}

/// The type with `instead` in the place of the stream in it.
pub(crate) fn replaced(ty: &Type, instead: &Type) -> Type {
    let mut ty = ty.clone();
    Replace(instead).visit_type_mut(&mut ty);
    ty
}

struct Replace<'a>(&'a Type);

impl VisitMut for Replace<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if is_stream(ty) {
            *ty = self.0.clone();
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}
