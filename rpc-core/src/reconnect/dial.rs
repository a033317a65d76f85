//! One attempt to connect, and the life of the connection after it.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout};

use super::{Reconnect, attempt::Attempting};
use crate::{
    Code, Error,
    codec::Format,
    dispatch::{Host, Serving},
    driver::{Driver, Link, open},
    events,
    transport::{Connector, no_connection},
};

/// Connects, tells all calls that wait, and carries the connection until it ends.
///
/// The channel is held weakly: it aborts this task when it is dropped during the attempt, and ends the connection when
/// it is dropped later and the connection is not used otherwise.
pub(super) async fn dial(channel: Weak<Reconnect>, not_before: Option<Instant>, attempting: Attempting) {
    if let Some(instant) = not_before {
        sleep_until(instant).await;
    }
    let Some((connector, host, format, timeout)) = channel.upgrade().map(|reconnect| {
        (
            Arc::clone(&reconnect.connector),
            Arc::clone(&reconnect.host),
            reconnect.format,
            reconnect.timeout,
        )
    }) else {
        return;
    };
    let attempt = attempt(&*connector, &host, format, timeout).await;
    let Some(reconnect) = channel.upgrade() else { return };
    match attempt {
        Err(error) => {
            reconnect.failed(Instant::now());
            attempting.end(Err(error));
        }
        Ok((link, driver)) => {
            reconnect.connected(&link);
            attempting.end(Ok(Arc::clone(&link)));
            drop(reconnect);
            carry(&channel, &link, driver).await;
        }
    }
}

/// Carries the connection until it ends, and tells the channel as soon as it takes no new calls, which may be long
/// before.
async fn carry(channel: &Weak<Reconnect>, link: &Arc<Link>, mut driver: Driver<Serving>) {
    let mut open = true;
    std::future::poll_fn(|cx| {
        // The driver tells every call in flight; only they need the reason of the end.
        let ended = Pin::new(&mut driver)
            .poll(cx)
            .map(|cause| events::connection_ended(link.peer(), &cause));
        if open && !link.is_open() {
            open = false;
            if let Some(reconnect) = channel.upgrade() {
                reconnect.lost(link);
            }
        }
        ended
    })
    .await;
}

async fn attempt(
    connector: &dyn Connector,
    host: &Arc<Host>,
    format: Format,
    call_timeout: Option<Duration>,
) -> Result<(Arc<Link>, Driver<Serving>), Error> {
    let (address, limits) = (connector.address(), host.limits());
    let mut connected = match timeout(limits.handshake_timeout, connector.connect()).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            return Err(no_connection(error, |cause| {
                format!("cannot connect to {address}: {cause}")
            }));
        }
        Err(_) => {
            let time = limits.handshake_timeout;
            return Err(Error::refused(
                Code::Unavailable,
                format!("cannot connect to {address}: there was no answer within {time:?}"),
            ));
        }
    };
    let opened = open(&mut connected, address, format, limits, host.contracts()).await?;
    let share = host.share(connected.peer(), None);
    let link = host.link(&connected, &opened, share, call_timeout);
    let driver = host.drive(Arc::clone(&link), connected, opened);
    Ok((link, driver))
}
