//! The datagrams of a session on their way out.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    blocks,
    socket::{OutgoingDatagrams, SendResult, Socket},
};
use crate::proto::datagram::Session;

/// Sends what a session has to send, and keeps what the socket does not take.
pub(super) struct DatagramSender {
    pub(super) socket: Arc<Socket>,
    /// This side's address, as the peer knows it.
    pub(super) local: Option<IpAddr>,
    unsent: Option<OutgoingDatagrams>,
    /// Waits for the socket to take more. A future of its own: the tasks of many sessions may wait for one socket.
    room: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
}

impl DatagramSender {
    pub(super) fn new(socket: Arc<Socket>, local: Option<IpAddr>) -> Self {
        Self {
            socket,
            local,
            unsent: None,
            room: None,
        }
    }

    /// Sends all that `session` wants to send now; `Pending` when the socket takes no more. An error is an earlier
    /// datagram's refusal, after which this goes on where it was.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        let mut full = false;
        loop {
            if let Some(room) = &mut self.room {
                ready!(room.as_mut().poll(cx))?;
                self.room = None;
                if std::mem::replace(&mut full, true) {
                    // After a refusal the runtime calls even a full socket writable.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            match self.send_next(session, now) {
                None => return Poll::Ready(Ok(())),
                Some(SendResult::All | SendResult::TooBig) => {}
                Some(SendResult::Full) => self.room = Some(Box::pin(Arc::clone(&self.socket).writable())),
                Some(SendResult::Refused) => return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
            }
        }
    }

    /// Sends as far as the socket takes it at once.
    pub(super) fn send_now(&mut self, session: &mut Session, now: Instant) {
        while let Some(SendResult::All | SendResult::TooBig) = self.send_next(session, now) {}
    }

    /// Sends the next datagrams of `session`; `None` when it has none.
    fn send_next(&mut self, session: &mut Session, now: Instant) -> Option<SendResult> {
        let mut outgoing = self.unsent.take().or_else(|| next(session, now))?;
        let sent = self.socket.send(&mut outgoing, self.local);
        match sent {
            SendResult::Full | SendResult::Refused => self.unsent = Some(outgoing),
            SendResult::All => blocks::give_output(outgoing.bytes),
            SendResult::TooBig => {
                let size = outgoing.transmit.segment.min(outgoing.bytes.len() - outgoing.taken);
                blocks::give_output(outgoing.bytes);
                session.handle_too_big(size, now);
            }
        }
        Some(sent)
    }
}

fn next(session: &mut Session, now: Instant) -> Option<OutgoingDatagrams> {
    let mut bytes = blocks::take_output();
    let Some(transmit) = session.poll_transmit(&mut bytes, now) else {
        blocks::give_output(bytes);
        return None;
    };
    Some(OutgoingDatagrams {
        transmit,
        bytes,
        taken: 0,
    })
}
