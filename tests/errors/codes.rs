//! Everything that can go wrong with a call has its own code and outcome, says what a person needs, and ends that call
//! only.

use std::{collections::HashMap, error::Error as _, fmt, io};

use farcall::{Channel, Code, Error, Limits, OrFail, Outcome, Result, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_socket, over_every_transport};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum StockError {
    Unknown { sku: String },
    Remote(Error),
}

impl fmt::Display for StockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { sku } => write!(f, "no {sku}"),
            Self::Remote(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StockError {}

/// What `thiserror`'s `#[from]` generates.
impl From<Error> for StockError {
    fn from(error: Error) -> Self {
        Self::Remote(error)
    }
}

#[farcall::service]
trait Store {
    async fn stock(&self, sku: &str) -> Result<u32, StockError>;
    async fn panic(&self, text: &str) -> Result<u32, StockError>;
    async fn panic_later(&self) -> u32;
    fn panic_inline(&self) -> u32;
    #[rpc(blocking)]
    fn panic_aside(&self) -> u32;
    async fn panic_with(&self) -> u32;
    async fn fail(&self, code: u8) -> Result<u32>;
    async fn refuse(&self) -> Result<u32>;
    async fn text(&self) -> Result<u32, String>;
    async fn echo(&self, blob: &[u8]) -> Result<Vec<u8>>;
    async fn wait(&self) -> u32;
    async fn unwritable(&self) -> Unwritable;
    async fn pass_on(&self) -> Result<u32>;
    async fn pass_on_typed(&self) -> Result<u32, StockError>;
}

/// Refuses to be serialised.
#[derive(Debug, Deserialize)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

struct Shop {
    gate: Gate,
    below: Option<StoreClient>,
}

impl Store for Shop {
    async fn stock(&self, sku: &str) -> Result<u32, StockError> {
        match sku {
            "apple" => Ok(3),
            sku => Err(StockError::Unknown { sku: sku.to_owned() }),
        }
    }
    async fn panic(&self, text: &str) -> Result<u32, StockError> {
        panic!("{text}")
    }
    async fn panic_later(&self) -> u32 {
        tokio::task::yield_now().await;
        panic!("later")
    }
    fn panic_inline(&self) -> u32 {
        panic!("inline")
    }
    fn panic_aside(&self) -> u32 {
        panic!("aside")
    }
    async fn panic_with(&self) -> u32 {
        std::panic::panic_any(7_u32)
    }
    async fn fail(&self, code: u8) -> Result<u32> {
        let code = Code::from_number(code).ok_or_else(|| Error::invalid_argument("no code"))?;
        Err(Error::new(code, "as told").with_source(io::Error::other("a secret")))
    }
    async fn refuse(&self) -> Result<u32> {
        Err(Error::unavailable("closed today").with_outcome(Outcome::NotExecuted))
    }
    async fn text(&self) -> Result<u32, String> {
        Err("in words".to_owned())
    }
    async fn echo(&self, blob: &[u8]) -> Result<Vec<u8>> {
        Ok(blob.to_vec())
    }
    async fn wait(&self) -> u32 {
        self.gate.pass().await;
        1
    }
    async fn unwritable(&self) -> Unwritable {
        Unwritable
    }
    async fn pass_on(&self) -> Result<u32> {
        let below = self.below.as_ref().ok_or_else(|| Error::internal("nothing below"))?;
        below.refuse().await
    }
    async fn pass_on_typed(&self) -> Result<u32, StockError> {
        Ok(self.pass_on().await?)
    }
}

fn shop() -> (StoreServer<Shop>, Gate) {
    let gate = Gate::new();
    let shop = Shop {
        gate: gate.clone(),
        below: None,
    };
    (StoreServer::new(shop), gate)
}

fn store() -> Server {
    Server::new().service(shop().0)
}

over_every_transport!(
    typed_errors_arrive_typed,
    a_handlers_error_arrives_as_executed,
    an_error_passed_on_from_below_arrives_as_executed,
    a_panic_fails_its_own_call,
    the_text_of_a_panic_stays_where_it_was,
    a_server_may_hide_what_it_offers,
    an_unknown_method_is_refused,
    an_unknown_service_is_refused,
    an_unknown_instance_is_refused,
    a_server_of_named_instances_only_says_so,
    arguments_that_cannot_be_decoded_are_refused,
    arguments_that_cannot_be_encoded_are_refused,
    a_result_that_cannot_be_encoded_fails_its_call,
    a_result_that_cannot_be_decoded_fails_its_call,
    too_large_a_request_is_refused,
    too_large_a_reply_fails_its_call,
    an_overloaded_connection_refuses,
    an_overloaded_server_refuses,
    what_a_handler_makes_of_another_error_keeps_its_secrets,
);

async fn typed_errors_arrive_typed(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let store = StoreClient::new(site.channel.clone());
    assert_eq!(store.stock("apple").await, Ok(3));
    let expected = StockError::Unknown { sku: "pear".into() };
    assert_eq!(store.stock("pear").await, Err(expected));
    assert_eq!(store.text().await, Err("in words".to_owned()));
    Ok(())
}

async fn a_handlers_error_arrives_as_executed(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let store = StoreClient::new(site.channel.clone());
    for number in 1..=16 {
        let error = store.fail(number).await.expect_err("it always fails");
        assert_eq!(error.code() as u8, number);
        assert_eq!((error.outcome(), error.message()), (Outcome::Executed, "as told"));
        assert_eq!(error.method(), Some("Store.fail"));
        assert!(error.source().is_none() && !format!("{error:?}").contains("secret"));
        assert!(!error.is_retryable());
    }
    // Even if the handler says otherwise: it ran.
    let parts = ["Store.refuse: closed today"];
    assert_fails(store.refuse().await, Code::Unavailable, Outcome::Executed, &parts);
    Ok(())
}

/// The call below was not executed; this one was, and repeating it might do harm.
async fn an_error_passed_on_from_below_arrives_as_executed(transport: Transport) -> TestResult {
    let below = transport
        .serve(store().limits(Limits::default().max_server_calls(0)))
        .await?;
    let shop = Shop {
        gate: Gate::new(),
        below: Some(StoreClient::new(below.channel.clone())),
    };
    let site = transport.serve(Server::new().service(StoreServer::new(shop))).await?;
    let store = StoreClient::new(site.channel.clone());
    let parts = ["Store.pass_on: Store.refuse: ", "max_server_calls"];
    assert_fails(
        store.pass_on().await,
        Code::ResourceExhausted,
        Outcome::Executed,
        &parts,
    );
    let Err(StockError::Remote(error)) = store.pass_on_typed().await else {
        return Err("the handler's own error was due".into());
    };
    let parts = ["Store.refuse: ", "max_server_calls"];
    assert_fails::<()>(Err(error), Code::ResourceExhausted, Outcome::Executed, &parts);
    Ok(())
}

async fn a_panic_fails_its_own_call(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let server = Server::new().service(shop).send_panic_texts();
    let site = transport.serve(server).await?;
    let store = StoreClient::new(site.channel.clone());
    let other = tokio::spawn(store.wait());
    gate.entered().await;
    let remote = |result| match result {
        Err(StockError::Remote(error)) => Err(error),
        other => Ok(other),
    };
    let parts = ["Store.panic: ", "panicked: at the disco"];
    let result = remote(store.panic("at the disco").await);
    assert_fails(result, Code::Internal, Outcome::Unknown, &parts);
    for (result, text) in [
        (store.panic_later().await, "panicked: later"),
        (store.panic_inline().await, "panicked: inline"),
        (store.panic_aside().await, "panicked: aside"),
        (store.panic_with().await, "panicked: no message"),
    ] {
        assert_fails(result, Code::Internal, Outcome::Unknown, &["Store.panic_", text]);
    }
    gate.open(1);
    assert_eq!(other.await?, Ok(1));
    Ok(())
}

async fn the_text_of_a_panic_stays_where_it_was(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let error = StoreClient::new(site.channel.clone())
        .panic_later()
        .await
        .expect_err("it panics");
    assert_eq!(error.method(), Some("Store.panic_later"));
    let text = error.to_string();
    assert!(
        text.contains("the handler panicked") && text.contains("`panic "),
        "{text}"
    );
    assert!(!text.contains("later; ") && !text.contains(": later"), "{text}");
    Ok(())
}

async fn a_server_may_hide_what_it_offers(transport: Transport) -> TestResult {
    let server = store().named_service("eu", shop().0).hide_services();
    let site = transport.serve(server).await?;
    for channel in [site.channel.clone(), site.channel.with_instance("asia")] {
        let error = OrdersClient::new(channel).order().await.expect_err("there is none");
        assert_eq!(error.message(), "the server has no such service, instance or method");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unimplemented, Outcome::NotExecuted)
        );
    }
    let newer = newer::NewerStoreClient::new(site.channel.clone());
    let error = newer.restock("apple").await.expect_err("there is none");
    assert_eq!(error.message(), "the server has no such service, instance or method");
    Ok(())
}

