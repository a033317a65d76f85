//! What a client trusts and shows: [`ClientTls`].

use std::{fmt, path::Path, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{
    PROTOCOL,
    pem::{Pem, unusable},
    pinned::Pinned,
    provider,
    reload::{Loaded, Refreshed, Settings},
    versions,
};
use crate::{Code, Error};

/// Whom a client trusts over `tls://` and `quic://`, and which certificate it shows itself.
///
/// By default it trusts the authorities of the operating system, shows no certificate, and speaks TLS 1.3. The server's
/// certificate must be for the host of the address. Sessions are resumed; early data, which an attacker could repeat,
/// is never sent.
///
/// Files are read when the first connection is made, and again for the next one after they have changed. If a changed
/// file cannot be used, what was read before stays in use. Clones are one.
///
/// ```no_run
/// use farcall::{Channel, tls::ClientTls};
///
/// # async fn example() -> farcall::Result<()> {
/// let tls = ClientTls::new().authority_file("ca.pem");
/// let channel = Channel::builder().tls(tls).connect("tls://inventory.internal:7401").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What is wrong with the settings is told when a connection is made: the calls fail as
/// [`FailedPrecondition`](crate::Code::FailedPrecondition), which is not retryable, with the name of the file.
#[derive(Clone)]
pub struct ClientTls(Arc<Loaded<ClientSettings>>);

#[derive(Clone, Default)]
struct ClientSettings {
    trust: Trust,
    own: Option<(Pem, Pem)>,
    server_name: Option<String>,
    allows_tls12: bool,
    config: Option<Arc<ClientConfig>>,
}

/// Which servers are trusted.
#[derive(Clone, Default)]
enum Trust {
    #[default]
    System,
    Authority(Pem),
    Pinned(Vec<String>),
}

impl ClientTls {
    /// The authorities of the operating system, and no certificate.
    pub fn new() -> Self {
        Self(Loaded::new(ClientSettings::default()))
    }

    /// A rustls configuration of your own, for what the other methods do not offer: revocation lists, keys in hardware,
    /// another provider of cryptography. Its protocols (ALPN) become `farcall`, and early data is turned off.
    ///
    /// Of the other methods only [`server_name`](Self::server_name) has an effect then.
    pub fn from_config(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self(Loaded::new(ClientSettings {
            config: Some(config.into()),
            ..ClientSettings::default()
        }))
    }

    fn with(&self, change: impl FnOnce(&mut ClientSettings)) -> Self {
        let mut settings = self.0.settings().clone();
        change(&mut settings);
        Self(Loaded::new(settings))
    }

    /// Trusts the authorities whose certificates are in this PEM file, instead of those of the operating system.
    #[must_use]
    pub fn authority_file(self, path: impl AsRef<Path>) -> Self {
        self.with(|settings| settings.trust = Trust::Authority(Pem::file(path)))
    }

    /// As [`authority_file`](Self::authority_file), from memory.
    #[must_use]
    pub fn authority(self, pem: impl AsRef<[u8]>) -> Self {
        self.with(|settings| settings.trust = Trust::Authority(Pem::bytes(pem)))
    }

    /// Trusts the certificate with this SHA-256 of its DER form, and no other. `openssl x509 -fingerprint -sha256`
    /// prints it; case and colons do not matter. May be called again for the certificate that comes next.
    ///
    /// Who signed the certificate, for which name and until when is not looked at then.
    #[must_use]
    pub fn pinned(self, fingerprint: &str) -> Self {
        let digits = fingerprint.replace(':', "").to_ascii_lowercase();
        self.with(|settings| match &mut settings.trust {
            Trust::Pinned(pinned) => pinned.push(digits),
            other => *other = Trust::Pinned(vec![digits]),
        })
    }

    /// Shows the certificate in these PEM files to servers that ask for one: the certificate with those of the
    /// authorities between it and the one that the server trusts, and its private key.
    #[must_use]
    pub fn certificate_files(self, certificate: impl AsRef<Path>, private_key: impl AsRef<Path>) -> Self {
        self.with(|settings| settings.own = Some((Pem::file(certificate), Pem::file(private_key))))
    }

    /// As [`certificate_files`](Self::certificate_files), from memory.
    #[must_use]
    pub fn certificate(self, certificate: impl AsRef<[u8]>, private_key: impl AsRef<[u8]>) -> Self {
        self.with(|settings| settings.own = Some((Pem::bytes(certificate), Pem::bytes(private_key))))
    }

    /// The name or IP that the server's certificate must be for, if that is not the host of the address.
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        self.with(|settings| settings.server_name = Some(name.into()))
    }

    /// Speaks TLS 1.2, too. Over QUIC it has no effect.
    #[must_use]
    pub fn allow_tls12(self) -> Self {
        self.with(|settings| settings.allows_tls12 = true)
    }

    /// Which name the server at `host` must have.
    pub(in crate::transport) fn name_of(&self, host: &str) -> Result<ServerName<'static>, Error> {
        let name = self.0.settings().server_name.as_deref().unwrap_or(host);
        // A link-local address has a zone, which only this machine knows.
        let name = name.split('%').next().unwrap_or(name);
        ServerName::try_from(name.to_owned()).map_err(|_| {
            let text =
                format!("no certificate can be for the name `{name}`; set another with `ClientTls::server_name`");
            Error::refused_for_good(Code::InvalidArgument, text)
        })
    }

    /// Whether a certificate that has expired is refused: a pinned one is not, and a configuration of one's own decides
    /// by itself.
    pub(in crate::transport) fn checks_validity(&self) -> bool {
        let settings = self.0.settings();
        settings.config.is_none() && !matches!(settings.trust, Trust::Pinned(_))
    }

    /// What rustls needs. Cancel safe.
    pub(in crate::transport) async fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if self.0.settings().sources().is_empty()
            && let Some(config) = self.0.latest()
        {
            return Ok(config);
        }
        match self.0.refresh().await? {
            Refreshed::Same(config) | Refreshed::New(config) => Ok(config),
            Refreshed::Unusable(error) => self.0.latest().ok_or(error),
        }
    }
}

