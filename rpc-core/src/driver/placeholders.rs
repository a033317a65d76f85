//! What is to come.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::Link;
use crate::{service::LocalObject, transport::Address};

pub(crate) struct Busy(#[expect(dead_code)] Arc<Link>);

#[expect(clippy::unused_self)]
impl Link {
    pub(crate) fn object(&self, _: u32) -> Option<Arc<LocalObject>> {
        None
    }
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        Busy(Arc::clone(self))
    }
    pub(crate) fn peer(&self) -> &Address {
        static PEER: LazyLock<Address> = LazyLock::new(|| Address::custom("none://"));
        &PEER
    }
    pub(crate) fn timeout(&self) -> Option<Duration> {
        None
    }
}