/// The same service as clients of another version know it.
mod newer {
    use farcall::Result;

    #[farcall::service(name = "Store")]
    pub(super) trait NewerStore {
        async fn restock(&self, sku: &str) -> Result<u32>;
        async fn echo(&self, blob: &str, times: u64) -> Result<String>;
        async fn stock(&self, sku: u8) -> Result<Vec<String>>;
        async fn wait(&self) -> String;
    }
}

#[farcall::service]
trait Orders {
    async fn order(&self) -> Result<u32>;
}

async fn an_unknown_method_is_refused(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let result = newer::NewerStoreClient::new(site.channel.clone())
        .restock("apple")
        .await;
    let parts = ["Store.restock: ", "no such method", "echo", "stock, text"];
    assert_fails(result, Code::Unimplemented, Outcome::NotExecuted, &parts);
    assert_eq!(StoreClient::new(site.channel.clone()).stock("apple").await, Ok(3));
    Ok(())
}

async fn an_unknown_service_is_refused(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let result = OrdersClient::new(site.channel.clone()).order().await;
    let parts = ["Orders.order: ", "does not offer this service", "it has: Store"];
    assert_fails(result, Code::Unimplemented, Outcome::NotExecuted, &parts);
    assert_eq!(StoreClient::new(site.channel.clone()).stock("apple").await, Ok(3));
    Ok(())
}

