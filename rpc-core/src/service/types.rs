//! The types of a service's methods, traced once in a process.

use std::{
    any::type_name,
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};

use super::{AsBytes, MethodDescriptor, ServiceDescriptor};
use crate::{
    Error,
    contract::{
        Claim, Contract, ErrorType, FormatKind, Judgements, MAX_CLAIM, MethodContract, MethodTypes, OutputTypes,
        Policy, Samples, Shape, shape_of,
    },
    sync::Mutex,
};

/// A client whose methods have types that can be traced. The attribute implements it.
pub trait Typed {
    /// The service.
    fn described() -> &'static ServiceDescriptor;

    /// The types of its methods, in the order of the descriptor.
    fn types() -> Box<[MethodTypes]>;

    /// What types that check their input are tried with.
    fn samples() -> Samples {
        Samples::new()
    }
}

/// The methods of one service, with one choice of its type parameters. They live as long as the process: there are as
/// many as the program has in its source.
#[derive(Debug)]
pub struct ServiceTypes {
    descriptor: &'static ServiceDescriptor,
    methods: Vec<TypedMethod>,
}

/// A method, with its types once they are asked for.
#[derive(Debug)]
pub(crate) struct TypedMethod {
    descriptor: &'static MethodDescriptor,
    types: MethodTypes,
    samples: Arc<Samples>,
    /// Tells it from all others of this process.
    number: u32,
    /// As formats see it that are not made for people to read, and as others do.
    traced: [OnceLock<Shape>; 2],
    /// What the other side is told, by kind of format.
    claims: [OnceLock<Claim>; FormatKind::ALL.len()],
    /// What was found of callers.
    judgements: Judgements,
}

/// By the addresses of the descriptor and of the function that knows the types. The compiler may merge functions that
/// do the same.
type Known = BTreeMap<[usize; 2], &'static ServiceTypes>;

struct Registry {
    known: Known,
    /// How many methods there are.
    methods: u32,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    known: BTreeMap::new(),
    methods: 0,
});

impl ServiceTypes {
    /// The methods of a service whose contract another program told: those of the descriptor, in their order.
    /// Nothing is ever traced. They live as long as the process, as the descriptor does.
    #[cfg(feature = "reflection")]
    pub fn told(descriptor: &'static ServiceDescriptor, contract: &Contract) -> &'static Self {
        let mut registry = REGISTRY.lock();
        let first = registry.methods;
        let methods = descriptor.methods.iter().zip(contract.methods()).zip(first..);
        let methods: Vec<_> = methods
            .map(|((descriptor, contract), number)| {
                let nothing = MethodTypes::new(&[], TypeOf::<()>::new().plain());
                TypedMethod {
                    traced: [FormatKind::NamedBinary, FormatKind::NamedReadable]
                        .map(|kind| OnceLock::from(contract.types_in(kind).clone())),
                    ..TypedMethod::new(descriptor, nothing, &Arc::default(), number)
                }
            })
            .collect();
        registry.methods += methods.len() as u32;
        Box::leak(Box::new(Self { descriptor, methods }))
    }

    /// The methods that `T` calls. Nothing is traced yet.
    pub fn of<T: Typed>() -> &'static Self {
        let types: fn() -> Box<[MethodTypes]> = T::types;
        let descriptor = T::described();
        let key = [std::ptr::from_ref(descriptor) as usize, types as usize];
        if let Some(known) = REGISTRY.lock().known.get(&key) {
            return known;
        }
        // Not under the lock: the samples are code of the user's.
        let (methods, samples) = (types(), Arc::new(T::samples()));
        let mut registry = REGISTRY.lock();
        if let Some(known) = registry.known.get(&key) {
            return known;
        }
        let first = registry.methods;
        let methods = descriptor.methods.iter().zip(methods).zip(first..);
        let methods: Vec<_> = methods
            .map(|((descriptor, types), number)| TypedMethod::new(descriptor, types, &samples, number))
            .collect();
        registry.methods += methods.len() as u32;
        let made: &'static Self = Box::leak(Box::new(Self { descriptor, methods }));
        registry.known.insert(key, made);
        made
    }

    /// The contract of all methods.
    pub fn contract(&self) -> Contract {
        let methods = self.methods.iter().map(TypedMethod::contract);
        Contract::new(self.descriptor.name, methods.collect())
    }

    /// The method at this place of the descriptor.
    pub(crate) fn at(&self, index: usize) -> Option<&TypedMethod> {
        self.methods.get(index)
    }

