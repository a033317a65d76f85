//! A registry in this process.

use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Arc, MutexGuard},
};

use super::{Entry, Reference, Registry};
use crate::{Code, Context, Error, Result, sync::Mutex};

/// How many names there may be, unless `max_names` is called.
const MAX_NAMES: usize = 4096;
/// The longest name, and the longest name of a service, in bytes.
const MAX_LENGTH: usize = 255;

/// A registry in this process, shared by its clones: its owner calls it directly, and clients call it as a service
/// (`RegistryServer::new(names.clone())`).
///
/// Anyone may look names up. Only the owner may change them, unless the owner [allows](Self::allow) it to clients. A
/// name whose object is gone, because its owner revoked it or its connection ended, is free again.
#[derive(Clone)]
pub struct Names {
    bound: Arc<Mutex<BTreeMap<String, Reference>>>,
    limit: usize,
    allows: Option<Arc<Allows>>,
}

/// Whether a caller may change names.
type Allows = dyn Fn(&Context) -> bool + Send + Sync;

impl Names {
    /// No names, which only the owner may change.
    pub fn new() -> Self {
        Self {
            bound: Arc::default(),
            limit: MAX_NAMES,
            allows: None,
        }
    }

    /// Lets clients bind, rebind and unbind names through this registry's service if `allows` returns `true` for their
    /// call.
    ///
    /// ```
    /// use farcall::registry::Names;
    ///
    /// let names = Names::new().allow(|call| call.metadata().value("token") == Some("let me"));
    /// ```
    #[must_use]
    pub fn allow(mut self, allows: impl Fn(&Context) -> bool + Send + Sync + 'static) -> Self {
        self.allows = Some(Arc::new(allows));
        self
    }

    /// How many names there may be; 4,096 by default.
    #[must_use]
    pub fn max_names(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Binds an object to a name that is free.
    ///
    /// # Errors
    /// `AlreadyExists`, `InvalidArgument` for a name that is empty or longer than 255 bytes, `ResourceExhausted` when
    /// there are too many.
    pub fn bind(&self, name: &str, object: impl Into<Reference>) -> Result<()> {
        self.put(name, object.into(), false)
    }

    /// Binds an object to a name, whether it is free or not.
    ///
    /// # Errors
    /// As [`bind`](Self::bind), except for `AlreadyExists`.
    pub fn rebind(&self, name: &str, object: impl Into<Reference>) -> Result<()> {
        self.put(name, object.into(), true)
    }

    /// Frees a name. Clients of its object go on.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn unbind(&self, name: &str) -> Result<()> {
        // The object may end with its last reference: not under the lock.
        let removed = self.lock().remove(name);
        match removed {
            Some(object) if !object.channel().is_gone() => Ok(()),
            _ => Err(not_bound(name)),
        }
    }

    /// The object that is bound to a name.
    ///
    /// # Errors
    /// `NotFound`, also when this side knows that the object is gone.
    pub fn lookup(&self, name: &str) -> Result<Reference> {
        let found = self.lock().get(name).cloned();
        found
            .filter(|object| !object.channel().is_gone())
            .ok_or_else(|| not_bound(name))
    }

    /// The names in use, in order.
    pub fn list(&self) -> Vec<Entry> {
        let bound = self.lock();
        let live = bound.iter().filter(|(_, object)| !object.channel().is_gone());
        live.map(|(name, object)| Entry {
            name: name.clone(),
            service: object.service().to_owned(),
        })
        .collect()
    }

    fn put(&self, name: &str, object: Reference, replaces: bool) -> Result<()> {
        check("name", name)?;
        check("name of the service", object.service())?;
        object.channel().follow();
        let mut gone = Vec::new();
        let mut bound = self.lock();
        if bound.len() >= self.limit {
            let all = mem::take(&mut *bound);
            let (dead, live) = all.into_iter().partition(|(_, object)| object.channel().is_gone());
            (gone, *bound) = (Vec::from_iter::<BTreeMap<_, _>>(dead), live);
        }
        let put = match bound.get(name) {
            Some(earlier) if !replaces && !earlier.channel().is_gone() => Err(taken(name, earlier)),
            None if bound.len() >= self.limit => Err(full(self.limit)),
            _ => Ok(bound.insert(name.to_owned(), object)),
        };
        drop(bound);
        // An object may end with its last name, which runs foreign code: not under the lock.
        drop(gone);
        put.map(drop)
    }

    fn permit(&self) -> Result<()> {
        let allows = self.allows.as_ref();
        if allows.is_some_and(|allows| allows(&Context::current())) {
            return Ok(());
        }
        Err(Error::new(
            Code::PermissionDenied,
            "the owner of this registry does not let the caller change names (`Names::allow`)",
        ))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Reference>> {
        self.bound.lock()
    }
}

impl Registry for Names {
    async fn bind(&self, name: &str, object: Reference) -> Result<()> {
        self.permit()?;
        self.put(name, object, false)
    }

    async fn rebind(&self, name: &str, object: Reference) -> Result<()> {
        self.permit()?;
        self.put(name, object, true)
    }

    async fn unbind(&self, name: &str) -> Result<()> {
        self.permit()?;
        self.unbind(name)
    }

    async fn lookup(&self, name: &str) -> Result<Reference> {
        self.lookup(name)
    }

    async fn list(&self) -> Result<Vec<Entry>> {
        Ok(self.list())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

fn check(what: &str, name: &str) -> Result<()> {
    if (1..=MAX_LENGTH).contains(&name.len()) {
        return Ok(());
    }
    let length = name.len();
    let text = format!("the {what} is {length} bytes long; it takes 1 to {MAX_LENGTH}");
    Err(Error::new(Code::InvalidArgument, text))
}

fn not_bound(name: &str) -> Error {
    let shown: String = name.chars().take(MAX_LENGTH).collect();
    Error::new(Code::NotFound, format!("no object is bound to `{shown}`"))
}

fn taken(name: &str, earlier: &Reference) -> Error {
    let text = format!("`{name}` is bound to a `{}` already", earlier.service());
    Error::new(Code::AlreadyExists, text)
}

fn full(limit: usize) -> Error {
    let text = format!("the registry has {limit} names already, its limit (`Names::max_names`)");
    Error::new(Code::ResourceExhausted, text)
}
