//! What one end of a session may hold.

use super::SimLink;
use crate::{Limits, proto::connection::Usage};

impl SimLink {
    /// What is left when all calls are over and everybody has let go of everything.
    pub(in crate::proto::datagram::tests::sim) fn left(&self) -> Option<String> {
        let held = self.connection.as_ref()?.held();
        let clean = held == Usage::default() && self.users.is_empty();
        (!clean).then(|| format!("{held:?}, {:?}", self.users))
    }

    pub(super) fn check_bounds(&self) {
        let Some(connection) = &self.connection else { return };
        let held = connection.held();
        let buffered = self.terms.limits.max_buffered;
        assert!(
            held.requests <= buffered && held.replies <= buffered + (4 << 20),
            "{held:?}"
        );
        let Limits {
            max_streams,
            stream_window,
            ..
        } = self.terms.limits;
        assert!(held.streams <= 2 * max_streams && held.beyond <= buffered, "{held:?}");
        assert!(held.arrived <= held.streams * stream_window + held.beyond, "{held:?}");
        assert!(connection.outgoing() + connection.incoming() <= 2 * self.terms.limits.max_calls);
        let most = self.terms.window as usize * 5 / 2 + (97 << 10);
        assert!(
            self.session.held() <= most,
            "{} bytes out of order, the most is {most}",
            self.session.held()
        );
        assert!(
            self.session.unread().len() <= most,
            "{} bytes unread, the most is {most}",
            self.session.unread().len()
        );
    }
}
