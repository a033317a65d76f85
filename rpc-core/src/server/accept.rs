//! From a listener to served connections.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    registry::{ConnectionPlace, NoPlace},
    shard::Shard,
    shared::ServerShared,
};
use crate::{
    Code, Error,
    driver::{DEFAULT_TIMEOUT, Quantity, Share, ShareRefusal, accept as handshake, reject},
    events,
    transport::{Connected, Incoming, Listener, in_words},
};

/// How long to wait after an error of `accept`: most are a shortage of file descriptors, which passes.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for `shards` until `stopping` is true, and then until the last connection has ended if the
/// listener carries them. No error ends it.
pub(super) async fn accept(
    shared: Arc<ServerShared>,
    shards: Vec<Arc<Shard>>,
    mut listener: Box<dyn Listener>,
    mut stopping: watch::Receiver<bool>,
) {
    let stopped = async {
        // A server that was dropped has stopped, too.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    until(stopped, accept_all(&shared, &shards, &mut *listener)).await;
    if listener.stop() {
        until(shared.registry.emptied(), accept_all(&shared, &shards, &mut *listener)).await;
    }
}

async fn accept_all(shared: &Arc<ServerShared>, shards: &[Arc<Shard>], listener: &mut dyn Listener) {
    loop {
        match listener.accept().await {
            Ok(incoming) => serve(shared, shards, incoming),
            Err(error) => {
                events::accepting_failed(&listener.local_address(), &error.to_string());
                shared
                    .hooks
                    .failed(&listener.local_address(), &format!("accepting failed: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

/// Runs `work` until `end`, which is polled first.
async fn until(end: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|cx| match end.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => work.as_mut().poll(cx),
    })
    .await;
}

/// Serves one connection on one of `shards`, in a task that its place in the registry owns.
pub(super) fn serve(shared: &Arc<ServerShared>, shards: &[Arc<Shard>], incoming: Incoming) {
    let Some(shard) = Shard::place(shards) else { return };
    let peer = incoming.peer().clone();
    let share = shared.host.share(&peer, None);
    let no_place = match shared.registry.enter(&peer, &share) {
        Ok((place, gave_way)) => {
            if let Some((oldest, quantity)) = gave_way {
                let limit = limit_of(quantity);
                let why = format!(
                    "the server needed room for another connection (`{limit}`), and of those still being opened this \
                     one was the oldest"
                );
                events::connection_refused(&oldest, &why);
                shared.hooks.failed(&oldest, &why);
            }
            let shared = Arc::clone(shared);
            place.spawn(shard, |place| connection(shared, place, incoming, share));
            return;
        }
        Err(no_place) => no_place,
    };
    let why = match no_place {
        NoPlace::Draining => "the server is shutting down".to_owned(),
        NoPlace::ShareRefusal(quantity, why) => too_many_connections(quantity, why),
    };
    events::connection_refused(&peer, &why);
    shared.hooks.failed(&peer, &why);
    if let Some(place) = shared.registry.enter_to_leave(&peer) {
        let limit = shared.host.limits().handshake_timeout;
        place.spawn(shard, move |place| {
            turn_away(place, incoming, limit, Error::refused(Code::ResourceExhausted, why))
        });
    }
}

fn limit_of(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Handshakes => "max_handshakes",
        _ => "max_connections",
    }
}

fn too_many_connections(quantity: Quantity, why: ShareRefusal) -> String {
    let name = limit_of(quantity);
    let what = match quantity {
        Quantity::Handshakes => "connections that are being opened",
        _ => "connections",
    };
    match why {
        ShareRefusal::Full { limit } => format!("the server has {limit} {what} already, its limit (`{name}`)"),
        ShareRefusal::Share { own, limit, owner } => {
            format!("the server has {own} {what} {owner}, and keeps the rest of its {limit} (`{name}`) for others")
        }
    }
}

async fn turn_away(place: ConnectionPlace, incoming: Incoming, limit: Duration, why: Error) {
    // A peer that does not open its stream is not told.
    if let Ok(mut connected) = open(incoming, limit).await {
        reject(connected.stream(), &why).await;
    }
    // The stream is gone here: over UDP it holds the listener's socket, whose address is free when the last place is.
    drop(place);
}

/// Opens an accepted stream, within the time that a handshake has.
async fn open(incoming: Incoming, limit: Duration) -> Result<Connected, String> {
    match timeout(limit, incoming.open()).await {
        Ok(opened) => opened.map_err(|error| in_words(&error)),
        Err(_) => Err(format!("the peer did not open its stream within {limit:?}")),
    }
}

/// The share of the peer: from here on, one that has an identity counts with that and not with its address.
async fn own_share(
    shared: &ServerShared,
    place: &ConnectionPlace,
    connected: &mut Connected,
    share: Arc<Share>,
) -> Result<Arc<Share>, String> {
    if connected.identity().is_none() {
        return Ok(share);
    }
    let own = shared.host.share(connected.peer(), connected.identity());
    match place.moves_to(&own) {
        Ok(()) => Ok(own),
        Err(refusal) => {
            let why = too_many_connections(Quantity::Connections, refusal);
            let told = Error::refused(Code::ResourceExhausted, why.as_str());
            reject(connected.stream(), &told).await;
            Err(why)
        }
    }
}

async fn connection(shared: Arc<ServerShared>, place: ConnectionPlace, incoming: Incoming, share: Arc<Share>) {
    let from = incoming.peer().clone();
    let limits = shared.host.limits();
    let opened = async {
        let mut connected = open(incoming, limits.handshake_timeout).await?;
        let share = own_share(&shared, &place, &mut connected, share).await?;
        let opened = handshake(&mut connected, limits, shared.host.contracts(), || place.heard()).await?;
        Ok::<_, String>((connected, opened, share))
    };
    let (connected, opened, share) = match opened.await {
        Ok(opened) => opened,
        Err(why) => {
            events::handshake_failed(&from, &why);
            return shared.hooks.failed(&from, &why);
        }
    };
    let link = shared.host.link(&connected, &opened, share, Some(DEFAULT_TIMEOUT));
    place.opened(&link);
    let peer = Arc::clone(link.peer());
    let mut visit = shared.hooks.opened(&peer);
    // The link tells the reason of the end to every task that waits for something on the connection.
    let cause = shared.host.drive(link, connected, opened).await;
    events::connection_ended(&peer, &cause);
    visit.ends(cause);
    // Code that waits until the last place is given back relies on this.
    drop(visit);
    drop(place);
}
