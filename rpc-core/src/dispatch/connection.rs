//! An open connection and the handlers of a host, joined.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{host::Host, serving::Serving};
use crate::{
    driver::attachments::Wire,
    driver::{Driver, Link, OpenedConnection, Share},
    proto::Connection,
    transport::Connected,
};

impl Host {
    /// An open connection, as its users see it; `timeout` is for calls to the peer's objects.
    pub(crate) fn link(
        &self,
        connected: &Connected,
        opened: &OpenedConnection,
        share: Arc<Share>,
        timeout: Option<Duration>,
    ) -> Arc<Link> {
        let connection = Connection::new(opened.settings.clone(), Instant::now().into_std());
        let wire = Wire {
            format: opened.format,
            limits: self.limits().into(),
            checks: opened.checks,
            near: connected.is_near(),
            tells_panics: self.tells_panics,
        };
        Link::new(connection, wire, connected.whole_peer(), timeout, share)
    }

    /// The driver of the connection, whose calls are answered here.
    pub(crate) fn drive(
        self: &Arc<Self>,
        link: Arc<Link>,
        connected: Connected,
        opened: OpenedConnection,
    ) -> Driver<Serving> {
        let serving = Serving::new(Arc::clone(self), Arc::clone(&link));
        Driver::new(link, connected, opened.input, serving)
    }
}
