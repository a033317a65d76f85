//! One UDP socket: many datagrams with one system call, both ways.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket as StdSocket},
    sync::Arc,
    task::{Context, Poll, ready},
};

use quinn_udp::{RecvMeta, Transmit as Datagrams, UdpSocketState};
use socket2::SockRef;
use tokio::{io::Interest, net::UdpSocket};

use super::blocks::{self, BATCH};
use crate::proto::datagram::{Datagram, Transmit};

/// The buffer to ask the system for, in each direction. It gives what its administrator allows.
const BUFFER: usize = 4 << 20;
/// The window that every system has room for, and the one that is enough for 1 Gbit/s over 16 ms.
const WINDOW: (usize, usize) = (64 << 10, 2 << 20);
/// Datagrams handed over with one call: together they stay below the length of an IP packet.
const MOST_SEGMENTS: usize = 65_000 / 1452;
/// After a receive that did not fill its buffers, new datagrams cause a new edge, so there is no need to ask again.
const EDGES: bool = cfg!(any(target_os = "linux", target_os = "android"));
/// Only a connected socket hears of the other end's refusals. On other systems such a socket takes no destination.
const CONNECTS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// `EMSGSIZE`, for which the standard library has no name.
const TOO_LONG: i32 = if cfg!(windows) {
    10040
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else {
    40
};

/// One UDP socket. It never fragments.
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    window: u32,
}

/// A run of datagrams from one sender, each `stride` bytes long but the last.
pub(super) struct ReceivedRun<'a> {
    pub(super) from: SocketAddr,
    /// Where it was sent to, if the system says so.
    pub(super) to: Option<IpAddr>,
    bytes: &'a [u8],
    pub(super) stride: usize,
}

impl<'a> ReceivedRun<'a> {
    /// The datagrams, those of one session in a row as one piece: its first datagram, and all its bytes.
    pub(super) fn by_session(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let (mut rest, stride) = (self.bytes, self.stride.max(1));
        std::iter::from_fn(move || {
            let mut datagrams = rest.chunks(stride);
            let first = datagrams.next()?;
            let session = Datagram::peek_session(first);
            let alike =
                datagrams.take_while(|datagram| session.is_some() && Datagram::peek_session(datagram) == session);
            let length = first.len() + alike.map(<[u8]>::len).sum::<usize>();
            let piece;
            (piece, rest) = rest.split_at(length);
            Some((first, piece))
        })
    }

    pub(super) fn datagrams(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.stride.max(1))
    }
}

/// Datagrams on their way out, as far as the socket has not taken them.
pub(super) struct OutgoingDatagrams {
    pub(super) transmit: Transmit,
    pub(super) bytes: Vec<u8>,
    pub(super) taken: usize,
}

/// What became of datagrams.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SendResult {
    /// They left, or are lost as any datagram may be.
    All,
    /// The socket takes no more now.
    Full,
    /// The path does not take datagrams of this size.
    TooBig,
    /// An earlier datagram was refused; these are not sent yet.
    Refused,
}

/// A socket with another port than that of `peer`: on this machine it would be the peer itself otherwise, and keep a
/// server from listening there.
fn apart_from(peer: SocketAddr, socket: StdSocket) -> io::Result<StdSocket> {
    let local = socket.local_addr()?;
    if local.port() == peer.port() {
        // The one that is there keeps the system from giving its port again.
        return StdSocket::bind(SocketAddr::new(local.ip(), 0));
    }
    Ok(socket)
}

impl Socket {
    /// A socket for a session with `peer`.
    pub(super) fn connect(peer: SocketAddr) -> io::Result<Self> {
        Self::new(on_the_way_to(peer)?)
    }

