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
        }
    };
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
}

/// A server and the way to it.
pub struct Site {
    pub channel: Channel,
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
            Self::Unix => {
                let directory = tempfile::tempdir().expect("a place for a socket");
                let address = format!("unix://{}/sock", directory.path().display());
                (address, Some(directory))
            }
            Self::Loopback => {
                return Ok(Site {
                    channel: client.loopback(server),
                    server: None,
                    directory: None,
                });
            }
        };
        let server = server.listen(address.as_str()).await?;
        Ok(Site {
            channel: client.connect(server.local_addr()).await?,
            server: Some(server),
            directory,
        })
    }
}

impl Site {
    /// The running server.
    pub fn server(&self) -> &RunningServer {
        self.server.as_ref().expect("loopback keeps its server to itself")
    }

    /// One more connection to the same server.
    pub async fn connect(&self) -> Result<Channel> {
        Channel::connect(self.server().local_addr()).await
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
