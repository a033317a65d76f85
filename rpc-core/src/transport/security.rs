//! With what the connections of a channel, or of a server, are secured.

#[cfg(feature = "tls")]
use super::tls::{ClientTls, ServerTls};

/// With what a channel secures its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientSecurity {
    #[cfg(feature = "tls")]
    pub(crate) tls: ClientTls,
}

/// With what a server secures its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerSecurity {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
}
