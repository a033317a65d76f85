//! A session as a byte stream.

use std::{
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Instant,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep_until},
};

use super::{
    TURN, blocks,
    inbox::Mail,
    now,
    socket::{Outgoing, Sent, Socket, passes},
    table::Place,
    waiting::Waiting,
};
use crate::proto::datagram::{End, Session};

/// So many refused datagrams in a row, with none from the peer in between, end a session: one alone may be forged, or from a
/// server that is just starting again.
pub(super) const REFUSALS: usize = 3;

/// So many datagrams in a row are a large message: its sender waits for acknowledgements, and no answer comes soon to take them
/// along.
const BULK: usize = 64;

/// A session as a byte stream of frames. Writing hands bytes to the session; flushing and waiting to read send them.
///
/// Reading is what keeps a session going: it receives, repeats and acknowledges.
pub(super) struct UdpStream {
    session: Session,
    socket: Arc<Socket>,
    source: Source,
    /// This side's address, as the peer knows it.
    local: Option<IpAddr>,
    /// What the socket did not take yet.
    unsent: Option<Outgoing>,
    /// Waits for the socket to take more. A future of its own: the tasks of many sessions may wait for one socket.
    room: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
    timer: Pin<Box<Sleep>>,
    refused: usize,
    /// Datagrams that came since something was sent.
    silent: usize,
    waiting: Arc<Waiting>,
    /// Wakes those who wait.
    waker: Waker,
}

/// Where datagrams come from.
pub(super) enum Source {
    /// The socket, which is this session's alone.
    Socket,
    /// The listener, with what was taken from the inbox and not looked at yet.
    Listener { place: Place, mail: Mail },
}

impl UdpStream {
    /// A stream over an open session. Must be called inside a tokio runtime.
    pub(super) fn new(session: Session, socket: Arc<Socket>, source: Source, local: Option<IpAddr>) -> Self {
        let due = session.poll_timeout().unwrap_or_else(now);
        let waiting = Arc::<Waiting>::default();
        Self {
            session,
            socket,
            source,
            local,
            unsent: None,
            room: None,
            timer: Box::pin(sleep_until(due.into())),
            refused: 0,
            silent: 0,
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    /// Receives until there is something to read or nothing more has come; says whether anything has.
    fn gather(&mut self, now: Instant) -> io::Result<bool> {
        let mut left = TURN;
        while self.session.unread().is_empty() && self.session.end().is_none() {
            if left == 0 {
                self.waker.wake_by_ref();
                break;
            }
            match self.poll_receive(left, now)? {
                Poll::Ready(datagrams) => left = left.saturating_sub(datagrams.max(1)),
                Poll::Pending => break,
            }
        }
        self.silent += TURN - left;
        Ok(left < TURN)
    }

    /// Hands what came to the session, and says how many datagrams.
    fn poll_receive(&mut self, most: usize, now: Instant) -> io::Result<Poll<usize>> {
        let cx = &mut Context::from_waker(&self.waker);
        let session = &mut self.session;
        match &mut self.source {
            Source::Socket => {
                let received = self.socket.poll_receive(cx, |run| {
                    for datagram in run.datagrams() {
                        session.handle_datagram(run.from, datagram, now);
                    }
                });
                match received {
                    Poll::Pending => Ok(Poll::Pending),
                    Poll::Ready(Ok(datagrams)) => {
                        self.refused = 0;
                        Ok(Poll::Ready(datagrams))
                    }
                    Poll::Ready(Err(error)) => self.failed(error).map(Poll::Ready),
                }
            }
            Source::Listener { place, mail } => {
                let mut handled = 0;
                while handled < most {
                    let Some(run) = mail.next() else {
                        match place.inbox.poll_take(cx) {
                            Poll::Ready(Some(more)) => *mail = more,
                            Poll::Ready(None) if handled == 0 => return Err(cut()),
                            Poll::Pending if handled == 0 => return Ok(Poll::Pending),
                            _ => break,
                        }
                        continue;
                    };
                    for datagram in run.datagrams() {
                        session.handle_datagram(run.from, datagram, now);
                    }
                    if session.peer() == run.from {
                        self.local = run.to;
                    }
                    handled += run.datagrams().len();
                }
                Ok(Poll::Ready(handled))
            }
        }
    }

    /// Receiving failed: the socket is of no use any more, or it tells what became of an earlier datagram.
    fn failed(&mut self, error: io::Error) -> io::Result<usize> {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => self.refused()?,
            _ if passes(&error) => {}
            _ => return Err(error),
        }
        Ok(0)
    }

    fn refused(&mut self) -> io::Result<()> {
        self.refused += 1;
        if self.refused < REFUSALS {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nobody listens on the peer's port any more",
        ))
    }

    /// Does what is due and sends what waits; `Pending` when the socket takes no more.
    fn settle(&mut self, now: Instant) -> Poll<io::Result<()>> {
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        let sent = self.transmit(now);
        self.set_timer(now);
        sent
    }

