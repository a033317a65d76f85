//! Two ends of a connection in one runtime, and what a test does with them.

use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    Error, Limits, Metadata,
    channel::{Receiver, Sender, channel},
    codec::Codec,
    driver::attachments::{self, Wire},
    driver::{
        Answers, CallHandler, CallRequest, Driver, Import, Link, Shares,
        link::{NotStarted, Reply, Started},
    },
    proto::{Announced, Carrier, Connection, RequestHead, Settings, Stop, Target},
    service::{LocalObject, Payload},
    transport::{Address, BoxStream, Connected, Peer, mem_pair},
};

/// One end of a connection.
pub(crate) struct Side {
    pub(super) link: Arc<Link>,
    /// What the other end calls.
    pub(super) requests: mpsc::UnboundedReceiver<CallRequest>,
    pub(super) driver: JoinHandle<Error>,
}

/// Leaves all calls to the test.
struct Keep(mpsc::UnboundedSender<CallRequest>);

impl CallHandler for Keep {
    fn start(&mut self, request: CallRequest, _: &mut Answers) {
        let _ = self.0.send(request);
    }

    fn started(&mut self, _: Duration) {}

    fn shrink(&mut self) {}

    fn stop(&mut self, _: u32, _: Stop) {}
}

/// Two ends that are connected; both drivers run in the current runtime.
pub(crate) fn pair() -> (Side, Side) {
    pair_with(&Limits::default())
}

pub(super) fn pair_with(limits: &Limits) -> (Side, Side) {
    pair_of(limits, |_, requests| Keep(requests))
}

/// Two ends whose calls are answered by what `inbound` makes.
pub(super) fn pair_of<I: CallHandler + Unpin + Send + 'static>(
    limits: &Limits,
    inbound: impl Fn(&Arc<Link>, mpsc::UnboundedSender<CallRequest>) -> I,
) -> (Side, Side) {
    let (here, there) = mem_pair();
    let side = |stream, name: &str| {
        let link = link(limits, name);
        let (sender, requests) = mpsc::unbounded_channel();
        let inbound = inbound(&link, sender);
        Side {
            driver: tokio::spawn(driver(&link, stream, BytesMut::new(), inbound)),
            link,
            requests,
        }
    };
    (side(here, "there"), side(there, "here"))
}

/// A connection with a peer of the same limits.
pub(super) fn link(limits: &Limits, peer: &str) -> Arc<Link> {
    let settings = Settings {
        ours: limits.clone(),
        peer: Announced::over(Carrier::Stream, limits),
        carrier: Carrier::Stream,
        idle: None,
    };
    let peer = Address::custom(format!("test://{peer}"));
    let connection = Connection::new(settings, Instant::now());
    let share = Shares::new(limits).share(&peer, None);
    Link::new(
        connection,
        Wire::default(),
        Arc::new(Peer::new(peer, None)),
        None,
        share,
    )
}

/// The driver of a connection over `stream`; `input` came before it.
pub(super) fn driver<I: CallHandler + Unpin>(
    link: &Arc<Link>,
    stream: BoxStream,
    input: BytesMut,
    inbound: I,
) -> Driver<I> {
    let connected = Connected::new(stream, link.peer().address().clone());
    Driver::new(Arc::clone(link), connected, input, inbound)
}

impl Side {
    /// Sends a call; what the value offers goes along.
    pub(crate) fn send<T: Serialize>(&self, value: &T) -> Result<u32, Error> {
        self.call(None, value)
    }

    pub(super) fn call<T: Serialize>(&self, target: Option<&Import>, value: &T) -> Result<u32, Error> {
        let payload = Payload::encode(self.link.wire().format, value)
            .map_err(|error| Error::invalid_argument(error.to_string()))?;
        let head = RequestHead {
            target: target.map_or(Target::Service, |import| Target::Object(import.object())),
            ..RequestHead::default()
        };
        let now = crate::clock::now();
        // However long this thread stood still: how a caller has the driver look is not what is tested here.
        self.link.lock().look.looked(now);
        let waker = std::task::Waker::noop();
        match self.link.start(&head, payload, None, now, waker, || false) {
            Ok(Started::Sent(id)) => Ok(id),
            Ok(Started::Waits(_)) => Err(Error::unavailable("full")),
            Err(NotStarted::Refused(error)) => Err(error),
            Err(NotStarted::Gone(_) | NotStarted::Unseen(_)) => Err(Error::unavailable("gone")),
        }
    }

