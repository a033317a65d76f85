//! Where a method may have streams.

use syn::Signature;

use crate::{
    args::MethodArguments,
    ctxt::Context,
    model::{Argument, Output},
    streams,
};

/// Streams in places where their items would not be sent or received.
pub(crate) fn streams(
    context: &Context,
    rpc: &MethodArguments,
    signature: &Signature,
    arguments: &[Argument],
    output: &Output,
) {
    let taken = arguments.iter().find(|argument| argument.stream.is_some());
    let returned = output.stream.is_some();
    if let (Some(_), Some(taken)) = (&rpc.oneway, taken) {
        context.error(
            &taken.ty,
            "a `oneway` method takes no stream: its caller does not wait, so the items would not be sent",
        );
    }
    if let (Some(option), true) = (&rpc.blocking, taken.is_some() || returned) {
        context.error(
            option,
            "a `blocking` method has no streams: it holds its thread while their items come and go; write `async fn`, \
             or send a `Vec`",
        );
    } else if signature.asyncness.is_none() {
        sync_streams(context, taken, output);
    }
    if !returned {
        return;
    }
    if let Some(option) = &rpc.detached {
        let message =
            "a method that returns a stream cannot be `detached`: its items are useless when the caller is gone";
        context.error(option, message);
    }
    for option in rpc
        .result
        .iter()
        .chain(&rpc.plain)
        .filter(|_| streams::is_stream(&output.ty))
    {
        context.error(
            option,
            format!("`{option}` is about a `Result`, and this method returns a stream"),
        );
    }
}

fn sync_streams(context: &Context, taken: Option<&Argument>, output: &Output) {
    match (taken, &output.stream) {
        (_, Some(_)) if !streams::is_stream(&output.ty) => context.error(
            output.stream_type(),
            "a stream in a `Result` needs `async fn`; a plain `fn` returns the stream itself, whose items may be \
             `Result`s",
        ),
        (Some(taken), None) => context.error(
            &taken.ty,
            "a method that takes a stream needs `async fn`: its items come while the method runs",
        ),
        _ => {}
    }
}