async fn an_unknown_instance_is_refused(transport: Transport) -> TestResult {
    let server = store().named_service("eu", shop().0).named_service("us", shop().0);
    let site = transport.serve(server).await?;
    let result = StoreClient::new(site.channel.with_instance("asia")).fail(1).await;
    let parts = ["Store.fail: ", "no such named instance", "eu, us"];
    assert_fails(result, Code::NotFound, Outcome::NotExecuted, &parts);
    assert_eq!(StoreClient::new(site.channel.clone()).stock("apple").await, Ok(3));
    Ok(())
}

async fn a_server_of_named_instances_only_says_so(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().named_service("eu", shop().0)).await?;
    let result = StoreClient::new(site.channel.clone()).fail(1).await;
    assert_fails(
        result,
        Code::Unimplemented,
        Outcome::NotExecuted,
        &["named instances", "eu"],
    );
    Ok(())
}

async fn arguments_that_cannot_be_decoded_are_refused(transport: Transport) -> TestResult {
    let site = transport.serve_unchecked(store()).await?;
    let newer = newer::NewerStoreClient::new(site.channel.clone());
    let parts = ["Store.echo: ", "the arguments cannot be decoded", "same version"];
    let result = newer.echo("hello", 3).await;
    assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    let result = newer.stock(200).await;
    assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &["Store.stock"]);
    assert_eq!(StoreClient::new(site.channel.clone()).stock("apple").await, Ok(3));
    Ok(())
}

#[farcall::service(name = "Store")]
trait StubbornStore {
    async fn echo(&self, blob: &Unwritable) -> Result<Vec<u8>>;
}

async fn arguments_that_cannot_be_encoded_are_refused(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let result = StubbornStoreClient::new(site.channel.clone()).echo(&Unwritable).await;
    let parts = ["Store.echo: ", "the arguments cannot be encoded", "not today"];
    assert_fails(result, Code::InvalidArgument, Outcome::NotExecuted, &parts);
    Ok(())
}

async fn a_result_that_cannot_be_encoded_fails_its_call(transport: Transport) -> TestResult {
    let site = transport.serve(store()).await?;
    let store = StoreClient::new(site.channel.clone());
    let parts = ["Store.unwritable: ", "the result cannot be encoded", "not today"];
    assert_fails(store.unwritable().await, Code::Internal, Outcome::Executed, &parts);
    assert_eq!(store.stock("apple").await, Ok(3));
    Ok(())
}