impl Settings for ClientSettings {
    type Config = ClientConfig;

    fn sources(&self) -> Vec<&Pem> {
        let authority = match &self.trust {
            Trust::Authority(pem) => Some(pem),
            Trust::System | Trust::Pinned(_) => None,
        };
        let own = self.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        authority.into_iter().chain(own).collect()
    }

    fn load(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut config = match &self.config {
            Some(config) => ClientConfig::clone(config),
            None => self.made()?,
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.enable_early_data = false;
        Ok(Arc::new(config))
    }
}

impl ClientSettings {
    fn made(&self) -> Result<ClientConfig, Error> {
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(self.allows_tls12))
            .map_err(|error| unfit(&error))?;
        let builder = match &self.trust {
            Trust::System => builder.with_platform_verifier().map_err(|error| {
                unusable(format!(
                    "the operating system's authorities cannot be used: {error}; name yours with \
                     `ClientTls::authority_file`"
                ))
            })?,
            Trust::Authority(pem) => builder.with_root_certificates(pem.authorities()?),
            Trust::Pinned(fingerprints) => {
                let fingerprints = fingerprints
                    .iter()
                    .map(|text| checked(text))
                    .collect::<Result<_, _>>()?;
                let pinned = Pinned { fingerprints, provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned))
            }
        };
        match &self.own {
            None => Ok(builder.with_no_client_auth()),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificate.certificates()?, key.private_key()?)
                .map_err(|error| certificate.unusable_with(key, &error)),
        }
    }
}

/// The fingerprint, if it can be one.
fn checked(fingerprint: &str) -> Result<String, Error> {
    if fingerprint.len() == 64 && fingerprint.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(fingerprint.to_owned());
    }
    Err(unusable(format!(
        "`{fingerprint}` is not the SHA-256 of a certificate: 64 hexadecimal digits are expected"
    )))
}

pub(super) fn unfit(error: &rustls::Error) -> Error {
    unusable(format!("the TLS settings do not fit together: {error}"))
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0.settings();
        let mut debug = f.debug_struct("ClientTls");
        match &settings.trust {
            Trust::System => debug.field("authority", &"the operating system's"),
            Trust::Authority(pem) => debug.field("authority", pem),
            Trust::Pinned(fingerprints) => debug.field("pinned", fingerprints),
        };
        debug
            .field(
                "certificate",
                &settings.own.as_ref().map(|(certificate, _)| certificate),
            )
            .field("server_name", &settings.server_name)
            .field("allows_tls12", &settings.allows_tls12)
            .field("has_own_config", &settings.config.is_some())
            .finish()
    }
}
