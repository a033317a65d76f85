//! Byte streams between processes: TCP, TLS, QUIC, sessions over UDP, Unix sockets and in-process pipes, chosen by an
//! [`Address`].
//!
//! Only TLS and QUIC encrypt and authenticate: see [`Address`] for what to use outside a trusted network.
//!
//! To add another transport, implement [`Connector`] for the client's side and [`Listener`] for the server's.
//! Everything above works on [`BoxStream`], and knows about the transport only what a [`Connected`] says. A listener
//! hands over a stream as soon as it has one. If the peer must say something before the stream can be used, that is a
//! part of [`Incoming`], so that a silent peer does not delay other peers.

mod address;
mod connected;
mod encrypted;
mod failure;
mod identity;
mod into_address;
mod mem;
mod names;
mod parse;
mod peer;
#[cfg(feature = "quic")]
mod quic;
mod race;
mod security;
mod stream;
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
mod udp;
mod unix;

#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use tokio::runtime::Handle;

use address::{AddressEndpoint, SocketScheme};
pub(crate) use address::{LOOPBACK, Origin};
pub(crate) use failure::{in_words, no_connection};

pub use address::Address;
pub(crate) use connected::LastHeard;
pub use connected::{Connected, Incoming};
pub use identity::Identity;
#[cfg(unix)]
pub use identity::UnixUser;
pub use into_address::IntoAddress;
pub use mem::mem_pair;
pub use peer::Peer;
pub(crate) use security::{ClientSecurity, ServerSecurity};
pub use stream::{Accepting, BoxStream, ByteStream, Connecting, Connector, Listener};

use crate::{Code, Error};

/// The connector for `address`. Nothing is opened before [`Connector::connect`] is called.
///
/// The instance of the address is not used here: the caller names it in its calls.
///
/// # Errors
/// [`Code::Unimplemented`] for an [`Address::custom`], which needs a `Connector` of its own, and for `unix://` on
/// systems without Unix sockets.
pub fn connector(address: &Address) -> Result<Arc<dyn Connector>, Error> {
    secured_connector(address, &ClientSecurity::default())
}

/// The connector for `address`, whose connections are secured like this if they are encrypted.
pub(crate) fn secured_connector(address: &Address, security: &ClientSecurity) -> Result<Arc<dyn Connector>, Error> {
    match address.endpoint() {
        AddressEndpoint::Socket { scheme, host, port } => socket_connector(address, *scheme, host, *port, security),
        AddressEndpoint::Unix(path) => unix::connector(address, path),
        AddressEndpoint::Mem(name) => Ok(Arc::new(mem::MemConnector::new(address.clone(), name.clone()))),
        AddressEndpoint::Custom(_) => Err(no_transport(address, "Connector")),
    }
}

fn socket_connector(
    address: &Address,
    scheme: SocketScheme,
    host: &str,
    port: u16,
    security: &ClientSecurity,
) -> Result<Arc<dyn Connector>, Error> {
    let (own, host) = (address.clone(), host.to_owned());
    match scheme {
        SocketScheme::Tcp => Ok(Arc::new(tcp::TcpConnector::new(own, host, port))),
        SocketScheme::Udp => Ok(Arc::new(udp::UdpConnector::new(own, host, port))),
        SocketScheme::Tls => encrypted::tls_connector(own, host, port, security),
        SocketScheme::Quic => encrypted::quic_connector(own, host, port, security),
    }
}

/// Listens on `address`; port 0 picks a free port, which [`Listener::local_address`] returns.
///
/// If a host name has several addresses, it listens on the first one of this machine, which `local_address` returns,
/// too; [`RunningServer::listen`](crate::RunningServer::listen) listens on all of them.
///
/// Cancel safe: an unfinished bind leaves nothing behind.
///
/// # Errors
/// The error names the address and the cause, and keeps the [`io::Error`] as its source. [`Code::AlreadyExists`]:
/// the address is in use. [`Code::PermissionDenied`]: the operating system refuses. [`Code::InvalidArgument`]:
/// the address has an instance, which only a client's address can have. [`Code::Unimplemented`] as for [`connector`].
/// [`Code::Unavailable`]: anything else, such as a host name that does not resolve.
pub async fn bind(address: &Address) -> Result<Box<dyn Listener>, Error> {
    let mut all = bind_all(address, &[], &ServerSecurity::default()).await?;
    // There is one at least, or there was an error.
    Ok(match all.swap_remove(0) {
        Listeners::One(listener) => listener,
        Listeners::PerShard(mut listeners) => listeners.swap_remove(0),
    })
}

/// What listens at one address.
pub(crate) enum Listeners {
    /// One listener, on the runtime that it was made in. Its streams may be served by any.
    One(Box<dyn Listener>),
    /// One on the runtime of each shard, for streams that are served there.
    PerShard(Vec<Box<dyn Listener>>),
}

/// Listens on every address of this machine that the name in `address` has, all with one port. The connections are
/// served by the runtimes `shards`, or by this one if there are none.
pub(crate) async fn bind_all(
    address: &Address,
    shards: &[Handle],
    security: &ServerSecurity,
) -> Result<Vec<Listeners>, Error> {
    if let Some(instance) = address.instance() {
        let message =
            format!("cannot listen on `{address}`: the instance `{instance}` belongs in a client's address only");
        return Err(Error::refused(Code::InvalidArgument, message));
    }
    let hands_over = !shards.is_empty();
    let bound = match address.endpoint() {
        AddressEndpoint::Socket { scheme, host, port } => match scheme {
            SocketScheme::Tcp => tcp::bind(host, *port, hands_over).await,
            SocketScheme::Udp => udp::bind(host, *port, shards).await,
            SocketScheme::Tls => {
                return encrypted::listen_tls(address, tcp::bind(host, *port, hands_over).await, security).await;
            }
            SocketScheme::Quic => return encrypted::listen_quic(address, host, *port, security).await,
        },
        AddressEndpoint::Unix(path) => unix::bind(address, path, hands_over).await.map(one),
        AddressEndpoint::Mem(name) => mem::bind(address, name).map(one),
        AddressEndpoint::Custom(_) => return Err(no_transport(address, "Listener")),
    };
    bound.map_err(|cause| cannot_listen(address, cause))
}

fn one(listener: Box<dyn Listener>) -> Vec<Listeners> {
    vec![Listeners::One(listener)]
}

fn cannot_listen(address: &Address, cause: io::Error) -> Error {
    let code = match cause.kind() {
        io::ErrorKind::AddrInUse => Code::AlreadyExists,
        io::ErrorKind::PermissionDenied => Code::PermissionDenied,
        io::ErrorKind::InvalidInput => Code::InvalidArgument,
        io::ErrorKind::Unsupported => Code::Unimplemented,
        _ => Code::Unavailable,
    };
    Error::refused(code, format!("cannot listen on `{address}`: {cause}")).with_told_cause(cause)
}

/// Unused in a build with all of them.
#[allow(dead_code, reason = "depends on features")]
fn lacks_feature(address: &Address) -> Error {
    let scheme = address.scheme();
    let message =
        format!("`{address}`: farcall was built without its feature `{scheme}`; add it to `features` in Cargo.toml");
    Error::refused(Code::Unimplemented, message)
}

fn no_transport(address: &Address, needed: &str) -> Error {
    let scheme = address.scheme();
    let message = format!("`{address}`: no transport for `{scheme}` is built in; pass a `{needed}` of your own");
    Error::refused(Code::Unimplemented, message)
}
