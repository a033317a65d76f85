//! The way to the encrypted transports; without their features an error that says so.

#[cfg(feature = "quic")]
pub(super) use quic_on::{listen_quic, quic_connector};
#[cfg(feature = "tls")]
pub(super) use tls_on::{listen_tls, tls_connector};

#[cfg(not(feature = "quic"))]
pub(super) use quic_off::{listen_quic, quic_connector};
#[cfg(not(feature = "tls"))]
pub(super) use tls_off::{listen_tls, tls_connector};

#[cfg(feature = "tls")]
mod tls_on {
    use std::{io, sync::Arc};

    use crate::{
        Code, Error,
        transport::{
            Address, ClientSecurity, Connector, Listeners, ServerSecurity, cannot_listen, tcp::TcpConnector, tls,
        },
    };

    #[expect(clippy::unnecessary_wraps, reason = "the same signature as without the feature")]
    pub(in crate::transport) fn tls_connector(
        address: Address,
        host: String,
        port: u16,
        security: &ClientSecurity,
    ) -> Result<Arc<dyn Connector>, Error> {
        let inner = Arc::new(TcpConnector::new(address.clone(), host.clone(), port));
        let connector = tls::TlsConnector::new(address, host, inner, security.tls.clone());
        Ok(Arc::new(connector))
    }

    /// Encrypts what was bound.
    pub(in crate::transport) async fn listen_tls(
        address: &Address,
        bound: io::Result<Vec<Listeners>>,
        security: &ServerSecurity,
    ) -> Result<Vec<Listeners>, Error> {
        let Some(tls) = &security.tls else {
            return Err(no_certificate(address));
        };
        let bound = bound.map_err(|cause| cannot_listen(address, cause))?;
        tls::listen(bound, tls)
            .await
            .map_err(|error| unlistenable(address, &error))
    }

    pub(super) fn unlistenable(address: &Address, error: &Error) -> Error {
        let text = format!("cannot listen on `{address}`: {}", error.message());
        Error::refused_for_good(error.code(), text)
    }

    pub(super) fn no_certificate(address: &Address) -> Error {
        let text =
            format!("cannot listen on `{address}`: the server has no certificate; give it one with `Server::tls`");
        Error::refused_for_good(Code::FailedPrecondition, text)
    }
}

#[cfg(not(feature = "tls"))]
mod tls_off {
    use std::{io, sync::Arc};

    use crate::{
        Error,
        transport::{Address, ClientSecurity, Connector, Listeners, ServerSecurity, lacks_feature},
    };

    #[expect(clippy::needless_pass_by_value, reason = "the same signature as with the feature")]
    pub(in crate::transport) fn tls_connector(
        address: Address,
        _host: String,
        _port: u16,
        _security: &ClientSecurity,
    ) -> Result<Arc<dyn Connector>, Error> {
        Err(lacks_feature(&address))
    }

    pub(in crate::transport) async fn listen_tls(
        address: &Address,
        _bound: io::Result<Vec<Listeners>>,
        _security: &ServerSecurity,
    ) -> Result<Vec<Listeners>, Error> {
        Err(lacks_feature(address))
    }
}

#[cfg(feature = "quic")]
mod quic_on {
    use std::sync::Arc;

    use super::tls_on::{no_certificate, unlistenable};
    use crate::{
        Error,
        transport::{Address, ClientSecurity, Connector, Listeners, ServerSecurity, cannot_listen, quic},
    };

    #[expect(clippy::unnecessary_wraps, reason = "the same signature as without the feature")]
    pub(in crate::transport) fn quic_connector(
        address: Address,
        host: String,
        port: u16,
        security: &ClientSecurity,
    ) -> Result<Arc<dyn Connector>, Error> {
        Ok(Arc::new(quic::QuicConnector::new(
            address,
            host,
            port,
            security.tls.clone(),
        )))
    }

    pub(in crate::transport) async fn listen_quic(
        address: &Address,
        host: &str,
        port: u16,
        security: &ServerSecurity,
    ) -> Result<Vec<Listeners>, Error> {
        let Some(tls) = &security.tls else {
            return Err(no_certificate(address));
        };
        let bound = quic::bind(host, port, tls)
            .await
            .map_err(|error| unlistenable(address, &error))?;
        bound.map_err(|cause| cannot_listen(address, cause))
    }
}

#[cfg(not(feature = "quic"))]
mod quic_off {
    use std::sync::Arc;

    use crate::{
        Error,
        transport::{Address, ClientSecurity, Connector, Listeners, ServerSecurity, lacks_feature},
    };

    #[expect(clippy::needless_pass_by_value, reason = "the same signature as with the feature")]
    pub(in crate::transport) fn quic_connector(
        address: Address,
        _host: String,
        _port: u16,
        _security: &ClientSecurity,
    ) -> Result<Arc<dyn Connector>, Error> {
        Err(lacks_feature(&address))
    }

    pub(in crate::transport) async fn listen_quic(
        address: &Address,
        _host: &str,
        _port: u16,
        _security: &ServerSecurity,
    ) -> Result<Vec<Listeners>, Error> {
        Err(lacks_feature(address))
    }
}
