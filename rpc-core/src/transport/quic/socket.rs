//! A UDP socket for quinn, which notices that nobody listens at the other end.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket as StdSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit, UdpSocketState},
};
use tokio::{io::Interest, net::UdpSocket};

use super::refusals::Refusals;
use crate::transport::udp::{enlarge, passes};

/// As quinn's own for tokio, but that an error about an earlier datagram is told to [`Refusals`].
#[derive(Debug)]
pub(super) struct QuicSocket {
    io: UdpSocket,
    state: UdpSocketState,
    refusals: Arc<Refusals>,
}

impl QuicSocket {
    /// Its tasks are those of the runtime that this is called in.
    pub(super) fn new(socket: StdSocket, refusals: Arc<Refusals>) -> io::Result<Self> {
        enlarge(&socket);
        let state = UdpSocketState::new((&socket).into())?;
        socket.set_nonblocking(true)?;
        let io = UdpSocket::from_std(socket)?;
        Ok(Self { io, state, refusals })
    }

    /// Takes an error that ends nothing.
    fn pass(&self, error: io::Error) -> io::Result<()> {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.refusals.refuse();
        }
        if passes(&error) { Ok(()) } else { Err(error) }
    }
}

impl AsyncUdpSocket for QuicSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(WritePoller {
            socket: self,
            waiting: None,
        })
    }

    /// What the system does not take for any other reason than its buffer is lost, as datagrams may be.
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let sent = self
            .io
            .try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), transmit));
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.refusals.refuse();
                Ok(())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let received = self
                .io
                .try_io(Interest::READABLE, || self.state.recv((&self.io).into(), buffers, meta));
            match received {
                Ok(count) => {
                    self.refusals.hear();
                    return Poll::Ready(Ok(count));
                }
                // It is not ready any more, and waits with the next round.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => self.pass(error)?,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// Waits until the socket takes datagrams.
struct WritePoller {
    socket: Arc<QuicSocket>,
    waiting: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl UdpPoller for WritePoller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = Arc::clone(&self.socket);
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { socket.io.writable().await }));
        let writable = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(writable)
    }
}

impl fmt::Debug for WritePoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WritePoller").finish_non_exhaustive()
    }
}
