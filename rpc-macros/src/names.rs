//! Identifiers of generated items.

use proc_macro2::Span;
use quote::format_ident;
use syn::{
    Ident, ItemTrait, Path,
    visit::{self, Visit},
};

/// The identifiers of what one trait generates.
pub(crate) struct Names {
    pub(crate) client: Ident,
    pub(crate) server: Ident,
    pub(crate) blocking: Ident,
    /// The server's type parameter that stands for the implementation.
    pub(crate) implementation: Ident,
}

impl Names {
    pub(crate) fn of(item: &ItemTrait) -> Self {
        Self {
            client: format_ident!("{}Client", item.ident),
            server: format_ident!("{}Server", item.ident),
            blocking: format_ident!("{}BlockingClient", item.ident),
            implementation: unused("T", item),
        }
    }
}

/// `wish`, or with underscores before it when a path of the trait starts with that name already.
pub(crate) fn unused(wish: &str, item: &ItemTrait) -> Ident {
    let mut first_segments = FirstSegments(Vec::new());
    first_segments.visit_item_trait(item);
    first_segments
        .0
        .extend(item.generics.type_params().map(|parameter| parameter.ident.to_string()));
    first_segments.0.extend(
        item.generics
            .const_params()
            .map(|parameter| parameter.ident.to_string()),
    );
    let mut name = wish.to_owned();
    while first_segments.0.contains(&name) {
        name.insert(0, '_');
    }
    Ident::new(&name, Span::call_site())
}

struct FirstSegments(Vec<String>);

impl<'ast> Visit<'ast> for FirstSegments {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(segment) = path.segments.first() {
            self.0.push(segment.ident.to_string());
        }
        visit::visit_path(self, path);
    }
}

/// A name of generated code that no name of the user's can meet.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
