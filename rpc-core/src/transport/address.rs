//! Where a server is: [`Address`].

use std::{fmt, net::SocketAddr, path::PathBuf};

use crate::Error;

/// Where a server listens, and which named instance of a service a client means there.
///
/// | form | where |
/// | --- | --- |
/// | `tcp://host:port[/instance]` | TCP; a host name is resolved anew for each connection, IPv6 goes in brackets: `tcp://[::1]:80` |
/// | `unix:///path[#instance]` | a Unix socket; the path is absolute and has no `#` |
/// | `mem://name[/instance]` | inside this process |
///
/// The instance may have slashes in it (`tcp://host:80/warehouse/eu`) and is taken as it is, without percent-decoding.
/// `Display` gives the form that was parsed.
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
    endpoint: Endpoint,
    instance: Option<String>,
}

/// The part of an address that a transport needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Tcp {
        /// An IPv6 host is without its brackets.
        host: String,
        port: u16,
    },
    Unix(PathBuf),
    Mem(String),
    Custom(String),
}

impl Address {
    /// An address of a transport that is not built in, taken as it is: [`Connector`](super::Connector)s and
    /// [`Listener`](super::Listener)s of your own name themselves with it. [`scheme`](Self::scheme) is what stands
    /// before `://`.
    ///
    /// ```
    /// let address = farcall::transport::Address::custom("serial:///dev/ttyS0");
    /// assert_eq!(address.scheme(), "serial");
    /// ```
    pub fn custom(text: impl Into<String>) -> Self {
        Self::new(Endpoint::Custom(text.into()))
    }

    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            instance: None,
        }
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

    /// The transport: `tcp`, `unix`, `mem` or that of a custom address.
    pub fn scheme(&self) -> &str {
        match &self.endpoint {
            Endpoint::Tcp { .. } => "tcp",
            Endpoint::Unix(_) => "unix",
            Endpoint::Mem(_) => "mem",
            Endpoint::Custom(text) => text.split_once("://").map_or(text, |(scheme, _)| scheme),
        }
    }

    /// The named instance of a service that calls through this address are for, if not the unnamed one.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match &self.endpoint {
            Endpoint::Tcp { host, port } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")?;
                '/'
            }
            Endpoint::Tcp { host, port } => {
                write!(f, "tcp://{host}:{port}")?;
                '/'
            }
            Endpoint::Unix(path) => {
                write!(f, "unix://{}", path.display())?;
                '#'
            }
            Endpoint::Mem(name) => {
                write!(f, "mem://{name}")?;
                '/'
            }
            Endpoint::Custom(text) => {
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

impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Self {
        let host = match socket {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => socket.ip().to_string(),
        };
        Self::new(Endpoint::Tcp {
            host,
            port: socket.port(),
        })
    }
}

/// What can be given where an address is wanted: a URL as text, or an [`Address`].
///
/// ```
/// use farcall::transport::{Address, IntoAddress};
///
/// fn scheme(address: impl IntoAddress) -> farcall::Result<String> {
///     Ok(address.into_address()?.scheme().to_owned())
/// }
/// assert_eq!(scheme("mem://stock")?, "mem");
/// # Ok::<(), farcall::Error>(())
/// ```
pub trait IntoAddress {
    /// The address.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) with what is wrong and the right form.
    fn into_address(self) -> Result<Address, Error>;
}

impl IntoAddress for Address {
    fn into_address(self) -> Result<Address, Error> {
        Ok(self)
    }
}

impl IntoAddress for &Address {
    fn into_address(self) -> Result<Address, Error> {
        Ok(self.clone())
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}

impl IntoAddress for String {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}

impl IntoAddress for &String {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}
