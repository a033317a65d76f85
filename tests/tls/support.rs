//! A service that counts who was let in, and certificates.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use farcall::{
    Channel, Context, Result, RunningServer, Server,
    tls::{ClientTls, DevAuthority, DevCertificate, ServerTls},
};

#[farcall::service]
pub(crate) trait Vault {
    /// The caller's names.
    async fn open(&self) -> Vec<String>;
    async fn echo(&self, bytes: Vec<u8>) -> Vec<u8>;
}

/// Counts the calls that ran. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Counted(pub(crate) Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn ran(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Vault for Counted {
    async fn open(&self) -> Vec<String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let context = Context::current();
        context
            .identity()
            .map_or(Vec::new(), |identity| identity.names().map(str::to_owned).collect())
    }

    async fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0.fetch_add(1, Ordering::SeqCst);
        bytes
    }
}

/// An authority, and the certificate of a server on this machine.
pub(crate) struct Party {
    pub(crate) authority: DevAuthority,
    pub(crate) server: DevCertificate,
}

impl Party {
    pub(crate) fn new() -> Result<Self> {
        let authority = DevAuthority::new()?;
        let server = authority.issue_for_server(["localhost", "127.0.0.1"])?;
        Ok(Self { authority, server })
    }

    /// A server without clients' certificates.
    pub(crate) fn server_tls(&self) -> ServerTls {
        shows(&self.server)
    }

    /// A client that trusts the authority and has no certificate.
    pub(crate) fn client_tls(&self) -> ClientTls {
        ClientTls::new().authority(self.authority.pem())
    }
}

pub(crate) fn shows(certificate: &DevCertificate) -> ServerTls {
    ServerTls::pem(certificate.pem(), certificate.key_pem())
}

pub(crate) async fn serve(vault: &Counted, tls: ServerTls) -> Result<RunningServer> {
    let server = Server::new().service(VaultServer::new(vault.clone())).tls(tls);
    server.listen("tls://127.0.0.1:0").await
}

pub(crate) async fn connect(server: &RunningServer, tls: ClientTls) -> Result<VaultClient> {
    let channel = Channel::builder().tls(tls).connect(server.local_addr()).await?;
    Ok(VaultClient::new(channel))
}
