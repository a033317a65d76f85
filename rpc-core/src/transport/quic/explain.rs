//! What an error of QUIC means, and what to do about it.

use std::io;

use quinn::{ConnectionError, TransportErrorCode};
use rustls::{AlertDescription, CertificateError};

use super::CLOSED;
use crate::{Code, Error, transport::tls::TlsSide};

/// The codes that stand for alerts of TLS (RFC 9001, 4.8).
const ALERTS: std::ops::Range<u64> = 0x100..0x200;

/// Why a connection is over; `None` if the peer has closed it and all is well.
pub(super) fn explained(side: TlsSide, error: ConnectionError) -> Option<io::Error> {
    Some(match error {
        ConnectionError::ApplicationClosed(close) if close.error_code == CLOSED.into() => return None,
        ConnectionError::ApplicationClosed(close) => {
            let reason = String::from_utf8_lossy(&close.reason);
            io::Error::new(
                io::ErrorKind::ConnectionAborted,
                format!("the peer closed it: {reason}"),
            )
        }
        // The peer says why it goes.
        ConnectionError::ConnectionClosed(close) => match alert(close.error_code) {
            Some(alert) => io::Error::other(side.explained(&rustls::Error::AlertReceived(alert))),
            None if close.error_code == TransportErrorCode::CONNECTION_REFUSED => full(),
            None => io::Error::new(io::ErrorKind::ConnectionAborted, close.to_string()),
        },
        // This side does not accept what the peer has sent.
        ConnectionError::TransportError(error) => match alert(error.code) {
            Some(alert) => io::Error::other(refusal(side, alert, &error.reason)),
            None => io::Error::new(io::ErrorKind::ConnectionAborted, error),
        },
        ConnectionError::VersionMismatch => io::Error::other(Error::refused_for_good(
            Code::FailedPrecondition,
            "the server speaks another version of QUIC",
        )),
        ConnectionError::Reset => io::Error::new(
            io::ErrorKind::ConnectionReset,
            "the peer does not know this connection any more",
        ),
        ConnectionError::TimedOut => io::Error::new(io::ErrorKind::TimedOut, error),
        ConnectionError::LocallyClosed | ConnectionError::CidsExhausted => io::Error::other(error),
    })
}

/// Another attempt at once would not help.
fn full() -> io::Error {
    io::Error::other(Error::refused(
        Code::Unavailable,
        "the server takes no new connections now; it is full or shutting down",
    ))
}

fn alert(code: TransportErrorCode) -> Option<AlertDescription> {
    let code = u64::from(code);
    // The range has as many codes as a byte has values.
    ALERTS.contains(&code).then(|| AlertDescription::from(code as u8))
}

/// quinn keeps of an error of rustls the alert that it becomes, and the text.
fn refusal(side: TlsSide, alert: AlertDescription, reason: &str) -> Error {
    let known = match alert {
        AlertDescription::UnknownCA => rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
        AlertDescription::CertificateRequired => rustls::Error::NoCertificatesPresented,
        AlertDescription::NoApplicationProtocol => rustls::Error::NoApplicationProtocol,
        AlertDescription::AccessDenied => {
            rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        }
        _ => return Error::refused_for_good(Code::FailedPrecondition, side.in_words_of_rustls(reason)),
    };
    side.explained(&known)
}
