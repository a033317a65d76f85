//! The client's side of TLS.

use std::{io, sync::Arc};

use rustls::CommonState;
use tokio_rustls::TlsConnector as Handshake;

use super::{ClientTls, PROTOCOL, PeerCertificate, explain::TlsSide, pem::unusable, stream::ExplainedStream};
use crate::{
    Error,
    transport::{Address, Connected, Connecting, Connector, Identity},
};

/// Opens encrypted connections over those of another connector.
#[derive(Debug)]
pub(in crate::transport) struct TlsConnector {
    address: Address,
    host: String,
    inner: Arc<dyn Connector>,
    tls: ClientTls,
}

impl TlsConnector {
    pub(in crate::transport) fn new(address: Address, host: String, inner: Arc<dyn Connector>, tls: ClientTls) -> Self {
        Self {
            address,
            host,
            inner,
            tls,
        }
    }

    async fn open(&self) -> io::Result<Connected> {
        let name = self.tls.name_of(&self.host)?;
        let config = self.tls.config().await?;
        let connected = self.inner.connect().await?;
        let peer = connected.peer().clone().over_tls();
        let stream = Handshake::from(config).connect(name, connected.into_stream()).await;
        let stream = stream.map_err(|error| TlsSide::Client.explain(error))?;
        let identity = identity(stream.get_ref().1, TlsSide::Client)?;
        let stream = ExplainedStream::new(stream.into(), TlsSide::Client);
        let connected = Connected::new(Box::new(stream), peer);
        Ok(match identity {
            Some(identity) => connected.with_identity(identity),
            None => connected,
        })
    }
}

impl Connector for TlsConnector {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(self.open())
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

/// Who the peer is, and whether it speaks farcall, after a handshake.
pub(super) fn identity(state: &CommonState, side: TlsSide) -> Result<Option<Identity>, Error> {
    if state.alpn_protocol() != Some(PROTOCOL) {
        return Err(unusable(side.other_protocol()));
    }
    let Some(certificate) = state.peer_certificates().and_then(<[_]>::first) else {
        return Ok(None);
    };
    let certificate = PeerCertificate::read(certificate)
        .map_err(|error| unusable(format!("the peer's certificate cannot be read: {error}")))?;
    Ok(Some(Identity::of_certificate(certificate)))
}
