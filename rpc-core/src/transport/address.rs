//! Where a server is: [`Address`].

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

/// Where a server listens, and which named instance of a service a client means there.
///
/// | form | where |
/// | --- | --- |
/// | `tcp://host:port[/instance]` | TCP; a host name is resolved again for each connection, IPv6 goes in brackets: `tcp://[::1]:80` |
/// | `tls://host:port[/instance]` | TLS over TCP, with the feature `tls` |
/// | `udp://host:port[/instance]` | sessions of UDP datagrams, with the same forms of host and port |
/// | `quic://host:port[/instance]` | QUIC, with the feature `quic` |
/// | `unix:///path[#instance]` | a Unix socket; the path is absolute and has no `#` |
/// | `mem://name[/instance]` | inside this process |
///
/// A name may have several addresses. A client tries them in the system's order, alternating between IPv4 and IPv6. It
/// tries the next one as soon as one fails or after 250 ms of silence, and takes the first that answers (RFC 8305). A
/// server listens on all of them that its machine has.
///
/// The instance may have slashes in it (`tcp://host:80/warehouse/eu`) and is taken as it is, without percent-decoding.
/// `Display` gives the form that was parsed.
///
/// **`tcp://` and `udp://` are neither encrypted nor authenticated**, and UDP is the easiest to attack: anyone who can
/// read the datagrams of a session can forge more. Outside a network that you trust use `tls://` or `quic://`; see
/// [TLS](crate::guide::tls).
///
/// # What UDP is for
/// Calls behave as they do over TCP: each runs at most once, and fails with the same errors. A lost datagram delays
/// only the calls whose bytes it carried. A message is at most [`max_udp_message`](crate::Limits::max_udp_message) (1
/// MiB); larger messages belong on TCP, which also carries much data with less work. A peer that died is noticed later
/// than over TCP: its system does not close the session, so only a refused datagram or
/// [`keepalive`](crate::Limits::keepalive) shows it.
///
/// ```
/// use farcall::transport::Address;
///
/// let address: Address = "tcp://[::1]:7401/warehouse/eu".parse()?;
/// assert_eq!(address.scheme(), "tcp");
/// assert_eq!(address.instance(), Some("warehouse/eu"));
/// assert_eq!(address.to_string(), "tcp://[::1]:7401/warehouse/eu");
///
/// let error = "tcp://localhost".parse::<Address>().unwrap_err();
/// assert_eq!(error.message(), "address `tcp://localhost` has no port; write `tcp://host:port`");
/// # Ok::<(), farcall::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    endpoint: AddressEndpoint,
    instance: Option<String>,
}

/// The address of a server inside a channel.
pub(crate) const LOOPBACK: &str = "loopback://";

/// The part of an address that a transport needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum AddressEndpoint {
    Socket {
        scheme: SocketScheme,
        /// An IPv6 host is without its brackets.
        host: String,
        port: u16,
    },
    Unix(PathBuf),
    Mem(String),
    Custom(String),
}

/// The transports whose addresses have a host and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SocketScheme {
    Tcp,
    Tls,
    Udp,
    Quic,
}

impl SocketScheme {
    pub(super) const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Udp, Self::Quic];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Udp => "udp",
            Self::Quic => "quic",
        }
    }
}

impl Address {
    /// An address of a transport that is not built in, taken as it is. It is the address of your own
    /// [`Connector`](super::Connector)s and [`Listener`](super::Listener)s. [`scheme`](Self::scheme) is the text before
    /// `://`.
    ///
    /// ```
    /// let address = farcall::transport::Address::custom("serial:///dev/ttyS0");
    /// assert_eq!(address.scheme(), "serial");
    /// ```
    pub fn custom(text: impl Into<String>) -> Self {
        Self::new(AddressEndpoint::Custom(text.into()))
    }

    pub(super) fn new(endpoint: AddressEndpoint) -> Self {
        Self {
            endpoint,
            instance: None,
        }
    }

