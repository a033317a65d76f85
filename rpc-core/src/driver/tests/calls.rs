//! What a caller gets when answers, departures and the end of the connection meet.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pair::{self, driver};
use crate::{
    Limits, Metadata, Outcome,
    driver::link::{CallResult, Link, NotStarted, Reply, Started},
    driver::{Answers, CallHandler, CallRequest},
    proto::{RequestHead, Stop},
    service::Payload,
    sync::Mutex,
    transport::{BoxStream, mem_pair},
};

/// A reply to call 0 with the body 7, and the end of the connection.
const REPLY: &[u8] = &[2, 0, 0, 3, 0, 0, 0, 0, 0, 7];
const CLOSE: &[u8] = &[3, 0, 0, 10, 0, 0, 0, 0, 14, 1, 0];

fn link() -> Arc<Link> {
    pair::link(&Limits::default(), "peer")
}

fn start(link: &Arc<Link>, deadline: Option<Instant>) -> u32 {
    let now = crate::clock::now();
    // However long this thread stood still: there is no driver here to look.
    link.lock().look.looked(now);
    let head = RequestHead::default();
    let started = link.start(&head, Payload::default(), deadline, now, Waker::noop(), || false);
    match started {
        Ok(Started::Sent(id)) => id,
        Ok(Started::Waits(_)) => panic!("the connection is full"),
        Err(NotStarted::Refused(error)) => panic!("{error}"),
        Err(NotStarted::Gone(_) | NotStarted::Unseen(_)) => panic!("the connection is gone"),
    }
}

/// Everything that waits is written, then the peer's bytes are read; their events wait.
fn exchange(link: &Arc<Link>, bytes: &[u8]) {
    let mut state = link.lock();
    let mut chunks = std::collections::VecDeque::new();
    state.connection.poll_transmit(&mut chunks);
    let length = chunks.iter().map(Bytes::len).sum();
    state.connection.handle_written(length, false, Instant::now());
    let mut input = BytesMut::from(bytes);
    // A close is an error that the caller brings to the link as its end.
    let _ = state.connection.handle_input(&mut input, 16, Instant::now());
    assert!(input.is_empty());
}

fn forward(link: &Arc<Link>) {
    let mut state = link.lock();
    while let Some(event) = state.connection.poll_event() {
        state.handle(event);
    }
}

fn poll(link: &Arc<Link>, id: u32) -> Poll<CallResult> {
    link.poll_answer(id, &Context::from_waker(Waker::noop()))
}

