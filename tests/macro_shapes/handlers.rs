//! Handlers: async, inline, blocking, with default bodies, oneway.

use std::time::Duration;

use farcall::{
    Code, Outcome, Result, Service as _,
    codec::{DecodeLimits, Format},
    service::{Invocation, MethodDescriptor},
};

#[farcall::service]
pub trait Handlers {
    fn version(&self) -> String;
    fn checked(&self, divisor: u32) -> Result<u32>;
    #[rpc(blocking)]
    fn slow(&self, text: &str, bytes: &[u8]) -> Result<usize>;
    #[rpc(blocking)]
    fn slow_plain(&self) -> Vec<u8>;
    async fn greeting(&self, name: &str) -> Result<String> {
        let version = self.echo(name).await?;
        Ok(format!("hello {version}"))
    }
    async fn boxed(&self, mut count: u32) -> Result<Box<[u32]>> {
        count += 1;
        if count > 2 {
            return Err(farcall::Error::invalid_argument("too many"));
        }
        Ok(Box::new([count]))
    }
    fn inline_default(&self) -> u8 {
        3
    }
    async fn echo(&self, text: &str) -> Result<String>;
    #[rpc(oneway)]
    async fn note(&self, text: &str);
    #[rpc(idempotent, detached, timeout = "1500ms")]
    #[rpc(name = "renamed")]
    async fn flagged(&self) -> Result<()>;
}

struct Service;

impl Handlers for Service {
    fn version(&self) -> String {
        "1.2".to_owned()
    }
    fn checked(&self, divisor: u32) -> Result<u32> {
        100_u32
            .checked_div(divisor)
            .ok_or_else(|| farcall::Error::invalid_argument("zero"))
    }
    fn slow(&self, text: &str, bytes: &[u8]) -> Result<usize> {
        Ok(text.len() + bytes.len())
    }
    fn slow_plain(&self) -> Vec<u8> {
        vec![1]
    }
    async fn echo(&self, text: &str) -> Result<String> {
        Ok(text.to_owned())
    }
    async fn note(&self, _text: &str) {}
    async fn flagged(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn plain_functions() -> Result<()> {
    let client = HandlersClient::loopback(Service);
    assert_eq!(client.version().await?, "1.2");
    assert_eq!(client.checked(5).await?, 20);
    assert_eq!(
        client.checked(0).await.expect_err("a division by zero").message(),
        "zero"
    );
    assert_eq!(client.inline_default().await?, 3);
    Ok(())
}

#[tokio::test]
async fn blocking_functions() -> Result<()> {
    let client = HandlersClient::loopback(Service);
    assert_eq!(client.slow("abc", &[1, 2]).await?, 5);
    assert_eq!(client.slow_plain().await?, [1]);
    Ok(())
}

#[tokio::test]
async fn default_bodies() -> Result<()> {
    let client = HandlersClient::loopback(Service);
    assert_eq!(client.greeting("eve").await?, "hello eve");
    assert_eq!(*client.boxed(1).await?, [2]);
    assert_eq!(client.boxed(2).await.expect_err("too many").message(), "too many");
    Ok(())
}

#[tokio::test]
async fn a_oneway_method() -> Result<()> {
    HandlersClient::loopback(Service).note("done").await
}

#[test]
fn the_descriptor_says_what_the_attributes_say() {
    let descriptor = HandlersServer::new(Service).descriptor();
    assert_eq!(descriptor.name, "Handlers");
    let paths: Vec<_> = descriptor.methods.iter().map(MethodDescriptor::method).collect();
    let names = "version checked slow slow_plain greeting boxed inline_default echo note renamed";
    assert_eq!(paths.join(" "), names);
    let [.., note, flagged] = descriptor.methods else {
        panic!("two methods at least")
    };
    assert!(note.oneway && !note.idempotent && !note.detached);
    assert!(flagged.idempotent && flagged.detached && !flagged.oneway);
    assert_eq!(
        (note.timeout, flagged.timeout),
        (None, Some(Duration::from_millis(1500)))
    );
    assert_eq!(flagged.path, "Handlers.renamed");
    assert_eq!(flagged.id, farcall::service::method_id("Handlers", "renamed"));
}

#[tokio::test]
async fn an_index_beyond_the_methods_is_an_error() {
    let server = HandlersServer::new(Service);
    let method = &server.descriptor().methods[0];
    let invocation = Invocation::new(method, bytes::Bytes::new(), Format::Bincode, DecodeLimits::default());
    let answer = server.dispatch(server.descriptor().methods.len(), invocation).await;
    assert_eq!(answer.expect_err("there is no such method").code(), Code::Unimplemented);
}

#[tokio::test]
async fn bytes_that_are_no_arguments_are_an_error() {
    let server = HandlersServer::new(Service);
    let position = 1;
    let method = &server.descriptor().methods[position];
    let invocation = Invocation::new(
        method,
        bytes::Bytes::from_static(&[255]),
        Format::Bincode,
        DecodeLimits::default(),
    );
    let error = server
        .dispatch(position, invocation)
        .await
        .expect_err("a number is longer");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::InvalidArgument, Outcome::NotExecuted)
    );
}
