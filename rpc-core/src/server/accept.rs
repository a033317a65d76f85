//! From a listener to served connections.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

use super::{connection::ServerConnection, registry::Place, running::Shared};
use crate::{
    Address, Code, Error,
    driver::{Driver, Link, accept as handshake, reject},
    proto::Connection,
    transport::{BoxStream, Listener},
};

/// How long to wait after an error of `accept`: most are a shortage of file descriptors, which passes.
const PAUSE: Duration = Duration::from_millis(50);
/// How many peers over the limit on connections are told so at one time; further ones are closed without a word.
const TURNED_AWAY: usize = 64;

/// Accepts until the task is aborted. No error ends it.
pub(super) async fn accept(shared: Arc<Shared>, mut listener: Box<dyn Listener>) {
    let runtime = Handle::current();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => serve(&shared, &runtime, stream, peer),
            Err(error) => {
                shared.failed_connection(&listener.local_address(), &format!("accepting failed: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

/// Serves one connection in a task that its place in the registry owns.
pub(super) fn serve(shared: &Arc<Shared>, runtime: &Handle, stream: BoxStream, peer: Address) {
    let limit = shared.limits.max_connections;
    if let Some(place) = shared.registry.enter(limit) {
        let shared = Arc::clone(shared);
        place.spawn(runtime, |place| connection(shared, place, stream, peer));
        return;
    }
    let why = if shared.registry.is_draining() {
        "the server is shutting down".to_owned()
    } else {
        format!("the server has its most of {limit} connections (`max_connections`)")
    };
    shared.failed_connection(&peer, &why);
    if let Some(place) = shared.registry.enter(limit.saturating_add(TURNED_AWAY)) {
        place.spawn(runtime, |place| {
            turn_away(place, stream, Error::refused(Code::ResourceExhausted, why))
        });
    }
}

async fn turn_away(place: Place, mut stream: BoxStream, why: Error) {
    reject(&mut stream, &why).await;
    drop(place);
}

async fn connection(shared: Arc<Shared>, place: Place, mut stream: BoxStream, peer: Address) {
    let opened = match handshake(&mut stream, &shared.limits).await {
        Ok(opened) => opened,
        Err(why) => return shared.failed_connection(&peer, &why),
    };
    let link = Link::new(Connection::new(opened.settings, Instant::now().into_std()));
    place.opened(&link);
    let inbound = ServerConnection::new(shared, Arc::clone(&link), peer.clone(), opened.format);
    // The reason of the end is of use to callers only, and a server makes no calls.
    let _ = Driver::new(link, stream, peer, opened.input, inbound).await;
    drop(place);
}
