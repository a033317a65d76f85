//! What is known about the peer after a handshake.

use std::time::SystemTime;

use rustls::{CertificateError, CommonState, HandshakeKind, pki_types::CertificateDer};

use super::{PROTOCOL, PeerCertificate, explain::TlsSide, pem::unusable};
use crate::{Error, transport::Identity};

/// Who the peer is, and that it speaks farcall. A resumed session was verified when it began, and rustls does not look
/// again whether the certificate is still valid; `checks_validity` if this side cares.
///
/// # Errors
/// The peer is not let in, for this reason.
pub(in crate::transport) fn identity(
    state: &CommonState,
    side: TlsSide,
    checks_validity: bool,
) -> Result<Option<Identity>, Error> {
    let shown = state.peer_certificates().and_then(<[_]>::first);
    let resumed = state.handshake_kind() == Some(HandshakeKind::Resumed);
    identity_of(state.alpn_protocol(), shown, side, checks_validity && resumed)
}

/// Who has `shown` this certificate, over a connection that speaks this protocol (ALPN). With `checks_validity` one
/// that has expired is refused.
///
/// # Errors
/// The peer is not let in, for this reason.
pub(in crate::transport) fn identity_of(
    protocol: Option<&[u8]>,
    shown: Option<&CertificateDer<'_>>,
    side: TlsSide,
    checks_validity: bool,
) -> Result<Option<Identity>, Error> {
    if protocol != Some(PROTOCOL) {
        return Err(unusable(side.other_protocol()));
    }
    let Some(certificate) = shown else {
        return Ok(None);
    };
    let certificate = PeerCertificate::read(certificate)
        .map_err(|error| unusable(format!("the peer's certificate cannot be read: {error}")))?;
    if checks_validity && certificate.valid_until() < SystemTime::now() {
        return Err(side.explained(&rustls::Error::InvalidCertificate(CertificateError::Expired)));
    }
    Ok(Some(Identity::of_certificate(certificate)))
}
