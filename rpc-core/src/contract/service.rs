//! The contract of a service.

use serde::{Deserialize, Serialize};

use super::{Change, Difference, MethodContract};

/// What both sides of a service's calls have to agree on: its name and its [methods](MethodContract).
///
/// `InventoryClient::contract()` gives it without a server or a connection. Its `Display` is readable and the same in
/// every build, and it is a serde value, for JSON and the like. Two contracts are equal if each method of one is in the
/// other, with the same types and the same policy; the order of the methods does not count.
///
/// ```
/// #[farcall::service]
/// pub trait Inventory {
///     async fn stock(&self, sku: &str) -> farcall::Result<u32>;
/// }
///
/// assert_eq!(InventoryClient::contract().to_string(), "service Inventory\nfn stock(sku: string) -> Result<u32>\n");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contract {
    service: String,
    methods: Vec<MethodContract>,
}

impl Contract {
    pub(crate) fn new(service: &str, methods: Vec<MethodContract>) -> Self {
        Self {
            service: service.to_owned(),
            methods,
        }
    }

    /// The contract of the methods with these names.
    #[cfg(feature = "reflection")]
    pub(crate) fn only(mut self, includes: impl Fn(&str) -> bool) -> Self {
        self.methods.retain(|method| includes(method.name()));
        self
    }

    /// The service's name on the wire.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The methods, in the order of the trait.
    pub fn methods(&self) -> &[MethodContract] {
        &self.methods
    }

    /// The method with this name.
    pub fn method(&self, name: &str) -> Option<&MethodContract> {
        self.methods.iter().find(|method| method.name() == name)
    }

    /// Where this side's service and the other side's differ, method by method; none if and only if they are equal.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.service != other.service {
            found.push(Difference {
                path: "service".to_owned(),
                here: self.service.clone(),
                there: other.service.clone(),
                ..Difference::new(Change::Renamed)
            });
        }
        for method in &self.methods {
            match other.method(method.name()) {
                Some(there) => found.extend(method.differences(there)),
                None => found.push(only(method, Change::Removed)),
            }
        }
        let added = other.methods.iter().filter(|there| self.method(there.name()).is_none());
        found.extend(added.map(|there| only(there, Change::Added)));
        found
    }
}

fn only(method: &MethodContract, change: Change) -> Difference {
    Difference {
        method: method.name().to_owned(),
        ..Difference::new(change)
    }
}

impl PartialEq for Contract {
    fn eq(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }
}
