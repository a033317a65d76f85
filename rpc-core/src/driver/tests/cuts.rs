//! A connection that is cut.

use std::{sync::Arc, time::Duration};

use super::pair::pair_of;
use crate::{
    Error, Limits,
    driver::{Answers, CallHandler, CallRequest, Link},
    proto::Stop,
};

/// Cuts the connection with the first call.
struct Cuts(Arc<Link>);

impl CallHandler for Cuts {
    fn start(&mut self, _: CallRequest, _: &mut Answers) {
        self.0.cut(Error::unavailable("it was cut inside a turn"));
    }

    fn stop(&mut self, _: u32, _: Stop) {}
}

/// A driver that runs cannot be woken, so it looks once more before it sleeps.
#[tokio::test(start_paused = true)]
async fn a_cut_while_the_driver_runs_is_not_missed() {
    let (here, there) = pair_of(&Limits::default(), |link, _| Cuts(Arc::clone(link)));
    here.send(&()).expect("sent");
    let ended = tokio::time::timeout(Duration::from_secs(1), there.driver).await;
    let error = ended.expect("at once").expect("its end");
    assert!(error.message().contains("inside a turn"), "{error}");
    here.driver.await.expect("the other end was told");
}
