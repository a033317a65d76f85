//! Metadata travels both ways, and what is too large or no key at all is said so.

use farcall::{Channel, Code, Context, Error, Limits, Metadata, Outcome, Result, Server, client::ReplyMetadata};
use farcall_tests::{TestResult, Transport, assert_fails, over_every_transport, wrap};

#[farcall::service]
trait Notes {
    async fn seen(&self) -> Result<Vec<(String, Vec<u8>)>>;
    async fn reply(&self, keys: u32, fail: bool) -> Result<u32>;
    async fn reply_large(&self, size: u32, fail: bool) -> Result<u32>;
    #[rpc(blocking)]
    fn reply_aside(&self) -> Result<u32>;
    async fn fail_with(&self, key: &str, value: &str) -> Result<u32>;
}

struct Clerk;

impl Notes for Clerk {
    async fn seen(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let context = Context::current();
        let pairs = context.metadata().iter();
        Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_vec())).collect())
    }
    async fn reply(&self, keys: u32, fail: bool) -> Result<u32> {
        for key in 0..keys {
            // Between awaits the context may be asked for anew.
            tokio::task::yield_now().await;
            Context::current().append_reply_metadata("shelf", key.to_string())?;
        }
        Context::current().append_reply_metadata_bin("proof-bin", vec![0, 255])?;
        if fail {
            return Err(Error::not_found("no such shelf"));
        }
        Ok(keys)
    }
    async fn reply_large(&self, size: u32, fail: bool) -> Result<u32> {
        Context::current().append_reply_metadata("large", "x".repeat(size as usize))?;
        if fail {
            Err(Error::not_found("no such shelf"))
        } else {
            Ok(1)
        }
    }
    fn reply_aside(&self) -> Result<u32> {
        Context::current().append_reply_metadata("shelf", "aside")?;
        Ok(1)
    }
    async fn fail_with(&self, key: &str, value: &str) -> Result<u32> {
        let mut metadata = Metadata::new();
        metadata.append(key, value)?;
        Context::current().append_reply_metadata("shelf", "7")?;
        Err(Error::aborted("try again").with_metadata(metadata))
    }
}

fn notes() -> Server {
    Server::new().service(NotesServer::new(Clerk))
}

over_every_transport!(
    pairs_arrive_in_order_and_repeated,
    the_channels_metadata_comes_first,
    a_key_that_is_none_fails_each_call,
    metadata_comes_back_with_a_result,
    metadata_comes_back_with_an_error,
    layers_change_nothing_about_the_metadata_of_answers,
    an_errors_own_metadata_comes_back,
    too_large_a_request_block_is_refused,
    too_large_a_reply_block_fails_its_call,
    too_large_a_block_of_an_error_is_left_out,
);

async fn pairs_arrive_in_order_and_repeated(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    let notes = NotesClient::new(site.channel.clone());
    assert_eq!(notes.seen().await?, []);
    let tagged = notes
        .with_metadata("Tenant", "eu")
        .with_metadata_bin("proof-bin", vec![0, 255, 7])
        .with_metadata("tenant", "ü")
        .with_metadata("empty", "");
    let expected = [
        ("tenant", b"eu".to_vec()),
        ("proof-bin", vec![0, 255, 7]),
        ("tenant", "ü".into()),
        ("empty", vec![]),
    ];
    assert_eq!(
        tagged.seen().await?,
        expected.map(|(key, value)| (key.to_owned(), value))
    );
    // The client that it was made from is untouched.
    assert_eq!(notes.seen().await?, []);
    Ok(())
}

async fn the_channels_metadata_comes_first(transport: Transport) -> TestResult {
    let mut metadata = Metadata::new();
    metadata.append("tenant", "channel")?;
    let site = transport
        .serve_to(notes(), Channel::builder().metadata(metadata))
        .await?;
    let notes = NotesClient::new(site.channel.clone()).with_metadata("tenant", "client");
    let values: Vec<_> = notes.seen().await?.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [b"channel".to_vec(), b"client".to_vec()]);
    Ok(())
}

