//! What an error of TLS means, and what to do about it.

use std::{
    fmt, io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible, pki_types::UnixTime};
use x509_cert::der::DateTime;

use crate::{Code, Error};

/// Which side of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum TlsSide {
    Client,
    Server,
}

impl TlsSide {
    fn peer(self) -> &'static str {
        match self {
            Self::Client => "server",
            Self::Server => "client",
        }
    }

    /// An error of TLS becomes one that says what to do; any other one stays.
    pub(in crate::transport) fn explain(self, error: io::Error) -> io::Error {
        let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return error;
        };
        io::Error::new(error.kind(), self.explained(cause))
    }

    /// What is wrong, in words.
    pub(in crate::transport) fn explained(self, cause: &rustls::Error) -> Error {
        let text = match cause {
            rustls::Error::InvalidCertificate(cause) => self.certificate(cause),
            rustls::Error::AlertReceived(alert) => self.alert(*alert),
            rustls::Error::NoCertificatesPresented => {
                "the client has shown no certificate, and this server asks for one".to_owned()
            }
            rustls::Error::NoApplicationProtocol => self.other_protocol(),
            rustls::Error::PeerIncompatible(cause) => self.incompatible(cause),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::UnknownProtocolVersion,
            ) => self.plain(),
            other => format!("TLS failed: {other}"),
        };
        Error::refused_for_good(Code::FailedPrecondition, text)
    }

    /// What rustls says of an error that is not at hand itself.
    #[cfg(feature = "quic")]
    pub(in crate::transport) fn in_words_of_rustls(self, text: &str) -> String {
        match text.strip_prefix("invalid peer certificate: ") {
            Some(why) => {
                let hint = match self {
                    Self::Client if why.contains("valid for name") => {
                        "; connect to a name that it has, or say which is meant with `ClientTls::server_name`"
                    }
                    _ => "",
                };
                format!("the {}'s certificate is not acceptable: {why}{hint}", self.peer())
            }
            None => format!("TLS failed: {text}"),
        }
    }

    /// This side does not accept the peer's certificate.
    fn certificate(self, cause: &CertificateError) -> String {
        let peer = self.peer();
        match cause {
            // A bad signature is that of another authority with the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "the {peer}'s certificate was signed by an authority that this side does not trust; {}",
                match self {
                    Self::Client => "name the right authority with `ClientTls::authority_file`",
                    Self::Server => "`ServerTls::client_authority_file` names the authorities of clients",
                }
            ),
            CertificateError::Expired => format!("the {peer}'s certificate has expired; renew it"),
            CertificateError::ExpiredContext { not_after, .. } => format!(
                "the {peer}'s certificate expired at {}; renew it, or set this machine's clock",
                At(*not_after)
            ),
            CertificateError::NotValidYet => format!("the {peer}'s certificate is not valid yet"),
            CertificateError::NotValidYetContext { not_before, .. } => format!(
                "the {peer}'s certificate is not valid before {}; is this machine's clock right?",
                At(*not_before)
            ),
            CertificateError::NotValidForName => format!("the {peer}'s certificate is for another name"),
            CertificateError::NotValidForNameContext { expected, presented } => format!(
                "the server's certificate is for {} and not for `{}`; connect to a name that it has, or say which is \
                 meant with `ClientTls::server_name`",
                listed(presented),
                expected.to_str()
            ),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => format!(
                "the {peer}'s certificate may not be used by a {peer}: its extended key usage lacks `{}Auth`",
                self.peer()
            ),
            CertificateError::Revoked => format!("the {peer}'s certificate has been revoked"),
            CertificateError::ApplicationVerificationFailure => {
                format!("the {peer}'s certificate is not one of those that `ClientTls::pinned` names")
            }
            other => format!("the {peer}'s certificate is not acceptable: {other}"),
        }
    }

    /// The peer says why it goes.
    fn alert(self, alert: AlertDescription) -> String {
        let (peer, own) = (self.peer(), "this side's certificate");
        match alert {
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                "the server asks for a client certificate; give it one with `ClientTls::certificate_files`".to_owned()
            }
            AlertDescription::UnknownCA | AlertDescription::DecryptError => {
                format!("the {peer} does not trust the authority that signed {own}")
            }
            AlertDescription::CertificateExpired => {
                format!("the {peer} refuses {own}: it has expired, or is not valid yet")
            }
            AlertDescription::CertificateRevoked => format!("the {peer} refuses {own}: it has been revoked"),
            AlertDescription::UnsupportedCertificate => {
                format!("the {peer} refuses {own}: it may not be used for this; look at its extended key usage")
            }
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => format!("the {peer} refuses {own} ({alert:?})"),
            AlertDescription::NoApplicationProtocol => self.other_protocol(),
            AlertDescription::ProtocolVersion => self.other_version(),
            // A plain farcall server answers so.
            AlertDescription::UnexpectedMessage | AlertDescription::DecodeError => self.plain(),
            other => format!("the {peer} ended the TLS handshake ({other:?})"),
        }
    }

    fn incompatible(self, cause: &PeerIncompatible) -> String {
        match cause {
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::SupportedVersionsExtensionRequired => self.other_version(),
            other => format!("the {} speaks TLS in another way: {other:?}", self.peer()),
        }
    }

    fn other_version(self) -> String {
        format!(
            "the {} speaks another version of TLS; this side speaks TLS 1.3, and TLS 1.2 with `allow_tls12`",
            self.peer()
        )
    }

    /// The peer speaks TLS, but not for farcall.
    pub(super) fn other_protocol(self) -> String {
        format!(
            "the {} speaks TLS, but not farcall in it (ALPN); is this the right port?",
            self.peer()
        )
    }

    fn plain(self) -> String {
        match self {
            Self::Client => {
                "the server does not speak TLS; connect with `tcp://`, or let it listen at `tls://`".to_owned()
            }
            Self::Server => "the client does not speak TLS; it must connect with `tls://`".to_owned(),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no name at all".to_owned();
    }
    let quoted: Vec<_> = names.iter().map(|name| format!("`{}`", shown(name))).collect();
    quoted.join(", ")
}

/// `IpAddress(10.0.0.1)`, as rustls writes a name, is `10.0.0.1` to people.
fn shown(name: &str) -> &str {
    name.split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .map_or(name, |name| name.trim_matches('"'))
}

/// A time as people write it.
struct At(UnixTime);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time: SystemTime = UNIX_EPOCH + Duration::from_secs(self.0.as_secs());
        match DateTime::from_system_time(time) {
            Ok(time) => time.fmt(f),
            Err(_) => write!(f, "{} s after 1970", self.0.as_secs()),
        }
    }
}