    /// The answer of a call, decoded.
    pub(super) async fn answer<T: DeserializeOwned>(&self, id: u32) -> Result<T, Error> {
        let Reply { body, carried, .. } = poll_fn(|cx| self.link.poll_answer(id, cx)).await?;
        let Wire { format, limits, .. } = self.link.wire();
        attachments::decoding(carried, self.link.wire(), || format.decode(&body, limits))
            .map_err(|error| Error::data_loss(error.to_string()))
    }

    /// The next call of the other end.
    pub(super) async fn request(&mut self) -> CallRequest {
        self.requests.recv().await.expect("the driver runs")
    }

    /// The arguments of the next call of the other end.
    pub(crate) async fn received<T: DeserializeOwned>(&mut self) -> T {
        let CallRequest { body, carried, .. } = self.request().await;
        let Wire { format, limits, .. } = self.link.wire();
        attachments::decoding(carried, self.link.wire(), || format.decode(&body, limits)).expect("the arguments")
    }

    /// Answers a call.
    pub(super) fn reply<T: Serialize>(&self, call: u32, value: &T) {
        let payload = Payload::encode(self.link.wire().format, value);
        let answer = payload.map_err(|error| Error::internal(error.to_string()));
        self.link.reply(call, &Metadata::new(), answer);
    }

    /// Ends the connection as if its task was cut.
    pub(super) fn cut(&self) {
        self.driver.abort();
    }

    /// The number of streams that are not over.
    pub(super) fn streams(&self) -> usize {
        self.link.lock().connection.streams().len()
    }
}

/// A channel whose receiver was sent to the other end.
pub(super) async fn receiver_away<T>(from: &Side, to: &mut Side) -> (Sender<T>, Receiver<T>)
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = channel();
    from.send(&receiver).expect("sent");
    (sender, to.received().await)
}

/// A channel whose sender was sent to the other end.
pub(super) async fn sender_away<T>(from: &Side, to: &mut Side) -> (Sender<T>, Receiver<T>)
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = channel();
    from.send(&sender).expect("sent");
    (to.received().await, receiver)
}

/// Everything that a receiver gets.
pub(super) async fn all<T>(mut receiver: Receiver<T>) -> Vec<Result<T, Error>> {
    let mut items = Vec::new();
    while let Some(item) = receiver.recv().await {
        items.push(item);
    }
    items
}

/// Lets everything run that can.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// An object of a service without methods, and who tells that it was dropped.
pub(super) fn object() -> (Arc<LocalObject>, std::sync::Weak<impl Sized>) {
    let service = Arc::new(Nothing);
    let alive = Arc::downgrade(&service);
    (LocalObject::new(service), alive)
}

struct Nothing;

impl crate::Service for Nothing {
    fn descriptor(&self) -> &'static crate::service::ServiceDescriptor {
        static NOTHING: crate::service::ServiceDescriptor = crate::service::ServiceDescriptor::new("Nothing", &[]);
        &NOTHING
    }

    fn dispatch(&self, _: usize, _: crate::service::Invocation) -> crate::service::Handler {
        Box::pin(async { Err(Error::unimplemented("no methods")) })
    }
}

/// An object, or a reference to one, as a value.
pub(super) enum TestReference {
    Local(Arc<LocalObject>),
    Import(Arc<Import>),
}

impl Serialize for TestReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offered = match self {
            Self::Local(object) => attachments::OutgoingAttachment::Object(Arc::clone(object) as _),
            Self::Import(import) => attachments::OutgoingAttachment::Import(Arc::clone(import)),
        };
        let place = attachments::offer(offered).map_err(serde::ser::Error::custom)?;
        serializer.serialize_u32(place)
    }
}

impl<'de> serde::Deserialize<'de> for TestReference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        match attachments::claim(place).map_err(serde::de::Error::custom)?.0 {
            attachments::IncomingAttachment::Import(import) => Ok(Self::Import(import)),
            attachments::IncomingAttachment::Object(object) => {
                Ok(Self::Local(LocalObject::of(object).expect("it is one")))
            }
            other => Err(serde::de::Error::custom(format!("{other:?}"))),
        }
    }
}
