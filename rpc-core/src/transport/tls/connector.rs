//! The client's side of TLS.

use std::{io, sync::Arc};

use tokio_rustls::TlsConnector as Handshake;

use super::{ClientTls, explain::TlsSide, stream::ExplainedStream, verified};
use crate::transport::{Address, Connected, Connecting, Connector};

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
        let identity = verified::identity(stream.get_ref().1, TlsSide::Client, self.tls.checks_validity())?;
        let stream = ExplainedStream::new(stream.into(), TlsSide::Client);
        Ok(Connected::new(Box::new(stream), peer).with_verified(identity))
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