#[test]
fn an_answer_that_came_with_the_end_is_an_answer() {
    let link = link();
    let (answered, lost) = (start(&link, None), start(&link, None));
    exchange(&link, &[REPLY, CLOSE].concat());
    link.end(&crate::Error::unavailable("closed"));
    let Poll::Ready(Ok(Reply { body, .. })) = poll(&link, answered) else {
        panic!("the answer had come");
    };
    assert_eq!(body, Bytes::from_static(&[7]));
    let Poll::Ready(Err(error)) = poll(&link, lost) else {
        panic!("the connection is over");
    };
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_deadline_that_passed_with_the_end_is_told() {
    let link = link();
    let id = start(&link, Some(Instant::now()));
    let much_later = Instant::now() + Duration::from_secs(3600);
    // The peer is silent, too, but this side asks it first.
    link.lock()
        .connection
        .handle_timeout(much_later)
        .expect("a ping goes first");
    link.end(&crate::Error::unavailable("lost"));
    let Poll::Ready(Err(error)) = poll(&link, id) else {
        panic!("the deadline had passed");
    };
    assert_eq!(error.code(), crate::Code::DeadlineExceeded);
}

#[test]
fn an_answer_on_its_way_to_a_caller_who_left_reaches_nobody_else() {
    let link = link();
    let first = start(&link, None);
    exchange(&link, REPLY);
    link.abandon(first);
    let second = start(&link, None);
    forward(&link);
    assert!(poll(&link, second).is_pending());
    exchange(&link, &[]);
    assert_eq!(
        start(&link, None),
        first,
        "the id serves again once the answer was handed out"
    );
}

#[test]
fn an_answer_to_a_call_whose_departure_alone_counted_reaches_nobody_else() {
    let link = link();
    let oneway = start(&link, None);
    exchange(&link, REPLY);
    forward(&link);
    let left = link.poll_left(oneway, &Context::from_waker(Waker::noop()));
    assert!(matches!(left, Poll::Ready(Ok(()))));
    let next = start(&link, None);
    assert_eq!(next, oneway);
    assert!(poll(&link, next).is_pending());
}

/// Answers every call at once, and looks how many answers wait.
struct AnswersAll {
    calls: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl CallHandler for AnswersAll {
    fn start(&mut self, request: CallRequest, answers: &mut Answers) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(answers.ready.len(), Ordering::SeqCst);
        answers.answer(request.call, &Metadata::new(), Ok(Payload::default()));
    }

    fn started(&mut self, _: Duration) {}

    fn shrink(&mut self) {}

    fn stop(&mut self, _: u32, _: Stop) {}
}

fn request(call: u32) -> Vec<u8> {
    [&[9, 0, 0, 1][..], &call.to_le_bytes(), &[0; 9]].concat()
}

#[tokio::test]
async fn few_answers_wait_however_many_calls_come_together() {
    let came: Vec<u8> = (0..1000).flat_map(request).chain(CLOSE.iter().copied()).collect();
    let (calls, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let inbound = AnswersAll {
        calls: Arc::clone(&calls),
        most: Arc::clone(&most),
    };
    let (here, _there) = mem_pair();
    driver(&link(), here, BytesMut::from(&came[..]), inbound).await;
    let most = most.load(Ordering::SeqCst);
    assert_eq!(calls.load(Ordering::SeqCst), 1000);
    assert!(most < 128, "{most} answers");
}

/// A stream that notes how many calls had been handled at each write.
struct Probe {
    stream: BoxStream,
    calls: Arc<AtomicUsize>,
    writes: Arc<Mutex<Vec<usize>>>,
}

impl AsyncRead for Probe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Probe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.lock().push(self.calls.load(Ordering::SeqCst));
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The peer goes on with the first answers while the other calls are handled.
#[tokio::test]
async fn answers_leave_while_other_calls_wait() {
    let came: Vec<u8> = (0..1000).flat_map(request).chain(CLOSE.iter().copied()).collect();
    let (calls, writes) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<usize>>>::default());
    let inbound = AnswersAll {
        calls: Arc::clone(&calls),
        most: Arc::default(),
    };
    let (here, _there) = mem_pair();
    let probe = Probe {
        stream: here,
        calls: Arc::clone(&calls),
        writes: Arc::clone(&writes),
    };
    driver(&link(), Box::new(probe), BytesMut::from(&came[..]), inbound).await;
    let writes = writes.lock();
    let handled: Vec<usize> = std::iter::once(&0).chain(writes.iter()).copied().collect();
    // With the last portion came the end of the connection.
    assert!(handled.last().is_some_and(|&last| last >= 1000 - 32), "{handled:?}");
    // How many calls are in flight is known from the second portion on.
    let portions: Vec<usize> = handled.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(portions.iter().skip(1).all(|&portion| portion <= 32), "{portions:?}");
}

/// They are acted on in portions, and the deadline comes between two of them.
#[tokio::test(start_paused = true)]
async fn answers_that_were_read_in_time_count_however_many_there_are() {
    let link = link();
    let deadline = crate::clock::now() + Duration::from_secs(1);
    let calls: Vec<u32> = (0..500).map(|_| start(&link, Some(deadline))).collect();
    exchange(&link, &[]);
    let reply = |call: &u32| [&[2, 0, 0, 3][..], &call.to_le_bytes(), &[0, 7]].concat();
    let came: Vec<u8> = calls.iter().flat_map(reply).chain(CLOSE.iter().copied()).collect();
    let inbound = AnswersAll {
        calls: Arc::default(),
        most: Arc::default(),
    };
    let (here, _there) = mem_pair();
    tokio::time::advance(Duration::from_secs(2)).await;
    driver(&link, here, BytesMut::from(&came[..]), inbound).await;
    for call in calls {
        assert!(matches!(poll(&link, call), Poll::Ready(Ok(_))), "call {call}");
    }
}