async fn a_key_that_is_none_fails_each_call(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    let notes = NotesClient::new(site.channel.clone());
    let long = "k".repeat(256);
    for key in ["", "two words", "ümlaut", "line\n", long.as_str()] {
        let result = notes.with_metadata(key, "value").seen().await;
        let parts = ["Notes.seen: ", "metadata key", &format!("{key:?}")];
        assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    }
    let text = notes.with_metadata("proof-bin", "text").seen().await;
    let parts = ["\"proof-bin\"", "`append_bin`"];
    assert_fails(text, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    let bytes = notes.with_metadata_bin("proof", vec![1]).seen().await;
    assert_fails(
        bytes,
        Code::InvalidArgument,
        Outcome::NotExecuted,
        &["\"proof\"", "-bin"],
    );
    assert_eq!(notes.with_metadata(&"k".repeat(255), "value").seen().await?.len(), 1);
    Ok(())
}

async fn metadata_comes_back_with_a_result(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    comes_back_with_a_result(NotesClient::new(site.channel.clone())).await
}

async fn comes_back_with_a_result(notes: NotesClient) -> TestResult {
    let reply = ReplyMetadata::new();
    let notes = notes.with_reply_metadata(&reply);
    assert_eq!(notes.reply(3, false).await?, 3);
    let latest = reply.latest();
    assert_eq!(latest.values("shelf").collect::<Vec<_>>(), ["0", "1", "2"]);
    assert_eq!(latest.bin("proof-bin"), Some(&[0, 255][..]));
    notes.reply_aside().await?;
    assert_eq!(reply.latest().value("shelf"), Some("aside"));
    // An answer without metadata has none, and not that of the answer before.
    notes.seen().await?;
    assert!(reply.latest().is_empty());
    Ok(())
}

async fn metadata_comes_back_with_an_error(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    comes_back_with_an_error(NotesClient::new(site.channel.clone())).await
}

async fn comes_back_with_an_error(notes: NotesClient) -> TestResult {
    let reply = ReplyMetadata::new();
    let error = notes
        .with_reply_metadata(&reply)
        .reply(2, true)
        .await
        .expect_err("it was told to fail");
    assert_eq!((error.code(), error.outcome()), (Code::NotFound, Outcome::Executed));
    assert_eq!(error.metadata().values("shelf").collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!(error.metadata().bin("proof-bin"), Some(&[0, 255][..]));
    assert_eq!(&reply.latest(), error.metadata());
    Ok(())
}

async fn layers_change_nothing_about_the_metadata_of_answers(transport: Transport) -> TestResult {
    let server = notes().layer(wrap(|request, mut next| {
        tower_service::Service::call(&mut next, request)
    }));
    let client = Channel::builder().layer(wrap(|request, mut next| {
        tower_service::Service::call(&mut next, request)
    }));
    let site = transport.serve_to(server, client).await?;
    let notes = NotesClient::new(site.channel.clone());
    let tagged = notes.with_metadata("tenant", "eu");
    assert_eq!(tagged.seen().await?, [("tenant".to_owned(), b"eu".to_vec())]);
    comes_back_with_a_result(notes.clone()).await?;
    comes_back_with_an_error(notes).await
}

async fn an_errors_own_metadata_comes_back(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    let notes = NotesClient::new(site.channel.clone());
    let error = notes.fail_with("retry-after", "5").await.expect_err("it always fails");
    assert_eq!((error.code(), error.message()), (Code::Aborted, "try again"));
    let pairs: Vec<_> = error.metadata().iter().collect();
    assert_eq!(pairs, [("retry-after", &b"5"[..]), ("shelf", &b"7"[..])]);
    Ok(())
}

/// On the wire a pair takes its key, its value and five bytes.
const OVERHEAD: usize = 5;

async fn too_large_a_request_block_is_refused(transport: Transport) -> TestResult {
    let server = notes().limits(Limits::default().max_metadata(1000));
    let site = transport.serve(server).await?;
    let notes = NotesClient::new(site.channel.clone());
    let value = "x".repeat(1000 - "key".len() - OVERHEAD);
    assert_eq!(notes.with_metadata("key", &value).seen().await?.len(), 1);
    let result = notes.with_metadata("key", &format!("{value}x")).seen().await;
    let parts = ["Notes.seen: ", "1001 bytes", "max_metadata", "1000"];
    assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    assert_eq!(notes.seen().await?, []);
    Ok(())
}

async fn too_large_a_reply_block_fails_its_call(transport: Transport) -> TestResult {
    let client = Channel::builder().limits(Limits::default().max_metadata(1000));
    let site = transport.serve_to(notes(), client).await?;
    let notes = NotesClient::new(site.channel.clone());
    let fits = (1000 - "large".len() - OVERHEAD) as u32;
    assert_eq!(notes.reply_large(fits, false).await?, 1);
    let parts = ["Notes.reply_large: ", "1001 bytes", "max_metadata", "1000"];
    let result = notes.reply_large(fits + 1, false).await;
    assert_fails(result, Code::ResourceExhausted, Outcome::Executed, &parts);
    assert_eq!(notes.reply_large(1, false).await?, 1);
    Ok(())
}

/// What went wrong is of more use than what was said about it.
async fn too_large_a_block_of_an_error_is_left_out(transport: Transport) -> TestResult {
    let site = transport.serve(notes()).await?;
    let error = NotesClient::new(site.channel.clone())
        .reply_large(20_000, true)
        .await
        .expect_err("it was told to fail");
    assert_eq!((error.code(), error.outcome()), (Code::NotFound, Outcome::Executed));
    assert_eq!(error.message(), "no such shelf");
    assert!(error.metadata().is_empty());
    Ok(())
}
