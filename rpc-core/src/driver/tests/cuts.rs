//! A connection that is cut.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;

use super::pair::{driver, link, pair_of};
use crate::{
    Code, Error, Limits, Metadata,
    channel::{Receiver, channel},
    codec::Format,
    driver::{Answers, CallHandler, CallRequest, Link},
    proto::Stop,
    service::Payload,
    transport::mem_pair,
};

/// Cuts the connection with the first call.
struct Cuts(Arc<Link>);

impl CallHandler for Cuts {
    fn start(&mut self, _: CallRequest, _: &mut Answers) {
        self.0.cut(Error::unavailable("it was cut inside a turn"));
    }

    fn started(&mut self, _: Duration) {}

    fn shrink(&mut self) {}

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

/// Answers the first call with a stream.
struct AnswersOnce(Option<Receiver<u32>>);

impl CallHandler for AnswersOnce {
    fn start(&mut self, request: CallRequest, answers: &mut Answers) {
        let answer = self
            .0
            .take()
            .map(|receiver| Payload::encode(Format::default(), &receiver));
        let answer = answer.expect("one call").expect("it can be encoded");
        answers.answer(request.call, &Metadata::new(), Ok(answer));
    }

    fn started(&mut self, _: Duration) {}

    fn shrink(&mut self) {}

    fn stop(&mut self, _: u32, _: Stop) {}
}

/// Call 0 of a method without arguments, and the end of the connection.
const REQUEST: &[u8] = &[9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const CLOSE: &[u8] = &[3, 0, 0, 10, 0, 0, 0, 0, 14, 1, 0];

#[tokio::test]
async fn a_stream_of_an_answer_that_never_leaves_ends_with_its_connection() {
    let link = link(&Limits::default(), "there");
    let (here, _there) = mem_pair();
    let (sender, receiver) = channel::<u32>();
    let came = BytesMut::from(&[REQUEST, CLOSE].concat()[..]);
    let ended = driver(&link, here, came, AnswersOnce(Some(receiver))).await;
    let why = sender.closed().await;
    assert_eq!((why.code(), why.message()), (Code::Unavailable, ended.message()));
}
