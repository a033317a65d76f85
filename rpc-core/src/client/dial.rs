//! One attempt to connect, and the life of the connection after it.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout};

use super::{attempt::Attempting, channel::Inner};
use crate::{
    Address, Code, Error, Limits, Metadata,
    carry::Wire,
    driver::{Answers, Driver, Inbound, Link, Request, open},
    proto::{Connection, Stop},
    transport::Connector,
};

/// Connects, tells everyone who waits, and carries the connection until it ends.
///
/// The channel is held weakly: it aborts this task when it is dropped during the attempt, and ends the connection when it is
/// dropped later.
pub(super) async fn dial(channel: Weak<Inner>, not_before: Option<Instant>, attempting: Attempting) {
    if let Some(instant) = not_before {
        sleep_until(instant).await;
    }
    let Some((connector, limits, wire, timeout)) = channel.upgrade().map(|inner| {
        (
            Arc::clone(&inner.connector),
            inner.limits.clone(),
            inner.wire(),
            inner.timeout,
        )
    }) else {
        return;
    };
    let attempt = attempt(&*connector, &limits, wire, timeout).await;
    let Some(inner) = channel.upgrade() else { return };
    match attempt {
        Err(error) => {
            inner.failed(Instant::now());
            attempting.end(Err(error));
        }
        Ok((link, driver)) => {
            inner.connected(&link);
            attempting.end(Ok(Arc::clone(&link)));
            drop(inner);
            carry(&channel, &link, driver).await;
        }
    }
}

/// Carries the connection until it ends, and tells the channel as soon as it takes no new calls, which may be long before.
async fn carry(channel: &Weak<Inner>, link: &Arc<Link>, mut driver: Driver<NoService>) {
    let mut open = true;
    std::future::poll_fn(|cx| {
        // Every call in flight is told by the driver; the reason of the end is of use only to them.
        let ended = Pin::new(&mut driver).poll(cx).map(drop);
        if open && !link.is_open() {
            open = false;
            if let Some(inner) = channel.upgrade() {
                inner.lost(link);
            }
        }
        ended
    })
    .await;
}

async fn attempt(
    connector: &dyn Connector,
    limits: &Limits,
    wire: Wire,
    call_timeout: Option<Duration>,
) -> Result<(Arc<Link>, Driver<NoService>), Error> {
    let address = connector.address();
    let (mut stream, peer) = match timeout(limits.handshake_timeout, connector.connect()).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return Err(failed(address, error)),
        Err(_) => {
            let time = limits.handshake_timeout;
            return Err(Error::refused(
                Code::Unavailable,
                format!("cannot connect to {address}: nobody answered within {time:?}"),
            ));
        }
    };
    let opened = open(&mut stream, address, wire.format, limits).await?;
    let connection = Connection::new(opened.settings, Instant::now().into_std());
    let link = Link::new(connection, wire, peer.clone(), call_timeout);
    Ok((
        Arc::clone(&link),
        Driver::new(link, stream, peer, opened.input, NoService),
    ))
}

/// A connector may know more than an `io::Error` can say, such as that trying again is of no use.
fn failed(address: &Address, error: io::Error) -> Error {
    if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return Error::refused(own.code(), format!("cannot connect to {address}: {}", own.message()));
    }
    let code = match error.kind() {
        // Such as a path that is too long: it never gets better.
        io::ErrorKind::InvalidInput => Code::InvalidArgument,
        _ => Code::Unavailable,
    };
    Error::refused(code, format!("cannot connect to {address}: {error}")).with_source(error)
}

/// A client offers nothing to its server.
struct NoService;

impl Inbound for NoService {
    fn start(&mut self, request: Request, answers: &mut Answers) {
        let error = Error::refused(Code::Unimplemented, "this side of the connection offers no service");
        answers.answer(request.call, &Metadata::new(), Err(error));
    }

    fn stop(&mut self, _: u32, _: Stop) {}
}
