//! An open stream with what its transport knows about it, and one that a listener has accepted and that is opened next.

use std::{fmt, future::Future, io, pin::Pin, sync::Arc, time::Instant};

use super::{Address, BoxStream, Identity, Peer};
use crate::{proto::Carrier, sync::Mutex};

/// An open stream, the address of its other end, and what its transport knows about it.
///
/// A transport that wraps another one keeps what the inner one knows: [`map`](Self::map) exchanges the stream and
/// [`with_peer`](Self::with_peer) the address.
///
/// ```
/// use farcall::transport::{Address, Connected, mem_pair};
///
/// let (here, _there) = mem_pair();
/// let connected = Connected::new(here, Address::custom("serial:///dev/ttyUSB0"));
/// assert_eq!(connected.peer().to_string(), "serial:///dev/ttyUSB0");
/// ```
pub struct Connected(Box<ConnectedInner>);

/// In a box, since it passes through the tasks of many connections that wait to be opened.
struct ConnectedInner {
    stream: BoxStream,
    peer: Address,
    identity: Option<Identity>,
    carrier: Carrier,
    near: bool,
    heard: Option<LastHeard>,
}

impl Connected {
    /// A stream of bytes to or from `peer`, which may be on another machine.
    pub fn new(stream: BoxStream, peer: Address) -> Self {
        Self(Box::new(ConnectedInner {
            stream,
            peer,
            identity: None,
            carrier: Carrier::Stream,
            near: false,
            heard: None,
        }))
    }

    /// Says that the peer certainly is on this machine, so that paths and names in memory mean the same to both:
    /// clients of services at `unix://` and `mem://` addresses may then be sent over the connection.
    #[must_use]
    pub fn near(mut self) -> Self {
        self.0.near = true;
        self
    }

    /// The same connection over a stream that wraps the present one.
    #[must_use]
    pub fn map(self, wrap: impl FnOnce(BoxStream) -> BoxStream) -> Self {
        let inner = *self.0;
        let stream = wrap(inner.stream);
        Self(Box::new(ConnectedInner { stream, ..inner }))
    }

    /// The same connection under another address of the peer.
    #[must_use]
    pub fn with_peer(mut self, peer: Address) -> Self {
        self.0.peer = peer;
        self
    }

    /// The same connection with a peer whose identity was verified. Without this the peer has no identity, and a
    /// server that asks for one refuses its calls.
    ///
    /// ```
    /// use farcall::transport::{Address, Connected, Identity, mem_pair};
    ///
    /// let (here, _there) = mem_pair();
    /// let connected = Connected::new(here, Address::custom("serial:///dev/ttyUSB0"));
    /// let connected = connected.with_identity(Identity::new(["serial:ttyUSB0"]));
    /// assert_eq!(connected.identity().map(Identity::name), Some("serial:ttyUSB0"));
    /// ```
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.0.identity = Some(identity);
        self
    }

    /// The same connection with a peer who is this, if it is known.
    #[cfg(feature = "tls")]
    pub(super) fn with_verified(mut self, identity: Option<Identity>) -> Self {
        self.0.identity = identity;
        self
    }

    /// The address of the other end.
    pub fn peer(&self) -> &Address {
        &self.0.peer
    }

    /// Who the other end is, if the transport has verified that.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    /// The other end as the layers above know it.
    pub(crate) fn whole_peer(&self) -> Arc<Peer> {
        Arc::new(Peer::new(self.0.peer.clone(), self.0.identity.clone()))
    }

    /// The stream alone.
    pub fn into_stream(self) -> BoxStream {
        self.0.stream
    }

    /// A stream whose frames come in datagrams, and may overtake each other.
    pub(super) fn over_datagrams(mut self, heard: LastHeard) -> Self {
        self.0.carrier = Carrier::Datagrams;
        self.0.heard = Some(heard);
        self
    }

    /// A stream whose frames travel on lanes, and may overtake each other.
    #[cfg(feature = "quic")]
    pub(super) fn over_lanes(mut self, heard: LastHeard) -> Self {
        self.0.carrier = Carrier::Lanes;
        self.0.heard = Some(heard);
        self
    }

    pub(crate) fn stream(&mut self) -> &mut BoxStream {
        &mut self.0.stream
    }

    pub(crate) fn carrier(&self) -> Carrier {
        self.0.carrier
    }

    pub(crate) fn is_near(&self) -> bool {
        self.0.near
    }

    /// The stream, and when the peer was heard last, if the transport knows more about that than the bytes that are
    /// read: a datagram may come long before the frame that it belongs to is complete.
    pub(crate) fn into_parts(self) -> (BoxStream, Option<LastHeard>) {
        (self.0.stream, self.0.heard)
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("peer", &self.0.peer)
            .field("identity", &self.0.identity)
            .field("carrier", &self.0.carrier)
            .field("near", &self.0.near)
            .finish_non_exhaustive()
    }
}

/// When the peer of a stream was heard last. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastHeard(Arc<Mutex<Option<Instant>>>);

impl LastHeard {
    pub(super) fn set(&self, at: Option<Instant>) {
        *self.0.lock() = at;
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        *self.0.lock()
    }
}

/// A stream that a listener has accepted. It may have to be opened before it can be used, for example by a TLS
/// handshake or a proxy's preface. The server does that in the connection's own task, within
/// [`handshake_timeout`](crate::Limits::handshake_timeout), so a silent peer does not delay other peers.
///
/// ```
/// use std::io;
///
/// use farcall::transport::{Address, BoxStream, Connected, Incoming};
/// use tokio::io::AsyncReadExt;
///
/// /// Each client begins with a byte that says who it is.
/// fn greeted(mut stream: BoxStream, peer: Address) -> Incoming {
///     Incoming::new(peer.clone(), async move {
///         match stream.read_u8().await? {
///             7 => Ok(Connected::new(stream, peer)),
///             _ => Err(io::ErrorKind::PermissionDenied.into()),
///         }
///     })
/// }
/// # let _ = greeted;
/// ```
pub struct Incoming {
    peer: Address,
    opening: Opening,
}

enum Opening {
    Done(Connected),
    Ahead(Pin<Box<dyn Future<Output = io::Result<Connected>> + Send>>),
}

impl Incoming {
    /// A stream from `peer` that `opening` opens. Dropping `opening` closes the stream.
    pub fn new(peer: Address, opening: impl Future<Output = io::Result<Connected>> + Send + 'static) -> Self {
        Self {
            peer,
            opening: Opening::Ahead(Box::pin(opening)),
        }
    }

    /// The address of the other end, as far as it is known before the stream is open.
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// Opens the stream. Cancel safe: dropping the future closes the stream.
    ///
    /// # Errors
    /// Those of the transport.
    pub async fn open(self) -> io::Result<Connected> {
        match self.opening {
            Opening::Done(connected) => Ok(connected),
            Opening::Ahead(opening) => opening.await,
        }
    }

    /// The same stream, which `then` turns into another one as soon as it is open.
    ///
    /// A listener that wraps another one wraps its streams with it.
    #[must_use]
    pub fn map(self, then: impl FnOnce(Connected) -> Connected + Send + 'static) -> Self {
        match self.opening {
            Opening::Done(connected) => then(connected).into(),
            Opening::Ahead(opening) => Self::new(self.peer, async { opening.await.map(then) }),
        }
    }
}

impl From<Connected> for Incoming {
    fn from(connected: Connected) -> Self {
        Self {
            peer: connected.peer().clone(),
            opening: Opening::Done(connected),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("peer", &self.peer)
            .field("is_open", &matches!(self.opening, Opening::Done(_)))
            .finish()
    }
}
