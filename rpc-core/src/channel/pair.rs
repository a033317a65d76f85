//! A sender and a receiver. (A placeholder that stays in the process.)

use std::{any::Any, future::poll_fn, pin::{Pin, pin}, sync::Mutex, task::{Context, Poll}, time::Instant};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{Error, carry::{self, Bound, Carried, Offered, StreamEnd}, proto::Flow};

/// Sends items.
pub struct Sender<T>(mpsc::Sender<Option<Result<T, Error>>>);
/// Receives items.
pub struct Receiver<T>(Mutex<Option<mpsc::Receiver<Option<Result<T, Error>>>>>);

/// A channel.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (s, r) = mpsc::channel(4);
    (Sender(s), Receiver(Mutex::new(Some(r))))
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, Error>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = self.0.lock().expect("a placeholder");
        let Some(r) = &mut *slot else { return Poll::Ready(None) };
        match std::task::ready!(r.poll_recv(cx)) {
            Some(Some(Ok(item))) => Poll::Ready(Some(Ok(item))),
            Some(Some(Err(error))) => { *slot = None; Poll::Ready(Some(Err(error))) }
            Some(None) => { *slot = None; Poll::Ready(None) }
            None => { *slot = None; Poll::Ready(Some(Err(Error::aborted("the sender was dropped before it finished")))) }
        }
    }
}

struct End<T>(mpsc::Receiver<Option<Result<T, Error>>>);
impl<T: Send + 'static> StreamEnd for End<T> {
    fn bind(self: Box<Self>, _: Bound) {}
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> { self }
}

impl<T: Send + 'static> serde::Serialize for Receiver<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let r = self.0.lock().expect("a placeholder").take().ok_or_else(|| serde::ser::Error::custom("sent twice"))?;
        let place = carry::offer(Offered::Stream { flow: Flow::Sends, end: Box::new(End(r)) }).map_err(serde::ser::Error::custom)?;
        serializer.serialize_u32(place)
    }
}

impl<'de, T: Send + 'static> serde::Deserialize<'de> for Receiver<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let (carried, _) = carry::claim(place).map_err(serde::de::Error::custom)?;
        let Carried::Local(Offered::Stream { end, .. }) = carried else { return Err(serde::de::Error::custom("placeholder")) };
        let end = end.into_any().downcast::<End<T>>().map_err(|_| serde::de::Error::custom("another type"))?;
        Ok(Self(Mutex::new(Some(end.0))))
    }
}

pub(crate) async fn feed<T>(sender: Sender<T>, stream: impl Stream<Item = Result<T, Error>>, deadline: Option<Instant>) {
    let _ = deadline;
    let mut stream = pin!(stream);
    let run = async {
        while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            let failed = item.is_err();
            if sender.0.send(Some(item)).await.is_err() || failed { return; }
        }
        let _ = sender.0.send(None).await;
    };
    let mut run = pin!(run);
    let mut closed = pin!(sender.0.closed());
    poll_fn(|cx| if run.as_mut().poll(cx).is_ready() || closed.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { Poll::Pending }).await;
}
