//! The services that callers ask for, and which of their methods ran.

use std::sync::{Arc, Mutex};

use farcall::{
    Context, Result, RunningServer, Server,
    auth::Rules,
    service::{Handler, Invocation, Service, ServiceDescriptor},
};

#[farcall::service(requires = "stock.read")]
pub(crate) trait Stock {
    async fn count(&self, sku: &str) -> Result<u32>;
    #[rpc(requires = "stock.write")]
    async fn put(&self, sku: &str) -> Result<()>;
}

#[farcall::service]
pub(crate) trait Desk {
    /// The subject of the caller's token.
    async fn subject(&self) -> Result<Option<String>>;
    async fn ping(&self) -> Result<u32>;
    #[rpc(requires = "desk.close")]
    async fn close(&self) -> Result<()>;
}

/// Answers, and notes which methods ran.
#[derive(Clone, Default)]
pub(crate) struct Clerk(Arc<Mutex<Vec<&'static str>>>);

impl Clerk {
    /// What ran since the last time.
    pub(crate) fn ran(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }

    pub(crate) fn note(&self, method: &'static str) {
        self.0.lock().expect("not poisoned").push(method);
    }

    /// Both services, the first one also as the instance `eu`.
    pub(crate) fn server(&self) -> Server {
        Server::new()
            .service(StockServer::new(self.clone()))
            .named_service("eu", StockServer::new(self.clone()))
            .service(DeskServer::new(self.clone()))
    }

    pub(crate) fn run(&self, rules: Rules) -> Result<Arc<RunningServer>> {
        Ok(Arc::new(self.server().authorize(rules).start()?))
    }
}

impl Stock for Clerk {
    async fn count(&self, _sku: &str) -> Result<u32> {
        self.note("count");
        Ok(7)
    }

    async fn put(&self, _sku: &str) -> Result<()> {
        self.note("put");
        Ok(())
    }
}

impl Desk for Clerk {
    async fn subject(&self) -> Result<Option<String>> {
        self.note("subject");
        Ok(Context::current()
            .principal()
            .map(|principal| principal.subject().to_owned()))
    }

    async fn ping(&self) -> Result<u32> {
        self.note("ping");
        Ok(1)
    }

    async fn close(&self) -> Result<()> {
        self.note("close");
        Ok(())
    }
}

/// A service whose arguments nobody may look at.
pub(crate) struct Sealed<S>(pub(crate) S, pub(crate) Clerk);

impl<S: Service> Service for Sealed<S> {
    fn descriptor(&self) -> &'static ServiceDescriptor {
        self.0.descriptor()
    }

    fn dispatch(&self, index: usize, invocation: Invocation) -> Handler {
        self.1.note("dispatched");
        self.0.dispatch(index, invocation)
    }
}
