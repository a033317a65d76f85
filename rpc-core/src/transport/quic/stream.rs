//! A connection of QUIC as a byte stream.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use quinn::{Connection, crypto::rustls::HandshakeData};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    BROKEN, CLOSED, Driven,
    explain::explained,
    inbound::{Inbound, InboundEnd},
    outbound::{Outbound, OutboundEnd},
    refusals::Refusals,
};
use crate::{
    proto::Role,
    transport::{
        Address, Connected, LastHeard,
        tls::{TlsSide, identity_of},
    },
};

/// So many refused datagrams in a row, with none from the server in between, end a connection: a single refusal may be
/// forged, or come from a server that is just restarting.
const REFUSALS: usize = 3;

/// A connection as a byte stream of frames, each of which travels on its lane.
///
/// A task of its own moves the connection ([`Driven`]), so it also goes on while nobody reads or writes.
pub(super) struct QuicStream {
    inbound: Inbound,
    outbound: Outbound,
    connection: Connection,
    driven: Driven,
    refusals: Option<Arc<Refusals>>,
    side: TlsSide,
    heard: LastHeard,
    /// The rule that the peer broke.
    broken: Option<&'static str>,
}

impl QuicStream {
    pub(super) fn client(connection: Connection, driven: Driven, refusals: Arc<Refusals>) -> Self {
        Self::new(connection, driven, Role::Client, Some(refusals))
    }

    pub(super) fn server(connection: Connection, driven: Driven) -> Self {
        Self::new(connection, driven, Role::Server, None)
    }

    fn new(connection: Connection, driven: Driven, role: Role, refusals: Option<Arc<Refusals>>) -> Self {
        let (peer, side) = match role {
            Role::Client => (Role::Server, TlsSide::Client),
            Role::Server => (Role::Client, TlsSide::Server),
        };
        let heard = LastHeard::default();
        Self {
            inbound: Inbound::new(connection.clone(), peer, heard.clone()),
            outbound: Outbound::new(connection.clone(), role),
            connection,
            driven,
            refusals,
            side,
            heard,
            broken: None,
        }
    }

    /// The stream with what is known of it. quinn does not tell whether the session was resumed, so with
    /// `checks_validity` the peer's certificate may not have expired in any case.
    pub(super) fn connected(self, peer: Address, checks_validity: bool) -> io::Result<Connected> {
        let data = self.connection.handshake_data();
        let data = data.and_then(|data| data.downcast::<HandshakeData>().ok());
        let shown = self.connection.peer_identity();
        let shown = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
        let protocol = data.as_ref().and_then(|data| data.protocol.as_deref());
        let shown = shown.as_ref().and_then(|shown| shown.first());
        let identity = identity_of(protocol, shown, self.side, checks_validity)?;
        let heard = self.heard.clone();
        let connected = Connected::new(Box::new(self), peer);
        Ok(connected.over_lanes(heard).with_verified(identity))
    }

    fn poll_refused(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        match &self.refusals {
            Some(refusals) => refusals.poll(cx, REFUSALS),
            None => Poll::Pending,
        }
    }

    /// What reading ends with.
    fn ended(&mut self, end: InboundEnd) -> io::Result<()> {
        match end {
            InboundEnd::Broken(what) => {
                self.broken = Some(what);
                let text = format!("the peer broke the rules of lanes: {what}");
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            InboundEnd::Over(error) => explained(self.side, error).map_or(Ok(()), Err),
        }
    }

    /// What writing ends with.
    fn unwritable(&self, end: OutboundEnd) -> io::Error {
        match end {
            OutboundEnd::Over(error) => explained(self.side, error).unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()),
            OutboundEnd::Stopped => io::Error::new(io::ErrorKind::BrokenPipe, "the peer does not read a lane any more"),
        }
    }
}

impl AsyncRead for QuicStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.inbound.poll(cx) {
            Poll::Pending => return this.poll_refused(cx).map(Err),
            Poll::Ready(Err(end)) => return Poll::Ready(this.ended(end)),
            Poll::Ready(Ok(())) => {}
        }
        let ready = this.inbound.ready();
        while let Some(front) = ready.front_mut().filter(|_| buffer.remaining() > 0) {
            let length = front.len().min(buffer.remaining());
            buffer.put_slice(&front[..length]);
            front.advance(length);
            if front.is_empty() {
                ready.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuicStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let taken = this.outbound.poll_take(cx, slices);
        if taken.is_pending() {
            // What QUIC has makes room when it leaves.
            this.driven.poll_now();
        }
        taken.map_err(|end| this.unwritable(end))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = this.outbound.poll_flush(cx);
        this.driven.poll_now();
        flushed.map_err(|end| this.unwritable(end))
    }

    /// Waits until the peer has everything, so that dropping the stream then loses nothing. What comes meanwhile can
    /// still be read.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = this.outbound.poll_end(cx);
        this.driven.poll_now();
        match ready!(ended) {
            Ok(()) => Poll::Ready(Ok(())),
            // The peer is gone, and wants nothing more.
            Err(OutboundEnd::Over(error)) => Poll::Ready(explained(this.side, error).map_or(Ok(()), Err)),
            Err(end) => Poll::Ready(Err(this.unwritable(end))),
        }
    }
}

impl Drop for QuicStream {
    /// Tells the peer, if the socket takes that at once: the drivers are polled once more when they are dropped.
    fn drop(&mut self) {
        let (code, reason) = match self.broken {
            Some(what) => (BROKEN, what),
            None => (CLOSED, ""),
        };
        self.connection.close(code.into(), reason.as_bytes());
    }
}
