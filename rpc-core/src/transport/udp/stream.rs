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
    TURN,
    sender::DatagramSender,
    socket::{Socket, passes},
    source::DatagramSource,
    waiting::StreamTasks,
};
use crate::{
    clock::now,
    proto::datagram::{Session, SessionEnd},
    transport::{Address, Connected, LastHeard},
};

/// This many refused datagrams in a row, with none from the peer in between, end a session: a single refusal may be
/// forged, or come from a server that is just restarting.
pub(super) const REFUSALS: usize = 3;

/// This many datagrams in a row are a large message: its sender waits for acknowledgements, and there will be no answer
/// soon that could carry them.
const BULK: usize = 64;

/// A session as a byte stream of frames. Writing hands bytes to the session; flushing and waiting to read send them.
///
/// Reading is what keeps a session going: it receives, repeats and acknowledges.
pub(in crate::transport) struct UdpStream {
    session: Session,
    source: DatagramSource,
    sender: DatagramSender,
    timer: Pin<Box<Sleep>>,
    refused: usize,
    /// Datagrams that came since something was sent.
    silent: usize,
    waiting: Arc<StreamTasks>,
    /// When the peer was heard last, as far as was received.
    heard: LastHeard,
    /// Wakes those who wait.
    waker: Waker,
}

impl UdpStream {
    /// A stream over an open session. Must be called inside a tokio runtime.
    pub(super) fn new(session: Session, socket: Arc<Socket>, source: DatagramSource, local: Option<IpAddr>) -> Self {
        let due = session.poll_timeout().unwrap_or_else(now);
        let (waiting, heard) = (Arc::<StreamTasks>::default(), LastHeard::default());
        heard.set(session.heard());
        Self {
            session,
            source,
            sender: DatagramSender::new(socket, local),
            timer: Box::pin(sleep_until(due.into())),
            refused: 0,
            silent: 0,
            heard,
            waker: Waker::from(Arc::clone(&waiting)),
            waiting,
        }
    }

    /// The stream with what is known of it.
    pub(in crate::transport) fn connected(self, peer: Address) -> Connected {
        let heard = self.heard.clone();
        Connected::new(Box::new(self), peer).over_datagrams(heard)
    }

    /// Receives until there is something to read or nothing more has come; returns whether anything has come.
    fn gather(&mut self, now: Instant) -> io::Result<bool> {
        let mut left = TURN;
        while self.session.unread().is_empty() && self.session.end().is_none() {
            if left == 0 {
                self.waker.wake_by_ref();
                break;
            }
            let (cx, sender) = (&mut Context::from_waker(&self.waker), &mut self.sender);
            let (session, local) = (&mut self.session, &mut sender.local);
            let received = self.source.poll_receive(cx, left, session, &sender.socket, local, now);
            let datagrams = match received {
                Poll::Pending => break,
                Poll::Ready(Ok(datagrams)) => {
                    self.refused = 0;
                    datagrams
                }
                Poll::Ready(Err(error)) => self.failed(error)?,
            };
            left = left.saturating_sub(datagrams.max(1));
        }
        self.silent += TURN - left;
        let came = left < TURN;
        if came {
            self.heard.set(self.session.heard());
        }
        Ok(came)
    }

    /// The socket has failed, or it reports what became of an earlier datagram.
    fn failed(&mut self, error: io::Error) -> io::Result<usize> {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => self.refused()?,
            _ if passes(&error) => {}
            _ => return Err(error),
        }
        Ok(0)
    }

    fn refused(&mut self) -> io::Result<()> {
        if self.session.is_settled() {
            // The peer has everything that was sent, so the refusal is not the peer's.
            return Ok(());
        }
        self.refused += 1;
        if self.refused < REFUSALS {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "nothing listens on the peer's port any more",
        ))
    }

    /// Does what is due and sends what waits; `Pending` when the socket takes no more.
    fn settle(&mut self, now: Instant) -> Poll<io::Result<()>> {
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        self.silent = 0;
        loop {
            let cx = &mut Context::from_waker(&self.waker);
            match self.sender.poll_send(cx, &mut self.session, now) {
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(error)) => {
                    self.failed(error)?;
                }
                // Nothing else can be done before the socket takes more.
                Poll::Pending => return Poll::Pending,
            }
        }
        self.set_timer();
        Poll::Ready(Ok(()))
    }

    /// Keeps the timer at or before the session's next instant. It is moved only when it would be late, so that a busy
    /// session does not touch it.
    fn set_timer(&mut self) {
        let Some(due) = self.session.poll_timeout() else { return };
        let due = due.into();
        if due < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(due);
        }
        let cx = &mut Context::from_waker(&self.waker);
        if self.timer.as_mut().poll(cx).is_pending() {
            return;
        }
        if self.timer.deadline() < due {
            self.timer.as_mut().reset(due);
            if self.timer.as_mut().poll(cx).is_pending() {
                return;
            }
        }
        // It is due by now: its turn comes with the next poll.
        self.waker.wake_by_ref();
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
            Some(SessionEnd::Closed) => Poll::Ready(Ok(())),
            Some(SessionEnd::Reset) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the server does not know this session; it may have restarted",
            ))),
            Some(SessionEnd::Broken(what)) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the peer broke the protocol of datagrams: {what}"),
            ))),
        }
    }
}

impl AsyncRead for UdpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, now) = (self.get_mut(), now());
        // Before anything that may wake this.
        this.waiting.read(cx.waker());
        if this.gather(now)? {
            // There may be room now.
            this.waiting.wake_writer();
        }
        if let Poll::Ready(read) = this.read(buffer) {
            // Otherwise acknowledgements wait, because answers to what was read may carry them.
            if this.silent >= BULK {
                // What was read counts even if this fails, and a failure is found again.
                let _ = this.settle(now);
            }
            return Poll::Ready(read);
        }
        if let Poll::Ready(sent) = this.settle(now) {
            sent?;
        }
        // The session may have found out that it is over.
        this.read(buffer)
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
        // There may be no task that reads, and there is no room before something comes.
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

    /// Waits until the peer has everything, so that dropping the stream then loses nothing. A session cannot end in one
    /// direction alone, so what comes meanwhile can still be read.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (this, now) = (self.get_mut(), now());
        this.waiting.write(cx.waker());
        this.gather(now)?;
        ready!(this.settle(now))?;
        if !this.session.is_settled() && this.session.end().is_none() {
            return Poll::Pending;
        }
        this.waiting.written();
        Poll::Ready(Ok(()))
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
    /// Tells the peer, if the socket takes that at once. A peer that does not hear it finds out when it next sends.
    fn drop(&mut self) {
        self.session.close();
        self.sender.send_now(&mut self.session, now());
    }
}