async fn a_result_that_cannot_be_decoded_fails_its_call(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let site = transport.serve_unchecked(Server::new().service(shop)).await?;
    gate.open(1);
    let result = newer::NewerStoreClient::new(site.channel.clone()).wait().await;
    let parts = ["Store.wait: ", "the result cannot be decoded", "same version"];
    assert_fails(result, Code::Internal, Outcome::Executed, &parts);
    assert_eq!(StoreClient::new(site.channel.clone()).stock("apple").await, Ok(3));
    Ok(())
}

async fn too_large_a_request_is_refused(transport: Transport) -> TestResult {
    let site = transport
        .serve(store().limits(Limits::default().max_message(10_000)))
        .await?;
    let store = StoreClient::new(site.channel.clone());
    let parts = [
        "Store.echo: ",
        "the arguments take 20003 bytes",
        "(`max_message`) is 10000",
    ];
    let result = store.echo(&vec![0; 20_000]).await;
    assert!(
        result.as_ref().is_err_and(|error| !error.is_retryable()),
        "it is too large the next time, too"
    );
    assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    assert_eq!(store.echo(&[1; 9_000]).await?, [1; 9_000]);
    Ok(())
}

async fn too_large_a_reply_fails_its_call(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let limits = Limits::default().max_message(10_000);
    let site = transport
        .serve_to(Server::new().service(shop), Channel::builder().limits(limits))
        .await?;
    let store = StoreClient::new(site.channel.clone());
    let other = tokio::spawn(store.wait());
    gate.entered().await;
    let result = store.echo(&[0; 9_997]).await;
    let parts = [
        "Store.echo: ",
        "the result takes 10001 bytes",
        "(`max_message`) is 10000",
    ];
    assert_fails(result, Code::ResourceExhausted, Outcome::Executed, &parts);
    gate.open(1);
    assert_eq!(other.await?, Ok(1));
    Ok(())
}

async fn an_overloaded_connection_refuses(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let server = Server::new().service(shop).limits(Limits::default().max_calls(2));
    let client = Channel::builder().limits(Limits::default().max_waiting_calls(0));
    let site = transport.serve_to(server, client).await?;
    let store = StoreClient::new(site.channel.clone());
    let running = [tokio::spawn(store.wait()), tokio::spawn(store.wait())];
    gate.entered().await;
    gate.entered().await;
    let error = store.wait().await.expect_err("there is no room");
    assert!(error.is_retryable());
    let parts = ["Store.wait: ", "2 calls are in flight", "`max_calls`"];
    assert_fails::<()>(Err(error), Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    gate.open(2);
    for call in running {
        assert_eq!(call.await?, Ok(1));
    }
    assert_eq!(store.stock("apple").await, Ok(3));
    Ok(())
}

async fn an_overloaded_server_refuses(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let server = Server::new()
        .service(shop)
        .limits(Limits::default().max_server_calls(2));
    let site = transport.serve(server).await?;
    let store = StoreClient::new(site.channel.clone());
    let running = [tokio::spawn(store.wait()), tokio::spawn(store.wait())];
    gate.entered().await;
    gate.entered().await;
    let error = store.wait().await.expect_err("there is no room");
    assert!(error.is_retryable());
    let parts = ["Store.wait: ", "runs 2 calls already", "`max_server_calls`"];
    assert_fails::<()>(Err(error), Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    gate.open(2);
    for call in running {
        assert_eq!(call.await?, Ok(1));
    }
    assert_eq!(store.stock("apple").await, Ok(3));
    Ok(())
}

over_every_socket!(a_closed_connection_fails_the_calls_on_it);

async fn a_closed_connection_fails_the_calls_on_it(transport: Transport) -> TestResult {
    let (shop, gate) = shop();
    let mut site = transport.serve(Server::new().service(shop)).await?;
    let store = StoreClient::new(site.channel.clone());
    let call = tokio::spawn(store.wait());
    gate.entered().await;
    let address = site.server().local_addr().to_string();
    site.stop_server();
    let parts = ["Store.wait: ", "the connection with ", "was lost", &address];
    assert_fails(call.await?, Code::Unavailable, Outcome::Unknown, &parts);
    gate.stopped().await;
    // Nothing listens any more, and nothing of the next call was sent.
    let parts = ["Store.wait: ", &address];
    assert_fails(store.wait().await, Code::Unavailable, Outcome::NotExecuted, &parts);
    Ok(())
}

#[test]
fn an_error_becomes_text() {
    let error = Error::not_found("no such sku").with_method("Store.stock");
    let text = "Store.stock: no such sku (not found; the call was executed)";
    assert_eq!(String::from(error), text);
}

#[test]
fn an_error_becomes_an_io_error_of_the_same_kind() {
    let kinds = HashMap::from([
        (Code::DeadlineExceeded, io::ErrorKind::TimedOut),
        (Code::NotFound, io::ErrorKind::NotFound),
        (Code::AlreadyExists, io::ErrorKind::AlreadyExists),
        (Code::PermissionDenied, io::ErrorKind::PermissionDenied),
        (Code::Unavailable, io::ErrorKind::NotConnected),
        (Code::InvalidArgument, io::ErrorKind::InvalidInput),
        (Code::Internal, io::ErrorKind::Other),
    ]);
    for (code, kind) in kinds {
        let error = io::Error::from(Error::new(code, "why"));
        assert_eq!(error.kind(), kind);
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        assert_eq!(inner.map(Error::code), Some(code));
    }
}

#[test]
fn an_error_goes_through_a_question_mark_into_an_enum() {
    fn call() -> Result<u32, StockError> {
        Err(Error::unavailable("closed"))?
    }
    assert_eq!(call(), Err(StockError::Remote(Error::unavailable("closed"))));
}

#[farcall::service]
trait Vault {
    async fn read(&self) -> Result<u32>;
    async fn any(&self) -> Result<u32>;
    async fn named(&self) -> Result<u32>;
    async fn told(&self) -> Result<u32>;
    async fn own(&self) -> Result<u32>;
}

struct Cellar;

fn secret() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "the secret cellar is locked")
}

