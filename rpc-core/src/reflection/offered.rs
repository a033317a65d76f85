//! The services of one server, for the answers of its reflection.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use super::{Description, Offered, Reflection, ReflectionServer};
use crate::{
    Code, Context, Error, Result,
    auth::{Access, Rules},
    service::{MethodDescriptor, Service, ServiceDescriptor, ServiceTypes},
};

/// What is known of a service without calling it.
#[derive(Clone, Copy)]
struct Known {
    descriptor: &'static ServiceDescriptor,
    types: Option<&'static ServiceTypes>,
}

/// A service of which each connection has one for itself; known once the first was made, and the connection that asks
/// has made one.
#[derive(Clone, Default)]
pub(crate) struct Made(Arc<OnceLock<Known>>);

impl Made {
    pub(crate) fn note(&self, service: &impl Service) {
        self.0.get_or_init(|| Known::of(service));
    }
}

/// The services of a server.
#[derive(Default)]
pub(crate) struct Offers {
    /// By name and instance.
    shared: BTreeMap<(&'static str, Option<Arc<str>>), Known>,
    per_connection: Vec<Made>,
    /// What callers may do, and so may know.
    rules: Option<Arc<Rules>>,
}

impl Known {
    fn of(service: &(impl Service + ?Sized)) -> Self {
        Self {
            descriptor: service.descriptor(),
            types: service.types(),
        }
    }

    fn offered(&self, instance: Option<&str>, methods: usize) -> Offered {
        Offered {
            service: self.descriptor.name.to_owned(),
            instance: instance.map(str::to_owned),
            methods: methods as u32,
            docs: self.descriptor.docs.to_owned(),
        }
    }

    /// The methods that the caller may know.
    fn described(&self, is_shown: impl Fn(&'static MethodDescriptor) -> bool) -> Result<Description> {
        let types = self.types.ok_or_else(|| {
            let name = self.descriptor.name;
            let text = format!("the server's `{name}` was written without the attribute, so it has no contract");
            Error::new(Code::FailedPrecondition, text)
        })?;
        let methods = self.descriptor.methods.iter().filter(|method| is_shown(method));
        let shown: BTreeSet<_> = methods.clone().map(MethodDescriptor::method).collect();
        let documented = methods.filter(|method| !method.docs.is_empty());
        Ok(Description {
            contract: types.contract().only(|method| shown.contains(method)),
            docs: self.descriptor.docs.to_owned(),
            method_docs: documented
                .map(|method| (method.method().to_owned(), method.docs.to_owned()))
                .collect(),
        })
    }
}

impl Offers {
    pub(crate) fn new(per_connection: Vec<Made>, rules: Option<Arc<Rules>>) -> Self {
        Self {
            shared: BTreeMap::new(),
            per_connection,
            rules,
        }
    }

    pub(crate) fn add(&mut self, instance: Option<Arc<str>>, service: &dyn Service) {
        let known = Known::of(service);
        self.shared.insert((known.descriptor.name, instance), known);
    }

    /// The service that tells of these, and of itself.
    pub(crate) fn into_service(mut self) -> impl Service {
        let itself = ReflectionServer::new(Self::default());
        self.add(None, &itself);
        ReflectionServer::new(self)
    }

    /// Everything of which the caller may call a method. What a connection has for itself hides what all share.
    fn all(&self) -> BTreeMap<(&'static str, Option<Arc<str>>), Known> {
        let mut all = self.shared.clone();
        let made = self.per_connection.iter().filter_map(|made| made.0.get());
        all.extend(made.map(|known| ((known.descriptor.name, None), *known)));
        all.retain(|(_, instance), known| self.shown(known, instance.as_deref()) > 0 || self.rules.is_none());
        all
    }

    /// Whether the caller may know of the method, because it may call it.
    fn is_shown(&self, method: &'static MethodDescriptor, instance: Option<&str>) -> bool {
        let Some(rules) = &self.rules else { return true };
        let context = Context::current();
        Access::of_caller(&context, method, instance).is_some_and(|access| rules.allow_access(&access))
    }

    /// How many methods of a service the caller may know.
    fn shown(&self, known: &Known, instance: Option<&str>) -> usize {
        let methods = known.descriptor.methods.iter();
        methods.filter(|method| self.is_shown(method, instance)).count()
    }

    fn missing(&self, service: &str, instance: Option<&str>) -> Error {
        let place = instance.map_or(String::new(), |instance| format!(" as the instance `{instance}`"));
        let all = self.all();
        let names: Vec<_> = all
            .keys()
            .map(|(name, instance)| shown(name, instance.as_deref()))
            .collect();
        let has = names.join(", ");
        Error::not_found(format!("the server does not offer `{service}`{place}; it has: {has}"))
    }
}

fn shown(service: &str, instance: Option<&str>) -> String {
    match instance {
        Some(instance) => format!("{service} (instance `{instance}`)"),
        None => service.to_owned(),
    }
}

impl Reflection for Offers {
    async fn services(&self) -> Result<Vec<Offered>> {
        let all = self.all();
        let offered = all
            .iter()
            .map(|((_, instance), known)| known.offered(instance.as_deref(), self.shown(known, instance.as_deref())));
        Ok(offered.collect())
    }

    async fn describe(&self, service: &str, instance: Option<&str>) -> Result<Description> {
        let all = self.all();
        let found = all
            .iter()
            .find(|((name, place), _)| *name == service && place.as_deref() == instance);
        let (_, known) = found.ok_or_else(|| self.missing(service, instance))?;
        known.described(|method| self.is_shown(method, instance))
    }
}
