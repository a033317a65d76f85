//! QUIC by hand, for peers that do what farcall's own never would.

use std::{net::SocketAddr, sync::Arc};

use farcall_tests::{TestResult, certificates, raw};
use quinn::{
    Connection, Endpoint, RecvStream,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The lane of the last frame.
pub(crate) const LAST: u32 = u32::MAX;

/// A connection to a server of farcall, on which nothing was said. The endpoint must live as long.
pub(crate) async fn connect(server: SocketAddr) -> TestResult<(Endpoint, Connection)> {
    connect_with(server, b"farcall").await
}

pub(crate) async fn connect_with(server: SocketAddr, protocol: &[u8]) -> TestResult<(Endpoint, Connection)> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(
        certificates::authority().pem().as_bytes(),
    )?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into())?;
    let connection = endpoint.connect_with(config, server, "127.0.0.1")?.await?;
    Ok((endpoint, connection))
}

/// A server that speaks `protocol`.
pub(crate) fn listen(protocol: &[u8]) -> TestResult<Endpoint> {
    let shown = certificates::authority().issue(["127.0.0.1"])?;
    let chain = vec![CertificateDer::from_pem_slice(shown.pem().as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(shown.key_pem().as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![protocol.to_vec()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    Ok(Endpoint::server(config, ([127, 0, 0, 1], 0).into())?)
}

/// Opens a lane and writes what it begins with.
pub(crate) async fn lane(connection: &Connection, number: u32, bytes: &[u8]) -> TestResult<quinn::SendStream> {
    let mut lane = connection.open_uni().await?;
    lane.write_all(&number.to_le_bytes()).await?;
    lane.write_all(bytes).await?;
    Ok(lane)
}

/// The lane of a client's call.
pub(crate) fn lane_of_call(call: u32) -> u32 {
    1 + 4 * call
}

/// Says hello, and reads the server's. Gives both lanes of the connection itself.
pub(crate) async fn greet(connection: &Connection) -> TestResult<(quinn::SendStream, RecvStream)> {
    let control = lane(connection, 0, &raw::client_hello()).await?;
    let mut heard = connection.accept_uni().await?;
    let mut begin = vec![0; 4 + raw::server_hello().len()];
    heard.read_exact(&mut begin).await?;
    assert_eq!(begin[..4], [0; 4], "the hello is on lane 0");
    assert_eq!(begin[4..12], *b"farcall\0");
    Ok((control, heard))
}