    fn transmit(&mut self, now: Instant) -> Poll<io::Result<()>> {
        self.silent = 0;
        let mut full = false;
        loop {
            if let Some(room) = &mut self.room {
                ready!(room.as_mut().poll(&mut Context::from_waker(&self.waker)))?;
                self.room = None;
                if std::mem::replace(&mut full, true) {
                    // After a refusal the runtime says "writable" of a full socket, too.
                    self.waker.wake_by_ref();
                    return Poll::Pending;
                }
            }
            let Some(outgoing) = self.next_outgoing(now) else {
                return Poll::Ready(Ok(()));
            };
            match self.send(outgoing, now) {
                Sent::All | Sent::TooBig => {}
                Sent::Full => self.room = Some(Box::pin(Arc::clone(&self.socket).writable())),
                Sent::Refused => self.refused()?,
            }
        }
    }

    /// What is to be sent next.
    fn next_outgoing(&mut self, now: Instant) -> Option<Outgoing> {
        if let Some(unsent) = self.unsent.take() {
            return Some(unsent);
        }
        let mut bytes = blocks::take_output();
        let Some(transmit) = self.session.poll_transmit(&mut bytes, now) else {
            blocks::give_output(bytes);
            return None;
        };
        Some(Outgoing {
            transmit,
            bytes,
            taken: 0,
        })
    }

    /// Sends, and keeps what the socket does not take.
    fn send(&mut self, mut outgoing: Outgoing, now: Instant) -> Sent {
        let sent = self.socket.send(&mut outgoing, self.local);
        match sent {
            Sent::Full | Sent::Refused => self.unsent = Some(outgoing),
            Sent::All => blocks::give_output(outgoing.bytes),
            Sent::TooBig => {
                let size = outgoing.transmit.segment.min(outgoing.bytes.len() - outgoing.taken);
                blocks::give_output(outgoing.bytes);
                self.session.handle_too_big(size, now);
            }
        }
        sent
    }

    /// Keeps the timer at or before the session's next instant. It is moved only when it would be late, so that a busy session
    /// does not touch it.
    fn set_timer(&mut self, now: Instant) {
        while let Some(due) = self.session.poll_timeout() {
            let due = due.into();
            if due < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(due);
            }
            if self
                .timer
                .as_mut()
                .poll(&mut Context::from_waker(&self.waker))
                .is_pending()
            {
                return;
            }
            if due <= now.into() {
                // Its turn comes with the next poll.
                self.waker.wake_by_ref();
                return;
            }
        }
    }

    /// What can be read now: bytes, or the end.
    fn read(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        while !self.session.unread().is_empty() && buffer.remaining() > 0 {
            let unread = self.session.unread();
            let length = unread.len().min(buffer.remaining());
            buffer.put_slice(&unread[..length]);
            self.session.consume(length);
        }
        if buffer.remaining() < room {
            return Poll::Ready(Ok(()));
        }
        match self.session.end() {
            None => Poll::Pending,
            Some(End::Closed) => Poll::Ready(Ok(())),
            Some(End::Reset) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the server does not know this session; it may have restarted",
            ))),
            Some(End::Broken(what)) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the peer broke the protocol of datagrams: {what}"),
            ))),
        }
    }
}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the listener that carried this session is gone",
    )
}

impl AsyncRead for UdpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, now) = (self.get_mut(), now());
        // Before anything is asked that may wake.
        this.waiting.read(cx.waker());
        if this.gather(now)? {
            // There may be room now.
            this.waiting.wake_writer();
        }
        let read = this.read(buffer);
        if read.is_pending() {
            if let Poll::Ready(sent) = this.settle(now) {
                sent?;
            }
        } else if this.silent >= BULK {
            // What was read counts whatever became of this, and a failure is found again.
            let _ = this.settle(now);
        }
        // Acknowledgements wait otherwise, because answers to what was read may take them along.
        read
    }
}

impl AsyncWrite for UdpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (this, now) = (self.get_mut(), now());
        let taken = write(&mut this.session, slices);
        if taken > 0 || slices.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(taken));
        }
        this.waiting.write(cx.waker());
        // Nobody may be reading, and there is no room before something comes.
        if this.gather(now)? {
            this.waiting.wake_reader();
        }
        if let Poll::Ready(sent) = this.settle(now) {
            sent?;
        }
        let taken = write(&mut this.session, slices);
        if taken > 0 {
            return Poll::Ready(Ok(taken));
        }
        if this.session.end().is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Pending
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.waiting.write(cx.waker());
        let sent = this.settle(now());
        if sent.is_ready() {
            this.waiting.written();
        }
        sent
    }

    /// A session has no end of one direction alone.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// Hands over as much as the session takes.
fn write(session: &mut Session, slices: &[IoSlice<'_>]) -> usize {
    let mut taken = 0;
    for slice in slices {
        let length = session.write(slice);
        taken += length;
        if length < slice.len() {
            break;
        }
    }
    taken
}

impl Drop for UdpStream {
    /// Tells the peer, as far as the socket takes it at once. A peer that does not hear it finds out when it speaks next.
    fn drop(&mut self) {
        let now = now();
        self.session.close();
        while let Some(outgoing) = self.next_outgoing(now) {
            if !matches!(self.send(outgoing, now), Sent::All | Sent::TooBig) {
                return;
            }
        }
    }
}
