//! The list of transports, and a server behind one of them.

use farcall::{Channel, Result, RunningServer, Server, client::ChannelBuilder, contract::ContractCheck};

/// One test for each transport from functions `async fn(Transport) -> TestResult`. This is the list: a new transport
/// joins here.
#[macro_export]
macro_rules! over_every_transport {
    ($($test:ident),* $(,)?) => {
        $crate::over_transport!(tcp, Tcp, $($test),*);
        $crate::over_transport!(udp, Udp, $($test),*);
        $crate::over_transport!(unix, Unix, $($test),*);
        $crate::over_transport!(loopback, Loopback, $($test),*);
        $crate::over_encrypted!($($test),*);
    };
}

/// The same for tests that need the running server or several connections, which a loopback channel keeps to itself.
#[macro_export]
macro_rules! over_every_socket {
    ($($test:ident),* $(,)?) => {
        mod sockets {
            use super::*;

            $crate::over_transport!(tcp, Tcp, $($test),*);
            $crate::over_transport!(udp, Udp, $($test),*);
            $crate::over_transport!(unix, Unix, $($test),*);
            $crate::over_encrypted!($($test),*);
        }
    };
}

/// The encrypted transports that are built.
#[cfg(feature = "quic")]
#[doc(hidden)]
#[macro_export]
macro_rules! over_encrypted {
    ($($test:ident),*) => {
        $crate::over_transport!(tls, Tls, $($test),*);
        $crate::over_transport!(quic, Quic, $($test),*);
    };
}

#[cfg(all(feature = "tls", not(feature = "quic")))]
#[doc(hidden)]
#[macro_export]
macro_rules! over_encrypted {
    ($($test:ident),*) => {
        $crate::over_transport!(tls, Tls, $($test),*);
    };
}

#[cfg(not(feature = "tls"))]
#[doc(hidden)]
#[macro_export]
macro_rules! over_encrypted {
    ($($test:ident),*) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! over_transport {
    ($name:ident, $transport:ident, $($test:ident),*) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() -> $crate::TestResult {
                    // Only a test that hangs notices it.
                    let limit = std::time::Duration::from_secs(60);
                    tokio::time::timeout(limit, super::$test($crate::Transport::$transport)).await?
                }
            )*
        }
    };
}

/// A way for bytes to travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
    Unix,
    Loopback,
    #[cfg(feature = "tls")]
    Tls,
    #[cfg(feature = "quic")]
    Quic,
}

/// A server and the way to it.
pub struct Site {
    pub channel: Channel,
    transport: Transport,
    server: Option<RunningServer>,
    directory: Option<tempfile::TempDir>,
}

impl Transport {
    /// Runs `server` and connects to it.
    pub async fn serve(self, server: Server) -> Result<Site> {
        self.serve_to(server, Channel::builder()).await
    }

    /// Runs `server` and connects to it, and neither side looks whether the other one has the same types.
    pub async fn serve_unchecked(self, server: Server) -> Result<Site> {
        let client = Channel::builder().contracts(ContractCheck::Off);
        self.serve_to(server.contracts(ContractCheck::Off), client).await
    }

    /// Runs `server` and connects to it with the options of `client`.
    pub async fn serve_to(self, server: Server, client: ChannelBuilder) -> Result<Site> {
        let (address, directory) = match self {
            Self::Tcp => ("tcp://127.0.0.1:0".to_owned(), None),
            Self::Udp => ("udp://127.0.0.1:0".to_owned(), None),
            #[cfg(feature = "tls")]
            Self::Tls => ("tls://127.0.0.1:0".to_owned(), None),
            #[cfg(feature = "quic")]
            Self::Quic => ("quic://127.0.0.1:0".to_owned(), None),
            Self::Unix => {
                let directory = tempfile::tempdir().expect("a place for a socket");
                let address = format!("unix://{}/sock", directory.path().display());
                (address, Some(directory))
            }
            Self::Loopback => {
                return Ok(Site {
                    channel: client.loopback(server),
                    transport: self,
                    server: None,
                    directory: None,
                });
            }
        };
        let server = self.secured(server).listen(address.as_str()).await?;
        Ok(Site {
            channel: self.secured_client(client).connect(server.local_addr()).await?,
            transport: self,
            server: Some(server),
            directory,
        })
    }
}

/// What an encrypted transport needs, and what lets it be without where none is built.
#[cfg(feature = "tls")]
impl Transport {
    fn is_encrypted(self) -> bool {
        match self {
            Self::Tcp | Self::Udp | Self::Unix | Self::Loopback => false,
            Self::Tls => true,
            #[cfg(feature = "quic")]
            Self::Quic => true,
        }
    }

    pub fn secured(self, server: Server) -> Server {
        if self.is_encrypted() {
            server.tls(certificates::server())
        } else {
            server
        }
    }

    fn secured_client(self, client: ChannelBuilder) -> ChannelBuilder {
        if self.is_encrypted() {
            client.tls(certificates::client())
        } else {
            client
        }
    }
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_self, reason = "the same signatures as with the feature")]
impl Transport {
    pub fn secured(self, server: Server) -> Server {
        server
    }

    fn secured_client(self, client: ChannelBuilder) -> ChannelBuilder {
        client
    }
}

/// The certificate of all servers of the process.
#[cfg(feature = "tls")]
pub mod certificates {
    use std::sync::LazyLock;

    use farcall::tls::{ClientTls, DevAuthority, DevCertificate, ServerTls};

    static MADE: LazyLock<(DevAuthority, DevCertificate)> = LazyLock::new(|| {
        let authority = DevAuthority::new().expect("random numbers");
        let shown = authority.issue(["localhost", "127.0.0.1", "::1"]);
        (authority, shown.expect("names that can be"))
    });

    pub fn authority() -> &'static DevAuthority {
        &MADE.0
    }

    pub fn server() -> ServerTls {
        ServerTls::pem(MADE.1.pem(), MADE.1.key_pem())
    }

    pub fn client() -> ClientTls {
        ClientTls::new().authority(MADE.0.pem())
    }
}

impl Site {
    /// The running server.
    pub fn server(&self) -> &RunningServer {
        self.server.as_ref().expect("loopback keeps its server to itself")
    }

    /// One more connection to the same server.
    pub async fn connect(&self) -> Result<Channel> {
        self.client().connect(self.server().local_addr()).await
    }

    /// What a client of the server begins with.
    pub fn client(&self) -> ChannelBuilder {
        self.transport.secured_client(Channel::builder())
    }

    /// What is left when no calls are made through the channel any more.
    pub fn without_channel(self) -> impl Sized {
        (self.server, self.directory)
    }

    /// Cuts the server off.
    pub fn stop_server(&mut self) {
        self.server = None;
    }
}