    /// The method with this descriptor, which is one of the service's.
    pub(crate) fn find(&self, method: &'static MethodDescriptor) -> Option<&TypedMethod> {
        let first = self.descriptor.methods.as_ptr() as usize;
        let offset = (std::ptr::from_ref(method) as usize).checked_sub(first)?;
        self.at(offset / size_of::<MethodDescriptor>())
    }
}

impl TypedMethod {
    fn new(descriptor: &'static MethodDescriptor, types: MethodTypes, samples: &Arc<Samples>, number: u32) -> Self {
        Self {
            descriptor,
            types,
            samples: Arc::clone(samples),
            number,
            traced: Default::default(),
            claims: Default::default(),
            judgements: Judgements::default(),
        }
    }

    /// Its name on the wire.
    pub(crate) fn name(&self) -> &'static str {
        self.descriptor.method()
    }

    /// Its contract in all formats.
    fn contract(&self) -> MethodContract {
        let [types, readable] =
            [FormatKind::NamedBinary, FormatKind::NamedReadable].map(|kind| self.types(kind).clone());
        MethodContract::new(self.name(), policy(self.descriptor), types, readable)
    }

    /// Its types as formats of this kind see them.
    pub(crate) fn types(&self, kind: FormatKind) -> &Shape {
        let place = &self.traced[usize::from(kind.is_readable())];
        place.get().unwrap_or_else(|| {
            // Outside the place: the types run code of the user's, which may call the method.
            let traced = self
                .types
                .trace(&self.samples, kind.is_readable(), self.descriptor.arguments);
            place.get_or_init(|| traced)
        })
    }

    /// What was found of callers with another version of it.
    pub(crate) fn judgements(&self) -> &Judgements {
        &self.judgements
    }

    /// What the other side is told of it on a connection with a format of this kind.
    #[inline]
    pub(crate) fn claim(&self, kind: FormatKind) -> &Claim {
        match self.claims[kind as usize].get() {
            Some(known) => known,
            None => self.first_claim(kind),
        }
    }

    #[cold]
    fn first_claim(&self, kind: FormatKind) -> &Claim {
        let types = self.types(kind);
        let claim = Claim {
            number: self.number,
            fingerprint: types.fingerprint_in(kind),
            types: kind
                .is_named()
                .then(|| Bytes::from(types.encode()))
                .filter(|types| types.len() <= MAX_CLAIM),
        };
        self.claims[kind as usize].get_or_init(|| claim)
    }
}

fn policy(method: &MethodDescriptor) -> Policy {
    let timeout = method.timeout.map(|timeout| timeout.as_millis());
    Policy {
        idempotent: method.idempotent,
        oneway: method.oneway,
        detached: method.detached,
        timeout_ms: timeout.map(|timeout| timeout.try_into().unwrap_or(u64::MAX)),
    }
}

/// A type of a method.
#[derive(Debug)]
pub struct TypeOf<T: ?Sized>(PhantomData<fn() -> PhantomData<T>>);

impl<T: ?Sized> TypeOf<T> {
    /// Nothing is traced yet.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// Finds the shape of a type.
pub type Tracer = fn(&Samples, bool) -> Shape;

impl<'de, T: Deserialize<'de>> TypeOf<T> {
    /// As an argument.
    pub fn value(self) -> Tracer {
        shape_of::<T>
    }

    /// As a result that is no `Result`.
    pub fn plain(self) -> OutputTypes {
        OutputTypes {
            result: shape_of::<T>,
            error: ErrorType::Plain,
        }
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> TypeOf<Result<T, E>> {
    /// As a result with an error.
    pub fn fallible(self) -> OutputTypes {
        OutputTypes {
            result: shape_of::<T>,
            error: own_error::<E>(),
        }
    }
}

impl<T, E: DeserializeOwned> TypeOf<Result<T, E>>
where
    AsBytes<T>: DeserializeOwned,
{
    /// As a result with an error, where what is good travels as one run of bytes.
    pub fn fallible_bytes(self) -> OutputTypes {
        OutputTypes {
            result: shape_of::<AsBytes<T>>,
            error: own_error::<E>(),
        }
    }
}

/// The library's own error travels as the failure of the call. By its name, because `E` may borrow as far as is known.
fn own_error<E: DeserializeOwned>() -> ErrorType {
    if type_name::<E>() == type_name::<Error>() {
        ErrorType::Library
    } else {
        ErrorType::Own(shape_of::<E>)
    }
}
