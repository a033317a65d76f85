//! How quinn is set up.

use std::sync::Arc;

use quinn::{
    ClientConfig, ServerConfig, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};

use super::{NEW_LANES, WINDOW};
use crate::{Code, Error};

/// How many clients may wait until their handshake begins, and for how many bytes of theirs there is room.
const WAITING: usize = 128;
const WAITING_BYTES: u64 = 16 << 10;

pub(super) fn client(tls: Arc<rustls::ClientConfig>) -> Result<ClientConfig, Error> {
    let tls = QuicClientConfig::try_from(tls).map_err(|_| unfit("ClientTls"))?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(transport());
    Ok(config)
}

pub(super) fn server(tls: Arc<rustls::ServerConfig>) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::with_crypto(crypto(tls)?);
    config
        .transport_config(transport())
        .max_incoming(WAITING)
        .incoming_buffer_size(WAITING_BYTES)
        .incoming_buffer_size_total(WAITING as u64 * WAITING_BYTES);
    Ok(config)
}

/// The same with another certificate. Tokens of the earlier one stay good.
pub(super) fn renewed(config: &ServerConfig, tls: Arc<rustls::ServerConfig>) -> Result<ServerConfig, Error> {
    let mut config = config.clone();
    config.crypto = crypto(tls)?;
    Ok(config)
}

fn crypto(tls: Arc<rustls::ServerConfig>) -> Result<Arc<QuicServerConfig>, Error> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| unfit("ServerTls"))?;
    Ok(Arc::new(crypto))
}

/// Only a rustls configuration of the user's own can be like that.
fn unfit(whose: &str) -> Error {
    let text = format!("the configuration of `{whose}` cannot be used for QUIC, which needs TLS 1.3 with AES-128-GCM");
    Error::refused_for_good(Code::FailedPrecondition, text)
}

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_uni_streams(VarInt::from_u32(NEW_LANES))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(WINDOW.into())
        // The layers above take turns with pieces of long messages. A piece that has begun is sent to its end, so that
        // few of them are incomplete at the peer.
        .send_fairness(false)
        // The layers above ping, and give up a peer that is silent: two clocks would only contradict each other.
        .max_idle_timeout(None)
        .keep_alive_interval(None);
    Arc::new(config)
}
