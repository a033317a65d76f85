//! From the ids in a request to the method.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Code, Error, Service,
    contract::{Claim, FormatKind},
    proto::fnv1a,
    service::{Handler, Invocation, LocalObject, MethodDescriptor, ServiceDescriptor, TypedMethod},
};

/// A service that a server offers, under its own name or as a named instance.
pub(crate) struct Offer {
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) service: Arc<dyn Service>,
}

/// A method that a server offers.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) index: usize,
    pub(crate) method: &'static MethodDescriptor,
    pub(crate) instance: Option<Arc<str>>,
    /// The types of the method, if they are known.
    pub(crate) types: Option<&'static TypedMethod>,
}

/// Answers a call of something that does not exist, so that layers see the call before it fails.
struct Missing(Error);

impl Service for Missing {
    fn descriptor(&self) -> &'static ServiceDescriptor {
        static NOTHING: ServiceDescriptor = ServiceDescriptor::new(MethodDescriptor::UNKNOWN.path, &[]);
        &NOTHING
    }

    fn dispatch(&self, _: usize, _: Invocation) -> Handler {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

impl Route {
    /// A route that leads nowhere: the call fails with `error` after it has passed the layers.
    pub(super) fn missing(error: Error) -> Self {
        Self {
            service: Arc::new(Missing(error)),
            index: 0,
            method: MethodDescriptor::UNKNOWN,
            instance: None,
            types: None,
        }
    }

    /// What a caller in this process means by the method, if it is something else, in formats of this kind.
    pub(super) fn unlike(&self, caller: &'static TypedMethod, kind: FormatKind) -> Option<Box<Claim>> {
        let is_same = self.types.is_none_or(|types| std::ptr::eq(types, caller));
        (!is_same).then(|| Box::new(caller.claim(kind).clone()))
    }

    /// The method of an object that lives here.
    pub(crate) fn to_object(object: &LocalObject, method: u64) -> Result<Self, Error> {
        let descriptor = object.descriptor();
        let methods = descriptor.methods;
        let Some(index) = methods.iter().position(|candidate| candidate.id == method) else {
            let methods = list(methods.iter().map(MethodDescriptor::method));
            let text = format!(
                "the object is a `{}`, which has no such method; it has: {methods}",
                descriptor.name
            );
            return Err(Error::refused(Code::Unimplemented, text));
        };
        let service = object.service().ok_or_else(|| {
            let name = descriptor.name;
            Error::refused(
                Code::NotFound,
                format!("the `{name}` object is revoked or gone: ask for a new reference"),
            )
        })?;
        Ok(Self {
            service,
            index,
            method: &methods[index],
            instance: None,
            types: object.types().and_then(|types| types.at(index)),
        })
    }
}

/// All methods that a server offers.
#[derive(Clone, Default)]
pub(crate) struct Router {
    /// By instance and method: there are few, and a search is faster than a hash.
    routes: BTreeMap<(Option<u64>, u64), Route>,
    /// Whether callers are not told what exists.
    hides: bool,
}

impl Router {
    pub(crate) fn new(services: Vec<Offer>, hides: bool) -> Result<Self, Error> {
        let mut routes = BTreeMap::new();
        for Offer { instance, service } in services {
            let types = service.types();
            for (index, method) in service.descriptor().methods.iter().enumerate() {
                let key = (instance.as_deref().map(fnv1a), method.id);
                let route = Route {
                    service: Arc::clone(&service),
                    index,
                    method,
                    instance: instance.clone(),
                    types: types.and_then(|types| types.at(index)),
                };
                if let Some(other) = routes.insert(key, route) {
                    return Err(taken(method, &other));
                }
            }
        }
        Ok(Self { routes, hides })
    }

    /// The same methods with those of `services`, which hide methods of the same name.
    pub(crate) fn with(&self, services: impl IntoIterator<Item = Arc<dyn Service>>) -> Self {
        let mut router = self.clone();
        for service in services {
            let types = service.types();
            for (index, method) in service.descriptor().methods.iter().enumerate() {
                let route = Route {
                    service: Arc::clone(&service),
                    index,
                    method,
                    instance: None,
                    types: types.and_then(|types| types.at(index)),
                };
                router.routes.insert((None, method.id), route);
            }
        }
        router
    }

    pub(crate) fn find(&self, instance: Option<u64>, method: u64) -> Result<&Route, Error> {
        self.routes
            .get(&(instance, method))
            .ok_or_else(|| self.missing(instance, method))
    }

    /// The error for a method that does not exist; it names those that do.
    fn missing(&self, instance: Option<u64>, method: u64) -> Error {
        if self.hides {
            return Error::refused(
                Code::Unimplemented,
                "the server has no such service, instance or method",
            );
        }
        if self.routes.is_empty() {
            let text = "the other side offers no services on this connection, only objects that it has given away";
            return Error::refused(Code::Unimplemented, text);
        }
        let of_instance = || {
            self.routes
                .iter()
                .filter(move |((other, _), _)| *other == instance)
                .map(|(_, route)| route)
        };
        if of_instance().next().is_none() {
            let instances = list(self.routes.values().filter_map(|route| route.instance.as_deref()));
            return if instance.is_some() {
                Error::refused(
                    Code::NotFound,
                    format!("the server has no such named instance; it has: {instances}"),
                )
            } else {
                let text =
                    format!("the server has only named instances, which the path of the address chooses: {instances}");
                Error::refused(Code::Unimplemented, text)
            };
        }
        let of_service = || of_instance().filter(|route| route.method.id >> 32 == method >> 32);
        let text = if of_service().next().is_none() {
            let services = list(of_instance().map(|route| route.method.service()));
            format!("the server does not offer this service; it has: {services}")
        } else {
            let methods = list(of_service().map(|route| route.method.method()));
            format!("the server's version of this service has no such method; it has: {methods}")
        };
        Error::refused(Code::Unimplemented, text)
    }
}

fn taken(method: &MethodDescriptor, other: &Route) -> Error {
    let place = other
        .instance
        .as_ref()
        .map_or(String::new(), |name| format!(" in instance `{name}`"));
    let text = if method.path == other.method.path {
        format!(
            "`{}` is offered twice{place}; give one of the services another name",
            method.path
        )
    } else {
        format!(
            "`{}` and `{}` have the same identity on the wire{place}; rename one",
            method.path, other.method.path
        )
    };
    Error::refused(Code::AlreadyExists, text)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}
