//! What happens to the certificates of a server: [`TlsEvent`].

use std::{fmt, time::SystemTime};

use super::PeerCertificate;
use crate::{Error, events};

/// What happened to the certificates of a server; `Display` says it in words.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsEvent {
    /// The files had changed, and new connections get this certificate.
    Reloaded(PeerCertificate),
    /// The files have changed and cannot be used. What was read before stays in use.
    ReloadFailed(Error),
    /// The certificate in use expires soon, or has expired. Told when the time begins, and then once a day.
    Expires {
        /// The certificate in use.
        certificate: PeerCertificate,
        /// When it expires.
        at: SystemTime,
    },
}

impl TlsEvent {
    /// Tells the operator.
    pub(super) fn record(&self) {
        match self {
            Self::Reloaded(_) => events::certificate_reloaded(self),
            Self::ReloadFailed(_) | Self::Expires { .. } => events::certificate_trouble(self),
        }
    }
}

impl fmt::Display for TlsEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reloaded(certificate) => {
                write!(f, "new connections get the certificate of `{}`", certificate.subject())
            }
            Self::ReloadFailed(error) => {
                write!(
                    f,
                    "the changed certificates cannot be used, the earlier ones stay: {}",
                    error.message()
                )
            }
            Self::Expires { certificate, at } => match at.duration_since(SystemTime::now()) {
                Ok(rest) => {
                    let days = rest.as_secs() / (24 * 60 * 60);
                    write!(
                        f,
                        "the certificate of `{}` expires in {days} days",
                        certificate.subject()
                    )
                }
                Err(_) => write!(f, "the certificate of `{}` has expired", certificate.subject()),
            },
        }
    }
}
