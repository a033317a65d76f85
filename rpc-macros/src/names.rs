//! Identifiers of generated items.
//!
//! Names that generated code needs for itself start with `__farcall`, in upper or lower case; users must not use such
//! names. The names that appear in documentation are plain: the three types, the parameters of the server and the
//! clients, and the arguments of the clients' own functions. They are changed if the trait has the same name.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::format_ident;
use syn::{
    Attribute, ConstParam, FnArg, GenericParam, Ident, ItemTrait, Macro, Pat, Path, TraitItem, TypeParam,
    ext::IdentExt,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

use crate::{args::ServiceArguments, types};

/// The arguments of functions that clients have beside the service's methods. Most of them are in a macro of the
/// library, but a constant of the trait with the same name would be taken for them even there.
pub(crate) const ARGUMENTS: [&str; 7] = [
    "address",
    "channel",
    "timeout",
    "key",
    "value",
    "seen",
    "implementation",
];

/// The identifiers of what one trait generates.
pub(crate) struct Names {
    pub(crate) client: Ident,
    pub(crate) server: Ident,
    pub(crate) blocking: Ident,
    /// The server's type parameter that stands for the implementation.
    pub(crate) implementation: Ident,
}

impl Names {
    pub(crate) fn of(item: &ItemTrait, taken: &mut Taken) -> Self {
        let [client, server, blocking] = companions(&item.ident);
        Self {
            client,
            server,
            blocking,
            implementation: taken.fresh(&Ident::new("T", Span::call_site())),
        }
    }
}

fn companions(item: &Ident) -> [Ident; 3] {
    ["Client", "Server", "BlockingClient"].map(|role| format_ident!("{}{}", item, role))
}

/// The names that have a meaning in the place of the generated code.
pub(crate) struct Taken(BTreeSet<String>);

impl Taken {
    pub(crate) fn of(item: &ItemTrait, arguments: &ServiceArguments) -> Self {
        let mut names = FirstSegments(BTreeSet::new());
        names.visit_item_trait(item);
        for predicate in arguments.bound.iter().flatten() {
            names.visit_where_predicate(predicate);
        }
        let mut taken = Self(names.0);
        let parameters = item.generics.params.iter().filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        });
        taken.0.extend(parameters.map(|ident| ident.unraw().to_string()));
        taken.0.extend(types_in_use(item, arguments));
        taken
    }

    /// `wish`, or `wish` with underscores if something has that name already, or if types of that name are treated
    /// specially. The name is taken from then on.
    pub(crate) fn fresh(&mut self, wish: &Ident) -> Ident {
        let mut name = wish.unraw().to_string();
        if types::is_telling(&name) {
            name.push('_');
        }
        // Without `r#` a keyword is not a name.
        while self.0.contains(&name) || syn::parse_str::<Ident>(&name).is_err() {
            name.insert(0, '_');
        }
        self.0.insert(name.clone());
        Ident::new(&name, wish.span())
    }
}

/// The types that generated code names and did not make up.
fn types_in_use(item: &ItemTrait, arguments: &ServiceArguments) -> impl Iterator<Item = String> {
    let library = &arguments.library;
    let library = library.segments.first().filter(|_| library.leading_colon.is_none());
    let library = library.map(|segment| segment.ident.clone());
    let names = companions(&item.ident)
        .into_iter()
        .chain([item.ident.clone()])
        .chain(library);
    names.map(|ident| ident.unraw().to_string())
}

struct FirstSegments(BTreeSet<String>);

impl FirstSegments {
    /// Everything that may be a name in tokens that are not parsed.
    fn visit_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    self.0.insert(ident.unraw().to_string());
                }
                TokenTree::Group(group) => self.visit_tokens(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for FirstSegments {
    fn visit_path(&mut self, path: &'ast Path) {
        if let Some(segment) = path.segments.first() {
            self.0.insert(segment.ident.unraw().to_string());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Renames those parameters of the trait that would hide names in generated code, such as that of the trait itself,
/// that are named like an argument, as a constant must not be, or whose name would be taken to say how they are sent.
/// Parameters have no name outside of the trait, so users do not see this.
pub(crate) fn rename_parameters(item: &mut ItemTrait, arguments: &mut ServiceArguments) {
    let types: BTreeSet<_> = types_in_use(item, arguments).collect();
    let is_clashing = |name: &String| types.contains(name) || types::is_telling(name);
    let values: BTreeSet<_> = argument_names(item).chain(ARGUMENTS.map(str::to_owned)).collect();
    let clashing: Vec<_> = item
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident).filter(|ident| is_clashing(&name(ident))),
            GenericParam::Const(parameter) => Some(&parameter.ident).filter(|ident| values.contains(&name(ident))),
            GenericParam::Lifetime(_) => None,
        })
        .cloned()
        .collect();
    if clashing.is_empty() {
        return;
    }
    let mut taken = Taken::of(item, arguments);
    taken.0.extend(values);
    let renamed = clashing.into_iter().map(|ident| (taken.fresh(&ident), ident));
    let mut rename = Rename(renamed.collect());
    rename.visit_item_trait_mut(item);
    for predicate in arguments.bound.iter_mut().flatten() {
        rename.visit_where_predicate_mut(predicate);
    }
}

fn argument_names(item: &ItemTrait) -> impl Iterator<Item = String> {
    let functions = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(function) => Some(function),
        _ => None,
    });
    functions
        .flat_map(|function| &function.sig.inputs)
        .filter_map(|input| match input {
            FnArg::Typed(input) => match &*input.pat {
                Pat::Ident(pattern) => Some(name(&pattern.ident)),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
}

fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// New names and old ones.
struct Rename(Vec<(Ident, Ident)>);

impl Rename {
    fn apply(&self, ident: &mut Ident) {
        if let Some((new, _)) = self.0.iter().find(|(_, old)| old == ident) {
            *ident = new.clone();
        }
    }
}

impl VisitMut for Rename {
    fn visit_path_mut(&mut self, path: &mut Path) {
        if path.leading_colon.is_none()
            && let Some(segment) = path.segments.first_mut()
        {
            self.apply(&mut segment.ident);
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_type_param_mut(&mut self, parameter: &mut TypeParam) {
        self.apply(&mut parameter.ident);
        visit_mut::visit_type_param_mut(self, parameter);
    }

    fn visit_const_param_mut(&mut self, parameter: &mut ConstParam) {
        self.apply(&mut parameter.ident);
        visit_mut::visit_const_param_mut(self, parameter);
    }

    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
}

/// The name without its place in the user's text: an editor that is asked about a place shows all names that have it.
pub(crate) fn placeless(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site().resolved_at(ident.span()));
    ident
}

/// A name of generated code that never collides with a user's name: a local variable has hygiene, and the prefix keeps
/// it apart from constants and unit structs of the user, for which hygiene does not help.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__farcall_{name}"), Span::mixed_site())
}

/// Whether the identifier stands anywhere in the tokens.
pub(crate) fn contains(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => contains(group.stream(), ident),
        TokenTree::Ident(found) => found == *ident,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