    /// A socket that is bound. Its tasks are those of the runtime that this is called in.
    pub(super) fn new(socket: StdSocket) -> io::Result<Self> {
        enlarge(&socket);
        let window = window(SockRef::from(&socket).recv_buffer_size()?);
        let state = UdpSocketState::new((&socket).into())?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            io: UdpSocket::from_std(socket)?,
            state,
            window,
        })
    }

    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// How many bytes a peer may send before it hears that some arrived.
    pub(super) fn window(&self) -> u32 {
        self.window
    }

    /// How many datagrams leave with one call.
    pub(super) fn max_segments(&self) -> usize {
        self.state.max_gso_segments().clamp(1, MOST_SEGMENTS)
    }

    /// Receives once, and returns how many datagrams came. A refusal alone wakes no task: the next receive or send
    /// finds it.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(&ReceivedRun<'_>),
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_receive(&mut each) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(self.io.poll_recv_ready(cx))?,
                received => return Poll::Ready(received),
            }
        }
    }

    /// Receives once, and also wakes for a refusal.
    pub(super) async fn receive(&self, mut each: impl FnMut(&ReceivedRun<'_>)) -> io::Result<usize> {
        loop {
            self.io.ready(Interest::READABLE | Interest::ERROR).await?;
            match self.try_receive(&mut each) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    }

    fn try_receive(&self, each: &mut impl FnMut(&ReceivedRun<'_>)) -> io::Result<usize> {
        match self.receive_when(Interest::READABLE, each) {
            // A refusal does not make a socket readable.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.receive_when(Interest::ERROR, each),
            received => received,
        }
    }

    fn receive_when(&self, ready: Interest, each: &mut impl FnMut(&ReceivedRun<'_>)) -> io::Result<usize> {
        blocks::with_buffers(|buffers| {
            let mut metas = [RecvMeta::default(); BATCH];
            let mut received = 0;
            let result = self.io.try_io(ready, || {
                received = self.state.recv((&self.io).into(), buffers, &mut metas)?;
                // "Would block" tells the runtime that the socket is empty.
                let empty = EDGES && received < BATCH;
                if empty {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            if received == 0 {
                result?;
            }
            let mut datagrams = 0;
            for (buffer, meta) in buffers.iter().zip(&metas).take(received) {
                let run = ReceivedRun {
                    from: meta.addr,
                    to: meta.dst_ip,
                    bytes: buffer.get(..meta.len).unwrap_or_default(),
                    stride: meta.stride,
                };
                datagrams += run.datagrams().len();
                each(&run);
            }
            Ok(datagrams)
        })
    }

    /// Sends as much of `outgoing` as the socket takes.
    pub(super) fn send(&self, outgoing: &mut OutgoingDatagrams, from: Option<IpAddr>) -> SendResult {
        let Transmit { to, segment } = outgoing.transmit;
        let mut again = true;
        while let Some(rest) = outgoing.bytes.get(outgoing.taken..).filter(|rest| !rest.is_empty()) {
            let segments = self.max_segments();
            let part = &rest[..rest.len().min(segments.saturating_mul(segment.max(1)))];
            let Err(error) = self.send_part(to, from, segment, part) else {
                outgoing.taken += part.len();
                continue;
            };
            match error.kind() {
                io::ErrorKind::WouldBlock => return SendResult::Full,
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => return SendResult::Refused,
                // The first time it may be about an earlier one.
                _ if is_too_long(&error) && again => again = false,
                _ if is_too_long(&error) => return SendResult::TooBig,
                // The device cannot cut them, as is known from here on.
                _ if self.max_segments() < segments => {}
                _ => outgoing.taken += part.len(),
            }
        }
        SendResult::All
    }

    /// Sends one datagram if the socket takes it: for what the peer asks for again.
    pub(super) fn send_answer(&self, to: SocketAddr, from: Option<IpAddr>, datagram: &[u8]) {
        let _ = self.send_part(to, from, datagram.len(), datagram);
    }

    fn send_part(&self, to: SocketAddr, from: Option<IpAddr>, segment: usize, bytes: &[u8]) -> io::Result<()> {
        let datagrams = Datagrams {
            destination: to,
            ecn: None,
            contents: bytes,
            segment_size: Some(segment).filter(|segment| *segment < bytes.len()),
            src_ip: from,
        };
        self.io.try_io(Interest::WRITABLE, || {
            self.state.try_send((&self.io).into(), &datagrams)
        })
    }

    /// Waits until the socket takes datagrams. Any number of tasks may wait.
    pub(super) async fn writable(self: Arc<Self>) -> io::Result<()> {
        self.io.writable().await
    }
}

/// A socket for datagrams to and from `peer` alone, as far as the system allows.
pub(in crate::transport) fn on_the_way_to(peer: SocketAddr) -> io::Result<StdSocket> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0; 16], 0).into(),
    };
    let socket = apart_from(peer, StdSocket::bind(any)?)?;
    if CONNECTS {
        socket.connect(peer)?;
    }
    Ok(socket)
}

/// Asks for large buffers. If the system gives less, transfers are slower, but nothing fails.
pub(in crate::transport) fn enlarge(socket: &StdSocket) {
    let options = SockRef::from(socket);
    let _ = options.set_recv_buffer_size(BUFFER);
    let _ = options.set_send_buffer_size(BUFFER);
}

/// A quarter of the buffer: the system counts about twice the bytes of a datagram, and a server's buffer is for all
/// sessions.
fn window(buffer: usize) -> u32 {
    (buffer / 4).clamp(WINDOW.0, WINDOW.1) as u32
}

/// Whether `error` says that a datagram was longer than the path takes.
fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(TOO_LONG)
}

/// Whether an error of receiving is about a datagram sent before, or passes: the socket still works.
pub(in crate::transport) fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable, OutOfMemory,
        PermissionDenied,
    };
    is_too_long(error)
        || matches!(
            error.kind(),
            ConnectionRefused
                | ConnectionReset
                | HostUnreachable
                | Interrupted
                | NetworkUnreachable
                | OutOfMemory
                | PermissionDenied
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_does_not_take_the_port_of_its_server() -> io::Result<()> {
        let taken = StdSocket::bind("127.0.0.1:0")?;
        let server = taken.local_addr()?;
        let other = apart_from(server, taken)?;
        assert_ne!(other.local_addr()?.port(), server.port());
        StdSocket::bind(server)?;
        let kept = other.local_addr()?;
        assert_eq!(apart_from(server, other)?.local_addr()?, kept);
        Ok(())
    }
}
