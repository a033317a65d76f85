//! Where the datagrams of a session come from.

use std::{
    io,
    net::IpAddr,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{inbox::Mail, socket::Socket, table::SessionPlace};
use crate::proto::datagram::Session;

/// Where datagrams come from.
pub(super) enum DatagramSource {
    /// The socket, which is this session's alone.
    Socket,
    /// The listener, with what was taken from the inbox and not looked at yet.
    Listener { place: SessionPlace, mail: Mail },
}

impl DatagramSource {
    /// What a listener puts into the inbox of `place`.
    pub(super) fn listener(place: SessionPlace) -> Self {
        let mail = Mail::default();
        Self::Listener { place, mail }
    }

    /// Hands about `most` datagrams that came to `session`, and says how many. Notes in `local` where the peer sent
    /// them to.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        session: &mut Session,
        socket: &Socket,
        local: &mut Option<IpAddr>,
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        let Self::Listener { place, mail } = self else {
            return socket.poll_receive(cx, |run| {
                for datagram in run.datagrams() {
                    session.handle_datagram(run.from, datagram, now);
                }
            });
        };
        if mail.is_empty() {
            *mail = ready!(place.inbox.poll_take(cx)).ok_or_else(cut)?;
        }
        let mut handled = 0;
        while handled < most
            && let Some(run) = mail.next()
        {
            for datagram in run.datagrams() {
                session.handle_datagram(run.from, datagram, now);
            }
            if session.peer() == run.from {
                *local = run.to;
            }
            handled += run.datagrams().len();
        }
        Poll::Ready(Ok(handled))
    }
}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the listener that carried this session is gone",
    )
}
