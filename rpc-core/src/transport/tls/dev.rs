//! Certificates for tests and for development: [`DevAuthority`].

use std::{
    fmt, fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::pem::unusable;
use crate::Error;

/// An authority that signs certificates for tests and for development. Its key exists in this process only.
///
/// ```
/// use farcall::{Channel, Server, tls::{ClientTls, DevAuthority, ServerTls}};
/// # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
/// # struct Warehouse;
/// # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 1 } }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> farcall::Result<()> {
/// let authority = DevAuthority::new()?;
/// let shown = authority.issue(["localhost", "127.0.0.1"])?;
/// let server = Server::new()
///     .service(InventoryServer::new(Warehouse))
///     .tls(ServerTls::pem(shown.pem(), shown.key_pem()))
///     .listen("tls://127.0.0.1:0")
///     .await?;
///
/// let tls = ClientTls::new().authority(authority.pem());
/// let inventory = InventoryClient::new(Channel::builder().tls(tls).connect(server.local_addr()).await?);
/// assert_eq!(inventory.ping().await?, 1);
/// # Ok(())
/// # }
/// ```
pub struct DevAuthority(CertifiedIssuer<'static, KeyPair>);

/// A certificate of a [`DevAuthority`], with its private key.
pub struct DevCertificate {
    pem: String,
    key_pem: String,
}

/// How long the certificates are valid; and for so long before now, because of clocks that differ.
const VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl DevAuthority {
    /// A new authority, whose certificate is valid for a year.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn new() -> Result<Self, Error> {
        let mut params = valid(SystemTime::now() - VALID, SystemTime::now() + VALID);
        // Each has a name of its own: a verifier looks for the authority by its name.
        let name = format!("farcall development authority {:016x}", fastrand::u64(..));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        CertifiedIssuer::self_signed(params, key)
            .map(Self)
            .map_err(|error| failed(&error))
    }

    /// The certificate of the authority in PEM form, which the other side has to trust.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with these names, for servers and for clients, valid for a year. A name is a DNS name, an IP
    /// address, or a URI such as `spiffe://example.org/orders`.
    ///
    /// # Errors
    /// `FailedPrecondition` for a name that no certificate can have.
    pub fn issue<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<DevCertificate, Error> {
        self.issue_between(names, SystemTime::now() - VALID, SystemTime::now() + VALID)
    }

    /// As [`issue`](Self::issue), valid only at this time: for tests of what happens when a certificate expires.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    pub fn issue_between<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
        from: SystemTime,
        until: SystemTime,
    ) -> Result<DevCertificate, Error> {
        self.sign(
            names,
            valid(from, until),
            &[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        )
    }

    /// As [`issue`](Self::issue), for clients only: a server that shows it is refused.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    pub fn issue_for_client<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<DevCertificate, Error> {
        let params = valid(SystemTime::now() - VALID, SystemTime::now() + VALID);
        self.sign(names, params, &[ExtendedKeyUsagePurpose::ClientAuth])
    }

    /// As [`issue`](Self::issue), for servers only: a client that shows it is refused.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    pub fn issue_for_server<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<DevCertificate, Error> {
        let params = valid(SystemTime::now() - VALID, SystemTime::now() + VALID);
        self.sign(names, params, &[ExtendedKeyUsagePurpose::ServerAuth])
    }

    fn sign<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
        mut params: CertificateParams,
        uses: &[ExtendedKeyUsagePurpose],
    ) -> Result<DevCertificate, Error> {
        params.subject_alt_names = names
            .into_iter()
            .map(|name| alternative(name.as_ref()))
            .collect::<Result<_, _>>()?;
        params
            .distinguished_name
            .push(DnType::CommonName, "farcall development");
        params.extended_key_usages = uses.to_vec();
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = params.signed_by(&key, &self.0).map_err(|error| failed(&error))?;
        Ok(DevCertificate {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn valid(from: SystemTime, until: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = from.into();
    params.not_after = until.into();
    params
}

fn alternative(name: &str) -> Result<SanType, Error> {
    let text = || {
        let wrong = |_| unusable(format!("`{name}` cannot be a name in a certificate: it is not ASCII"));
        name.try_into().map_err(wrong)
    };
    Ok(if let Ok(ip) = name.parse() {
        SanType::IpAddress(ip)
    } else if name.contains("://") {
        SanType::URI(text()?)
    } else {
        SanType::DnsName(text()?)
    })
}

fn failed(error: &rcgen::Error) -> Error {
    unusable(format!("a certificate cannot be made: {error}"))
}

impl DevCertificate {
    /// The certificate in PEM form.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key in PEM form.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes both into files, the key so that on Unix only this user reads it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, certificate: impl AsRef<Path>, private_key: impl AsRef<Path>) -> io::Result<()> {
        fs::write(certificate, &self.pem)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(private_key)?, self.key_pem.as_bytes())
    }
}

impl fmt::Debug for DevAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevAuthority").finish_non_exhaustive()
    }
}

/// Never shows the key.
impl fmt::Debug for DevCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevCertificate").finish_non_exhaustive()
    }
}
