//! What a transport consists of: a byte stream, who opens it and who accepts it.

use std::{fmt, future::Future, io, pin::Pin};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Address, Connected, Incoming};

/// A connection's bytes, in order, both ways. Implemented by everything that fits.
///
/// Bytes count as a sign of life for [`Limits::keepalive`](crate::Limits::keepalive) when they are read. A stream over
/// UDP knows more than that; [`Connected`] keeps it when the stream is wrapped.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for S {}

/// A [`ByteStream`] of any transport. Vectored writes reach the stream inside.
pub type BoxStream = Box<dyn ByteStream>;

/// The future of [`Connector::connect`]: an open stream.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Connected>> + Send + 'a>>;

/// The future of [`Listener::accept`]: a stream that is open, or to be opened.
pub type Accepting<'a> = Pin<Box<dyn Future<Output = io::Result<Incoming>> + Send + 'a>>;

/// Opens connections to one address: the client's half of a transport.
///
/// # Errors and what they mean to callers
/// An error of [`connect`](Self::connect), or of its stream before the server has said hello, fails the calls that wait
/// for the connection. Its kind decides whether they are [retryable](crate::Error::is_retryable):
///
/// | [`io::ErrorKind`] | the calls fail as | retryable |
/// | --- | --- | --- |
/// | `InvalidInput`, such as a path that is too long | [`InvalidArgument`](crate::Code::InvalidArgument) | no |
/// | `InvalidData`, such as a certificate that is not trusted | [`FailedPrecondition`](crate::Code::FailedPrecondition) | no |
/// | `PermissionDenied` | [`PermissionDenied`](crate::Code::PermissionDenied) | no |
/// | `Unsupported` | [`Unimplemented`](crate::Code::Unimplemented) | no |
/// | every other: refusals and resets, `NotFound` of a socket file whose server has not started yet, names that do not resolve, `Other` | [`Unavailable`](crate::Code::Unavailable) | yes |
///
/// A transport that knows better returns a [`farcall::Error`](crate::Error), whose code and text are used then. `?`
/// puts it into the `io::Error`:
///
/// ```
/// use farcall::Error;
///
/// fn check(trusted: bool) -> std::io::Result<()> {
///     if !trusted {
///         Err(Error::unauthenticated("the server's certificate has expired"))?;
///     }
///     Ok(())
/// }
/// assert!(check(false).is_err());
/// ```
///
/// # Example
///
/// ```
/// use std::io;
/// use farcall::transport::{Address, Connecting, Connector};
///
/// /// Leads nowhere: every attempt is refused.
/// #[derive(Debug)]
/// struct Nowhere(Address);
///
/// impl Connector for Nowhere {
///     fn connect(&self) -> Connecting<'_> {
///         Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
///     }
///
///     fn address(&self) -> &Address {
///         &self.0
///     }
/// }
///
/// let nowhere = Nowhere(Address::custom("nowhere://"));
/// assert_eq!(nowhere.address().scheme(), "nowhere");
/// ```
pub trait Connector: Send + Sync + fmt::Debug + 'static {
    /// Opens a new connection; may be called again and from several tasks at once.
    ///
    /// Has no time limit of its own. Must be cancel safe: dropping the future gives the attempt up and leaves nothing
    /// open.
    fn connect(&self) -> Connecting<'_>;

    /// Where this connector leads, as errors name it.
    fn address(&self) -> &Address;
}

/// Accepts connections: the server's half of a transport. Dropping it stops listening and frees the address.
pub trait Listener: Send + 'static {
    /// Waits for the next connection.
    ///
    /// It must not wait for bytes from a peer: a silent peer would delay all others. If a peer has to say something
    /// before the stream can be used, as in a TLS handshake, that is a part of [`Incoming`].
    ///
    /// Must be cancel safe: a connection not yet returned stays in line for the next call. An error concerns one
    /// connection or a shortage that may pass (file descriptors); the listener must remain usable.
    fn accept(&mut self) -> Accepting<'_>;

    /// Where this listener listens, with the port that was picked for port 0.
    fn local_address(&self) -> Address;

    /// Takes no new connections from now on. Returns whether [`accept`](Self::accept) must still be polled, because it
    /// carries open connections; if not, the listener is dropped next.
    ///
    /// Most listeners are done once they accept no more. A listener that carries many connections over one socket, as
    /// for UDP, is polled until they have ended. A listener that wraps another one asks it.
    fn stop(&mut self) -> bool {
        false
    }
}
