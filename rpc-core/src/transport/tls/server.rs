//! What a server shows and whom it lets in: [`ServerTls`].

use std::{fmt, path::Path, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::ring::Ticketer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{
    PROTOCOL, PeerCertificate, TlsEvent,
    client::unfit,
    pem::{Pem, unusable},
    provider,
    reload::{Loaded, Refreshed, Settings},
    versions,
};
use crate::{Error, unwind::guarded};

/// The certificate that a server shows over `tls://` and `quic://`, and whether its clients must show one.
///
/// It speaks TLS 1.3. Sessions are resumed; early data, which an attacker could repeat, is not accepted.
///
/// The files are looked at once a minute (see [`watch`](Self::watch)). When they have changed, new connections get what
/// they have now, and open ones go on. If they cannot be used, what was read before stays in use. Clones are one, so
/// that a clone can [`reload`](Self::reload) what a running server shows.
///
/// ```no_run
/// use farcall::{Server, tls::ServerTls};
/// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
/// # struct Warehouse;
/// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 1 } }
///
/// # async fn example() -> farcall::Result<()> {
/// let tls = ServerTls::files("server.pem", "server.key").client_authority_file("ca.pem");
/// let server = Server::new().service(InventoryServer::new(Warehouse)).tls(tls.clone());
/// let server = server.listen("tls://0.0.0.0:7401").await?;
///
/// tls.reload().await?; // for example when the process was told to
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What is wrong with the settings is told when the server listens, as
/// [`FailedPrecondition`](crate::Code::FailedPrecondition) with the name of the file.
#[derive(Clone)]
pub struct ServerTls(Arc<Loaded<ServerSettings>>);

#[derive(Clone)]
struct ServerSettings {
    shown: Shown,
    clients: Option<ClientAuthority>,
    allows_tls12: bool,
    watch: Duration,
    warns: Duration,
    told: Option<Arc<Told>>,
}

type Told = dyn Fn(&TlsEvent) + Send + Sync;

#[derive(Clone)]
enum Shown {
    Pem(Pem, Pem),
    Config(Arc<ServerConfig>),
}

/// Who signs the certificates of clients.
#[derive(Clone, Debug)]
struct ClientAuthority {
    pem: Pem,
    /// Clients without a certificate are let in, without an identity.
    optional: bool,
}

/// What a server uses: for rustls, and the certificate itself unless the configuration is the user's own.
pub(in crate::transport) struct ServerCredentials {
    pub(in crate::transport) config: Arc<ServerConfig>,
    pub(super) certificate: Option<PeerCertificate>,
}

impl ServerCredentials {
    /// Whether a certificate that has expired is refused; a configuration of one's own decides by itself.
    pub(in crate::transport) fn checks_validity(&self) -> bool {
        self.certificate.is_some()
    }
}

impl ServerTls {
    /// Shows the certificate in these PEM files: the certificate with those of the authorities between it and the one
    /// that clients trust, and its private key.
    pub fn files(certificate: impl AsRef<Path>, private_key: impl AsRef<Path>) -> Self {
        Self::shows(Shown::Pem(Pem::file(certificate), Pem::file(private_key)))
    }

    /// As [`files`](Self::files), from memory.
    pub fn pem(certificate: impl AsRef<[u8]>, private_key: impl AsRef<[u8]>) -> Self {
        Self::shows(Shown::Pem(Pem::bytes(certificate), Pem::bytes(private_key)))
    }

    /// A rustls configuration of your own, for what the other methods do not offer: several names with a certificate
    /// each, revocation lists, keys in hardware, another provider of cryptography. Its protocols (ALPN) become
    /// `farcall`, and early data is turned off.
    ///
    /// Of the other methods only those about events have an effect then.
    pub fn from_config(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self::shows(Shown::Config(config.into()))
    }

    fn shows(shown: Shown) -> Self {
        Self(Loaded::new(ServerSettings {
            shown,
            clients: None,
            allows_tls12: false,
            watch: Duration::from_secs(60),
            warns: Duration::from_secs(14 * 24 * 60 * 60),
            told: None,
        }))
    }

    fn with(&self, change: impl FnOnce(&mut ServerSettings)) -> Self {
        let mut settings = self.0.settings().clone();
        change(&mut settings);
        Self(Loaded::new(settings))
    }

    /// Lets in only clients that show a certificate which one of the authorities in this PEM file has signed.
    /// [`Context::identity`](crate::Context::identity) says who they are.
    #[must_use]
    pub fn client_authority_file(self, path: impl AsRef<Path>) -> Self {
        self.clients(Pem::file(path))
    }

    /// As [`client_authority_file`](Self::client_authority_file), from memory.
    #[must_use]
    pub fn client_authority(self, pem: impl AsRef<[u8]>) -> Self {
        self.clients(Pem::bytes(pem))
    }

    fn clients(&self, pem: Pem) -> Self {
        self.with(|settings| settings.clients = Some(ClientAuthority { pem, optional: false }))
    }

    /// Lets in clients without a certificate, too; they have no identity. A certificate that is shown must still be
    /// good. Has no effect without the authority of clients, which comes before.
    #[must_use]
    pub fn client_certificate_optional(self) -> Self {
        self.with(|settings| settings.clients.iter_mut().for_each(|clients| clients.optional = true))
    }

    /// Speaks TLS 1.2, too. Over QUIC it has no effect.
    #[must_use]
    pub fn allow_tls12(self) -> Self {
        self.with(|settings| settings.allows_tls12 = true)
    }

    /// How often to look whether the files have changed and how long the certificate is still valid; at least a
    /// millisecond, a minute if this is not called.
    #[must_use]
    pub fn watch(self, interval: Duration) -> Self {
        self.with(|settings| settings.watch = interval.max(Duration::from_millis(1)))
    }

    /// How long before the certificate expires [`TlsEvent::Expires`] begins to be told; two weeks if this is not
    /// called.
    #[must_use]
    pub fn warn_before_expiry(self, time: Duration) -> Self {
        self.with(|settings| settings.warns = time)
    }

    /// Calls `told` when certificates were read again, could not be, or are about to expire. It runs in the task that
    /// listens, so it must be quick. With the feature `tracing` the same is an event.
    #[must_use]
    pub fn on_event(self, told: impl Fn(&TlsEvent) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.told = Some(Arc::new(told)))
    }

    /// Reads the files now, changed or not. New connections get what they have, and open ones go on.
    ///
    /// Cancel safe: reading that has begun goes on.
    ///
    /// # Errors
    /// `FailedPrecondition`: a file cannot be read or used. What was read before stays in use.
    pub async fn reload(&self) -> Result<(), Error> {
        self.0.reload().await
    }

    pub(super) async fn refresh(&self) -> Result<Refreshed<ServerCredentials>, Error> {
        self.0.refresh().await
    }

    /// What new connections get, once it was read.
    pub(in crate::transport) fn credentials(&self) -> Option<Arc<ServerCredentials>> {
        self.0.latest()
    }

    pub(super) fn interval(&self) -> Duration {
        self.0.settings().watch
    }

    pub(super) fn warns_before(&self) -> Duration {
        self.0.settings().warns
    }

    /// Tells the owner. A panic in the owner's function ends nothing.
    pub(super) fn tell(&self, event: &TlsEvent) {
        event.record();
        if let Some(told) = &self.0.settings().told {
            guarded(|| told(event));
        }
    }
}

