//! The certificate of a peer.

use std::{
    fmt::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::SystemTime,
};

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// The certificate that a peer has shown. The chain above it was verified, and the peer has proved that it has the
/// private key.
///
/// Its names are in [`Identity::names`](crate::Identity::names).
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    der: CertificateDer<'static>,
    /// As they stand in an identity, without the fingerprint.
    names: Vec<String>,
    subject: String,
    valid_from: SystemTime,
    valid_until: SystemTime,
}

impl PeerCertificate {
    /// Reads a certificate whose signature was checked.
    ///
    /// # Errors
    /// What cannot be read.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Result<Self, String> {
        let certificate = Certificate::from_der(der).map_err(|error| error.to_string())?;
        let content = certificate.tbs_certificate();
        let alternative = content
            .get_extension::<SubjectAltName>()
            .map_err(|error| format!("its subject alternative names: {error}"))?;
        let mut names: Vec<_> = alternative
            .iter()
            .flat_map(|(_, all)| &all.0)
            .filter_map(name)
            .collect();
        names.sort_by_key(|(rank, _)| *rank);
        Ok(Self {
            der: der.clone().into_owned(),
            names: names.into_iter().map(|(_, name)| name).collect(),
            subject: content.subject().to_string(),
            valid_from: content.validity().not_before.to_system_time(),
            valid_until: content.validity().not_after.to_system_time(),
        })
    }

    /// The certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 of the DER form, in 64 lower-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.der)
    }

    /// The subject, as RFC 4514 writes it (`CN=orders,O=Example`). It is for people: decide by names and not by this.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When the certificate became valid.
    pub fn valid_from(&self) -> SystemTime {
        self.valid_from
    }

    /// When the certificate expires.
    pub fn valid_until(&self) -> SystemTime {
        self.valid_until
    }

    /// The names of the owner.
    pub(in crate::transport) fn names(&self) -> Vec<String> {
        let fingerprint = format!("sha256:{}", self.fingerprint());
        self.names.iter().cloned().chain([fingerprint]).collect()
    }
}

/// A name as it stands in an identity, with its place among the others; `None` for kinds that nothing decides by.
fn name(name: &GeneralName) -> Option<(u8, String)> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some((0, format!("uri:{}", uri.as_str()))),
        GeneralName::DnsName(dns) => Some((1, format!("dns:{}", dns.as_str().to_ascii_lowercase()))),
        GeneralName::Rfc822Name(email) => Some((2, format!("email:{}", email.as_str()))),
        GeneralName::IpAddress(octets) => Some((3, format!("ip:{}", ip(octets.as_bytes())?))),
        _ => None,
    }
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(v6).into())
}

/// The SHA-256 of a certificate, in lower-case hexadecimal digits.
pub(super) fn fingerprint(der: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, der).as_ref() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate")
            .field("subject", &self.subject)
            .field("names", &self.names)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}
