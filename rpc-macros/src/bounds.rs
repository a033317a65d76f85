//! The serde bounds that a generic service needs, inferred from where its parameters occur.

use quote::{ToTokens, quote};
use syn::{
    Ident, Path, Type, TypePath, WherePredicate, parse_quote,
    visit::{self, Visit},
    visit_mut::VisitMut,
};

use crate::{lift::Project, model::Service};

/// What the clients demand of the parameters: arguments are serialised there, results deserialised.
pub(crate) fn client(service: &Service) -> Vec<WherePredicate> {
    let serialize = quote!(__farcall::serde::Serialize);
    let deserialize = quote!(__farcall::serde::de::DeserializeOwned);
    serde(service, &serialize, &deserialize)
}

/// What the server demands: the opposite, and that values may wait in a handler's future.
pub(crate) fn server(service: &Service, trait_path: &Path) -> Vec<WherePredicate> {
    let serialize = quote!(__farcall::serde::Serialize);
    let deserialize = quote!(__farcall::serde::de::DeserializeOwned);
    let mut predicates = serde(service, &deserialize, &serialize);
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
    !uses.subjects.is_empty()
        || ty.to_token_stream().into_iter().any(|token| {
            service
                .parameters
                .const_params()
                .any(|constant| token.to_string() == constant.ident.to_string())
        })
}

fn serde(service: &Service, arguments: &impl ToTokens, results: &impl ToTokens) -> Vec<WherePredicate> {
    if let Some(bound) = &service.bound {
        return bound.clone();
    }
    let mut sent = Uses::of(service);
    let mut received = Uses::of(service);
    for method in &service.methods {
        for argument in &method.arguments {
            sent.visit_type(&argument.ty);
        }
        received.visit_type(&method.output.ty);
    }
    let sent = sent
        .subjects
        .into_iter()
        .map(|subject| parse_quote!(#subject: #arguments));
    let received = received
        .subjects
        .into_iter()
        .map(|subject| parse_quote!(#subject: #results));
    sent.chain(received).collect()
}

/// The parameters, and the projections of parameters, that occur in visited types.
struct Uses<'a> {
    parameters: Vec<&'a Ident>,
    subjects: Vec<TypePath>,
}

impl<'a> Uses<'a> {
    fn of(service: &'a Service) -> Self {
        Self {
            parameters: service
                .parameters
                .type_params()
                .map(|parameter| &parameter.ident)
                .collect(),
            subjects: Vec::new(),
        }
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        let first = ty.path.segments.first().map(|segment| &segment.ident);
        let is_used = ty.qself.is_none() && first.is_some_and(|first| self.parameters.contains(&first));
        if is_used {
            let written = ty.to_token_stream().to_string();
            if !self
                .subjects
                .iter()
                .any(|subject| subject.to_token_stream().to_string() == written)
            {
                self.subjects.push(ty.clone());
            }
        }
        visit::visit_type_path(self, ty);
    }
}
