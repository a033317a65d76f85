//! A service that is known by its contract, and calls of its methods.

use std::{sync::Arc, time::Duration};

use farcall::{
    Call, Channel, Client, Error, Streaming,
    channel::watch,
    contract::{Contract, FormatKind, MethodContract, NodeId},
    macro_support::{
        Answer, Feeds, MethodDescriptor, ServiceDescriptor, ServiceTypes, Stub, Values, fallible, fallible_stream,
        plain, plain_stream,
    },
};

use super::{
    item::{Came, Decoding, Failed},
    types::Types,
    writing::Arguments,
};

/// A service that is known by its contract. It lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    types: &'static ServiceTypes,
    descriptor: &'static ServiceDescriptor,
}

/// A method of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    service: Service,
    descriptor: &'static MethodDescriptor,
    pub(crate) types: &'static Types,
}

/// The items of a result.
pub(crate) type Items = Decoding<Streaming<Result<Came, Error>>>;

/// What a method returned.
#[derive(Debug)]
pub(crate) enum Reply {
    Value(Came),
    Items(Items),
    Watched(Watched),
}

/// A value that goes on changing.
#[derive(Debug)]
pub(crate) struct Watched {
    receiver: watch::Receiver<Came>,
    types: &'static Types,
    value: NodeId,
}

impl Watched {
    /// The value as it is now.
    pub(crate) fn latest(&self) -> Arc<Came> {
        self.receiver.latest()
    }

    /// Waits until it is another one.
    pub(crate) async fn changed(&mut self) -> Result<(), Error> {
        let changed = Box::pin(self.receiver.changed());
        Decoding::new(self.types, self.value, changed).await
    }
}

/// A client of any service.
#[derive(Clone, Debug)]
pub(crate) struct AnyClient(Stub);

impl Client for AnyClient {
    fn from_stub(stub: Stub) -> Self {
        Self(stub)
    }

    fn stub(&self) -> &Stub {
        &self.0
    }

    fn descriptor() -> &'static ServiceDescriptor {
        static ANY: ServiceDescriptor = ServiceDescriptor::new("(any)", &[]);
        &ANY
    }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(Box::from(text))
}

impl Service {
    pub(crate) fn new(contract: &Contract) -> Self {
        let name = leaked(contract.service());
        let methods: Vec<_> = contract
            .methods()
            .iter()
            .map(|method| descriptor(name, method))
            .collect();
        let descriptor = Box::leak(Box::new(ServiceDescriptor::new(name, methods.leak())));
        Self {
            types: ServiceTypes::told(descriptor, contract),
            descriptor,
        }
    }

    /// The method of that contract, which is one of the service's.
    pub(crate) fn method(self, contract: &MethodContract, kind: FormatKind) -> Option<Method> {
        let methods = &self.descriptor.methods;
        Some(Method {
            service: self,
            descriptor: methods.iter().find(|method| method.method() == contract.name())?,
            types: Types::leaked(contract, kind)?,
        })
    }
}

fn descriptor(service: &str, contract: &MethodContract) -> MethodDescriptor {
    let types = Types::leaked(contract, FormatKind::Positional);
    let arguments = types.map_or(&[][..], |types| types.arguments);
    let names: Vec<_> = arguments.iter().map(|argument| &*argument.name).collect();
    let path = leaked(&format!("{service}.{}", contract.name()));
    let mut method = MethodDescriptor::new(path).arguments(names.leak());
    let policy = contract.policy();
    method.idempotent = policy.idempotent;
    method.oneway = policy.oneway;
    method.detached = policy.detached;
    method.streaming = types.is_some_and(Types::have_streams);
    method.timeout = policy.timeout_ms.map(Duration::from_millis);
    method
}

impl Method {
    /// A client of the method's service.
    pub(crate) fn client(&self, channel: Channel) -> AnyClient {
        AnyClient(Stub::new(channel).with_types(self.service.types))
    }

    /// `Service.method`.
    pub(crate) fn path(&self) -> &'static str {
        self.descriptor.path
    }

    /// Calls it. The streams among the arguments are fed by whoever has their other ends.
    pub(crate) async fn call(&self, client: &AnyClient, arguments: &Arguments) -> Result<Reply, Failed> {
        let types = self.types;
        if let Some(item) = types.items(types.result) {
            let decode = if types.is_fallible {
                fallible_stream::<Came, Values, Failed>
            } else {
                plain_items
            };
            let call = client
                .stub()
                .opening(self.descriptor, &arguments.values, Feeds::none(), decode);
            let items = Decoding::new(types, item, call).await?;
            return Ok(Reply::Items(Decoding::new(types, item, items)));
        }
        if let Some(value) = types.watched(types.result) {
            let decode = if types.is_fallible {
                fallible::<watch::Receiver<Came>, Failed>
            } else {
                plain_watched
            };
            let call = client.stub().call(self.descriptor, &arguments.values, decode);
            let receiver = Decoding::new(types, value, call).await?;
            return Ok(Reply::Watched(Watched { receiver, types, value }));
        }
        let decode = if types.is_fallible {
            fallible::<Came, Failed>
        } else {
            plain_value
        };
        let call = client.stub().call(self.descriptor, &arguments.values, decode);
        Decoding::new(types, types.result, call).await.map(Reply::Value)
    }

    /// Calls it for the sake of the time it takes: the answer is not looked at.
    pub(crate) fn send(&self, client: &AnyClient, arguments: &Arguments) -> Call<Result<(), Error>> {
        client
            .stub()
            .call(self.descriptor, &arguments.values, |answer| answer.map(drop))
    }
}

fn plain_value(answer: Result<Answer, Error>) -> Result<Came, Failed> {
    plain(answer).map_err(Failed::Call)
}

fn plain_watched(answer: Result<Answer, Error>) -> Result<watch::Receiver<Came>, Failed> {
    plain(answer).map_err(Failed::Call)
}

fn plain_items(answer: Result<Answer, Error>) -> Result<Streaming<Result<Came, Error>>, Failed> {
    plain_stream::<Came, Values>(answer).map_err(Failed::Call)
}