impl Settings for ServerSettings {
    type Config = ServerCredentials;

    fn sources(&self) -> Vec<&Pem> {
        let shown = match &self.shown {
            Shown::Pem(certificate, key) => vec![certificate, key],
            Shown::Config(_) => Vec::new(),
        };
        let clients = self.clients.iter().map(|clients| &clients.pem);
        shown.into_iter().chain(clients).collect()
    }

    fn load(&self) -> Result<Arc<ServerCredentials>, Error> {
        let (mut config, certificate) = match &self.shown {
            Shown::Config(config) => (ServerConfig::clone(config), None),
            Shown::Pem(certificate, key) => self.made(certificate, key)?,
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.max_early_data_size = 0;
        Ok(Arc::new(ServerCredentials {
            config: Arc::new(config),
            certificate,
        }))
    }
}

impl ServerSettings {
    fn made(&self, certificate: &Pem, key: &Pem) -> Result<(ServerConfig, Option<PeerCertificate>), Error> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(self.allows_tls12))
            .map_err(|error| unfit(&error))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(clients.verifier()?),
        };
        let chain = certificate.certificates()?;
        let own = chain.first().map(PeerCertificate::read).transpose();
        let own =
            own.map_err(|error| unusable(format!("{certificate} has a certificate that cannot be read: {error}")))?;
        let mut config = builder
            .with_single_cert(chain, key.private_key()?)
            .map_err(|error| certificate.unusable_with(key, &error))?;
        // A ticket holds the session, so that any number of clients can resume. It ends with this configuration, and
        // so does the trust in an authority that was taken out.
        config.ticketer = Ticketer::new().map_err(|error| unfit(&error))?;
        Ok((config, own))
    }
}

impl ClientAuthority {
    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let builder = WebPkiClientVerifier::builder_with_provider(self.pem.authorities()?, provider());
        let builder = if self.optional {
            builder.allow_unauthenticated()
        } else {
            builder
        };
        builder
            .build()
            .map_err(|error| unusable(format!("{} cannot be the authority of clients: {error}", self.pem)))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0.settings();
        let mut debug = f.debug_struct("ServerTls");
        match &settings.shown {
            Shown::Pem(certificate, _) => debug.field("certificate", certificate),
            Shown::Config(_) => debug.field("has_own_config", &true),
        };
        debug
            .field("clients", &settings.clients)
            .field("allows_tls12", &settings.allows_tls12)
            .field("watch", &settings.watch)
            .finish_non_exhaustive()
    }
}
