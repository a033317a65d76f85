//! Associated types become type parameters of the clients: a client has no implementation to project them from.

use quote::ToTokens;
use syn::{
    Ident, ItemTrait, Path, Type, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::names::Taken;

/// An associated type and the client's parameter that stands for it.
pub(crate) struct Lifted {
    pub(crate) associated: Ident,
    pub(crate) parameter: Ident,
}

/// The associated types of `item`.
pub(crate) fn associated_types(item: &ItemTrait, taken: &mut Taken) -> Vec<Lifted> {
    let types = item.items.iter().filter_map(|item| match item {
        syn::TraitItem::Type(ty) if ty.generics.params.is_empty() => Some(&ty.ident),
        _ => None,
    });
    types
        .map(|associated| Lifted {
            associated: associated.clone(),
            parameter: taken.fresh(associated),
        })
        .collect()
}

/// Rewrites `Self::Item` and `<Self as Trait>::Item` to the parameter `Item`.
pub(crate) struct Lift<'a>(pub(crate) &'a [Lifted]);

impl VisitMut for Lift<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Some(lifted) = self.0.iter().find(|lifted| is_projection(ty, &lifted.associated)) {
            let parameter = &lifted.parameter;
            *ty = parse_quote!(#parameter);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

/// Rewrites the parameter `Item` to what the server projects from its implementation, `<T as Trait>::Item`.
pub(crate) struct Project<'a> {
    pub(crate) lifted: &'a [Lifted],
    pub(crate) implementation: &'a Ident,
    /// The trait with its arguments.
    pub(crate) path: &'a Path,
}

impl VisitMut for Project<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(path) = ty {
            let implementation = self.implementation;
            if path.qself.is_none() && path.path.is_ident("Self") {
                *ty = parse_quote!(#implementation);
                return;
            }
            if let Some(lifted) = self.lifted.iter().find(|lifted| path.path.is_ident(&lifted.parameter)) {
                let (trait_path, associated) = (self.path, &lifted.associated);
                *ty = parse_quote!(<#implementation as #trait_path>::#associated);
                return;
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

fn is_projection(ty: &Type, associated: &Ident) -> bool {
    let Type::Path(path) = ty else { return false };
    let ends = path
        .path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == *associated);
    match &path.qself {
        Some(qself) => ends && qself.ty.to_token_stream().to_string() == "Self",
        None => ends && path.path.segments.len() == 2 && path.path.segments[0].ident == "Self",
    }
}