impl Vault for Cellar {
    async fn read(&self) -> Result<u32> {
        Err(secret()).or_internal()
    }
    async fn any(&self) -> Result<u32> {
        let opened: anyhow::Result<u32> = Err(anyhow::Error::new(secret()).context("opening a secret"));
        opened.or_internal()
    }
    async fn named(&self) -> Result<u32> {
        Err(secret()).or_fail(Code::NotFound, "no such bottle")
    }
    async fn told(&self) -> Result<u32> {
        Err("no wine".to_owned()).or_tell(Code::FailedPrecondition)
    }
    async fn own(&self) -> Result<u32> {
        let boxed: Box<dyn std::error::Error + Send + Sync> = Error::not_found("an empty shelf").into();
        Err(boxed).or_internal()
    }
}

async fn what_a_handler_makes_of_another_error_keeps_its_secrets(transport: Transport) -> TestResult {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&seen);
    let server = Server::new()
        .service(VaultServer::new(Cellar))
        .intercept(async move |request, next| {
            let answer = next.run(request).await;
            if let Err(error) = &answer {
                log.lock().expect("nobody panics").push(chain(error));
            }
            answer
        });
    let site = transport.serve(server).await?;
    let vault = VaultClient::new(site.channel.clone());
    for (result, code, text) in [
        (
            vault.read().await,
            Code::Internal,
            "something failed inside the handler",
        ),
        (vault.any().await, Code::Internal, "something failed inside the handler"),
        (vault.named().await, Code::NotFound, "no such bottle"),
        (vault.told().await, Code::FailedPrecondition, "no wine"),
        (vault.own().await, Code::NotFound, "an empty shelf"),
    ] {
        let error = result.expect_err("each fails");
        assert_eq!((error.code(), error.message()), (code, text));
        assert_eq!(error.outcome(), Outcome::Executed);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    // In the process of the server each cause is said, and once.
    let seen = seen.lock().expect("nobody panics").clone();
    let said = |text: &str| seen.iter().map(|chain| chain.matches(text).count()).collect::<Vec<_>>();
    assert_eq!(said("the secret cellar is locked"), [1, 1, 1, 0, 0], "{seen:?}");
    assert_eq!(said("no wine"), [0, 0, 0, 1, 0], "{seen:?}");
    Ok(())
}

/// What one sees who prints an error and its sources.
fn chain(error: &Error) -> String {
    let sources = std::iter::successors(error.source(), |source| (**source).source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Nothing listens there.
#[tokio::test]
async fn a_failed_connection_says_its_cause_once() -> TestResult {
    let error = Channel::connect("tcp://127.0.0.1:1").await.expect_err("nobody listens");
    assert_eq!(chain(&error).matches("refused").count(), 1, "{}", chain(&error));
    Ok(())
}
