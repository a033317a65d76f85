//! The serde bounds that a generic service needs, inferred from where its parameters occur.

use quote::{ToTokens, quote};
use syn::{
    Path, Type, TypePath, WherePredicate, parse_quote,
    visit::{self, Visit},
    visit_mut::VisitMut,
};

use crate::{lift::Project, model::Service, streams, types};

/// What the clients need of the parameters: they serialise arguments and deserialise results, and know the contract of
/// both.
pub(crate) fn client(service: &Service) -> Vec<WherePredicate> {
    let mut predicates = serde(service);
    // Items go through futures that are sent and spawned.
    for subject in items(service).subjects {
        predicates.push(parse_quote!(#subject: ::core::marker::Send + 'static));
    }
    predicates
}

/// What the server needs: the opposite, which is the same, and that values may wait in a handler's future.
pub(crate) fn server(service: &Service, trait_path: &Path) -> Vec<WherePredicate> {
    let mut predicates = serde(service);
    for parameter in service.parameters.type_params().map(|parameter| &parameter.ident) {
        predicates.push(parse_quote!(#parameter: ::core::marker::Send + ::core::marker::Sync + 'static));
    }
    let own = service
        .item
        .generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    predicates.extend(own.filter(|predicate| !crate::check::is_about_self(predicate)).cloned());
    let mut project = Project {
        lifted: &service.lifted,
        implementation: &service.names.implementation,
        path: trait_path,
    };
    for predicate in &mut predicates {
        project.visit_where_predicate_mut(predicate);
    }
    predicates
}

/// Whether `ty` depends on a parameter of the service.
pub(crate) fn is_generic(service: &Service, ty: &Type) -> bool {
    let mut uses = Uses::of(service);
    uses.visit_type(ty);
    uses.constant || !uses.subjects.is_empty()
}

/// Each side finds the contract of a method through the code that deserialises all of its types.
fn serde(service: &Service) -> Vec<WherePredicate> {
    if let Some(bound) = &service.bound {
        return bound.clone();
    }
    let mut uses = items(service);
    for method in &service.methods {
        for argument in method.arguments.iter().filter(|argument| argument.stream.is_none()) {
            uses.visit_type(&argument.ty);
        }
        match &method.output.stream {
            // The error beside the stream.
            Some(_) => types::type_arguments(&method.output.ty)
                .into_iter()
                .filter(|ty| !streams::is_stream(ty))
                .for_each(|ty| uses.visit_type(ty)),
            None => uses.visit_type(&method.output.ty),
        }
    }
    let both = quote!(__farcall::serde::Serialize + __farcall::serde::de::DeserializeOwned);
    let subjects = uses.subjects.into_iter();
    subjects.map(|subject| parse_quote!(#subject: #both)).collect()
}

/// The parameters in the items of streams.
fn items(service: &Service) -> Uses<'_> {
    let mut items = Uses::of(service);
    for method in &service.methods {
        let arguments = method.arguments.iter().filter_map(|argument| argument.stream.as_ref());
        for stream in arguments.chain(&method.output.stream) {
            items.visit_type(&stream.item);
        }
    }
    items
}

/// Finds the parameters, and the projections of parameters, that occur in types.
struct Uses<'a> {
    service: &'a Service,
    subjects: Vec<TypePath>,
    /// Whether a constant parameter occurs; serde has no bound for those.
    constant: bool,
}

impl<'a> Uses<'a> {
    fn of(service: &'a Service) -> Self {
        Self {
            service,
            subjects: Vec::new(),
            constant: false,
        }
    }

    /// Adds what is not there yet.
    fn add(&mut self, ty: &TypePath) {
        let written = ty.to_token_stream().to_string();
        let is_same = |subject: &TypePath| subject.to_token_stream().to_string() == written;
        if !self.subjects.iter().any(is_same) {
            self.subjects.push(ty.clone());
        }
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        let first = ty.path.segments.first().map(|segment| &segment.ident);
        let mut parameters = self.service.parameters.type_params();
        if ty.qself.is_none()
            && ty.path.leading_colon.is_none()
            && parameters.any(|parameter| Some(&parameter.ident) == first)
        {
            self.add(ty);
        }
        visit::visit_type_path(self, ty);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let mut constants = self.service.parameters.const_params();
        self.constant |= constants.any(|parameter| path.is_ident(&parameter.ident));
        visit::visit_path(self, path);
    }
}