    /// Where a socket is, which `scheme` is spoken over.
    pub(super) fn of_socket(scheme: SocketScheme, socket: SocketAddr) -> Self {
        Self::new(AddressEndpoint::Socket {
            scheme,
            host: host(socket),
            port: socket.port(),
        })
    }

    /// The same place, spoken to with TLS.
    #[cfg(feature = "tls")]
    pub(super) fn over_tls(mut self) -> Self {
        if let AddressEndpoint::Socket { scheme, .. } = &mut self.endpoint {
            *scheme = SocketScheme::Tls;
        }
        self
    }

    /// This address with a named instance of the service; an empty name takes the instance away.
    ///
    /// ```
    /// use farcall::transport::Address;
    ///
    /// let address: Address = "unix:///run/stock.sock".parse()?;
    /// assert_eq!(address.with_instance("eu").to_string(), "unix:///run/stock.sock#eu");
    /// # Ok::<(), farcall::Error>(())
    /// ```
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into()).filter(|name| !name.is_empty());
        self
    }

    /// The transport: `tcp`, `tls`, `udp`, `quic`, `unix`, `mem` or that of a custom address.
    pub fn scheme(&self) -> &str {
        match &self.endpoint {
            AddressEndpoint::Socket { scheme, .. } => scheme.name(),
            AddressEndpoint::Unix(_) => "unix",
            AddressEndpoint::Mem(_) => "mem",
            AddressEndpoint::Custom(text) => text.split_once("://").map_or(text, |(scheme, _)| scheme),
        }
    }

    /// The named instance of a service that calls through this address are for, if not the unnamed one.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Whether a peer with this address is surely on this machine, so that paths and names in memory mean the same to
    /// both.
    pub(crate) fn is_near(&self) -> bool {
        match &self.endpoint {
            AddressEndpoint::Unix(_) | AddressEndpoint::Mem(_) => true,
            AddressEndpoint::Custom(text) => text == LOOPBACK,
            AddressEndpoint::Socket { .. } => false,
        }
    }

    /// Whether nobody else reads what is sent there: it stays on this machine, or is encrypted.
    pub(crate) fn keeps_secrets(&self) -> bool {
        match &self.endpoint {
            AddressEndpoint::Socket { scheme, host, .. } => match scheme {
                SocketScheme::Tls | SocketScheme::Quic => true,
                // A name may lead anywhere, also `localhost`.
                SocketScheme::Tcp | SocketScheme::Udp => {
                    host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
                }
            },
            AddressEndpoint::Unix(_) | AddressEndpoint::Mem(_) | AddressEndpoint::Custom(_) => self.is_near(),
        }
    }

    pub(super) fn endpoint(&self) -> &AddressEndpoint {
        &self.endpoint
    }

    /// The group of peers that this address counts with; `None` where the transport does not tell its peers apart.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let AddressEndpoint::Socket { host, .. } = &self.endpoint else {
            return None;
        };
        // A link-local address has a zone.
        let ip = host.split('%').next()?.parse().ok()?;
        Some(Origin::of(ip))
    }
}

/// The peers that count as one: an IPv4 address, or the network of 2^64 IPv6 addresses that a single host may choose
/// from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl Origin {
    fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) >> 64 << 64;
                Ipv6Addr::from(network).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match &self.endpoint {
            AddressEndpoint::Socket { scheme, host, port } => {
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{}://{open}{host}{close}:{port}", scheme.name())?;
                '/'
            }
            AddressEndpoint::Unix(path) => {
                write!(f, "unix://{}", path.display())?;
                '#'
            }
            AddressEndpoint::Mem(name) => {
                write!(f, "mem://{name}")?;
                '/'
            }
            AddressEndpoint::Custom(text) => {
                f.write_str(text)?;
                '#'
            }
        };
        match &self.instance {
            Some(instance) => write!(f, "{separator}{instance}"),
            None => Ok(()),
        }
    }
}

/// The TCP address of a socket.
impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        Self::of_socket(SocketScheme::Tcp, socket)
    }
}

/// The IP, with the zone, without which a link-local address does not work.
fn host(socket: SocketAddr) -> String {
    match socket {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => socket.ip().to_string(),
    }
}
