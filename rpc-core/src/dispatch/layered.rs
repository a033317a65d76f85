//! A handler behind layers.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::work::{late, with_reply_metadata};
use crate::{
    Code, Error, Outcome,
    clock::now,
    layer::{Answering, Next, Request, Response},
    service::{Context as CallContext, Continuation, Handler, HandlerOutput, Payload},
};

/// A handler behind layers.
pub(super) fn layered(layers: &Next, request: Request) -> Handler {
    let layers = layers.clone();
    Box::pin(async move {
        // Cloning a layer's service runs foreign code. Only here does its panic fail just this call.
        let attempts = Arc::clone(&request.attempts);
        let response = layers.answer(request).await.map_err(|error| attempts.settle(error))?;
        let context = CallContext::current();
        for (key, value) in response.metadata.iter() {
            context.append_wire_reply(key, value)?;
        }
        let offered = response.sent.take().unwrap_or_default();
        Ok(HandlerOutput {
            payload: Payload::from_parts(Vec::from(response.body), offered),
            continuation: response.continuation.take(),
        })
    })
}

/// The service below the last layer: the method itself, with deadline and metadata as the layers left them.
pub(crate) fn bottom(request: Request) -> Answering {
    Box::pin(async move {
        let attempt = request.attempts.begin()?;
        let answer = handle(request).await;
        attempt.ended(&answer);
        answer
    })
}

async fn handle(request: Request) -> Result<Response, Error> {
    let Some(target) = request.target else {
        let text = "a layer made a request of its own instead of passing one on";
        return Err(Error::refused(Code::Internal, text));
    };
    if request.deadline.is_some_and(|deadline| deadline <= now()) {
        return Err(late());
    }
    let context = target.context.rewritten(request.deadline, request.metadata);
    let handler = context.scope((target.start)(request.body));
    let answer = match request
        .deadline
        .filter(|_| request.deadline != target.context.deadline())
    {
        Some(deadline) => timeout_at(deadline.into(), handler)
            .await
            .unwrap_or_else(|_| Err(expired())),
        None => handler.await,
    };
    let metadata = context.take_reply_metadata();
    match answer {
        Ok(HandlerOutput { payload, continuation }) => {
            // What goes on after the answer has the context as the layers left it.
            let continuation = continuation.map(|continuation| Box::pin(context.scope(continuation)) as Continuation);
            let (body, offered) = payload.into_parts();
            Ok(Response::sending(metadata, body, offered, continuation))
        }
        Err(error) => Err(with_reply_metadata(error, &metadata)),
    }
}

/// The end of a handler at the deadline that a layer has set; the caller's own is kept by the connection.
fn expired() -> Error {
    Error::deadline_exceeded("the handler was stopped at the deadline").with_outcome(Outcome::Unknown)
}
