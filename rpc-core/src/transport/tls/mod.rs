//! TLS: what a client trusts ([`ClientTls`]), what a server shows ([`ServerTls`]), and who the peer is
//! ([`PeerCertificate`]).
//!
//! The cryptography is that of rustls with ring: it builds everywhere with a C compiler alone. A rustls configuration
//! of your own may use another provider: see [`ClientTls::from_config`].
//!
//! ```no_run
//! use farcall::{Channel, Server, tls::{ClientTls, ServerTls}};
//! # #[farcall::service] pub trait Inventory { async fn ping(&self) -> u64; }
//! # struct Warehouse;
//! # impl Inventory for Warehouse { async fn ping(&self) -> u64 { 1 } }
//!
//! # async fn example() -> farcall::Result<()> {
//! let server = Server::new()
//!     .service(InventoryServer::new(Warehouse))
//!     .tls(ServerTls::files("server.pem", "server.key"))
//!     .listen("tls://0.0.0.0:7401")
//!     .await?;
//!
//! // Trusts the authorities that the operating system trusts.
//! let inventory = InventoryClient::connect("tls://inventory.example:7401").await?;
//!
//! // Trusts an authority of your own, and shows a certificate.
//! let tls = ClientTls::new().authority_file("ca.pem").certificate_files("client.pem", "client.key");
//! let channel = Channel::builder().tls(tls).connect("tls://inventory.internal:7401").await?;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod client;
mod connector;
#[cfg(feature = "dev-certificates")]
mod dev;
mod event;
mod explain;
mod listener;
mod pem;
mod pinned;
mod reload;
mod server;
mod stream;
mod upkeep;
mod verified;

use std::sync::Arc;

use rustls::{
    SupportedProtocolVersion,
    crypto::{CryptoProvider, ring},
    version::{TLS12, TLS13},
};

pub use certificate::PeerCertificate;
pub use client::ClientTls;
pub(super) use connector::TlsConnector;
#[cfg(feature = "dev-certificates")]
pub use dev::{DevAuthority, DevCertificate};
pub use event::TlsEvent;
#[cfg(feature = "quic")]
pub(super) use explain::TlsSide;
pub(super) use listener::listen;
#[cfg(feature = "quic")]
pub(super) use server::ServerCredentials;
pub use server::ServerTls;
#[cfg(feature = "quic")]
pub(super) use upkeep::Upkeep;
#[cfg(feature = "quic")]
pub(super) use verified::identity_of;

/// What both sides say in a TLS handshake that they speak (ALPN).
pub(super) const PROTOCOL: &[u8] = b"farcall";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn versions(with_tls12: bool) -> &'static [&'static SupportedProtocolVersion] {
    const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    const NEW: &[&SupportedProtocolVersion] = &[&TLS13];
    if with_tls12 { BOTH } else { NEW }
}
