//! A oneway call ends when its request has left; its handler is the server's alone.

use farcall::{Channel, Code, Context, Limits, Outcome, Server};
use farcall_tests::{Gate, TestResult, Transport, assert_fails, over_every_socket, over_every_transport};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[farcall::service]
trait Journal {
    #[rpc(oneway)]
    async fn note(&self, text: &str, blob: &[u8]);
    #[rpc(oneway)]
    async fn wait(&self);
    #[rpc(oneway)]
    async fn panic(&self);
    async fn ping(&self) -> u32;
}

struct Book {
    gate: Gate,
    written: UnboundedSender<(String, usize)>,
}

impl Journal for Book {
    async fn note(&self, text: &str, blob: &[u8]) {
        let _ = self.written.send((text.to_owned(), blob.len()));
    }
    async fn wait(&self) {
        self.gate.pass().await;
        let cancelled = Context::current().is_cancelled();
        let _ = self.written.send(("waited".to_owned(), usize::from(cancelled)));
    }
    async fn panic(&self) {
        panic!("nobody hears this");
    }
    async fn ping(&self) -> u32 {
        7
    }
}

fn book() -> (Server, Gate, UnboundedReceiver<(String, usize)>) {
    let gate = Gate::new();
    let (written, read) = unbounded_channel();
    let book = Book {
        gate: gate.clone(),
        written,
    };
    (Server::new().service(JournalServer::new(book)), gate, read)
}

over_every_transport!(
    it_arrives_in_order_with_others,
    it_does_not_wait_for_its_handler,
    what_the_handler_makes_of_it_is_not_told,
    what_keeps_it_from_leaving_is_told,
    a_handler_keeps_its_place_on_the_connection,
    no_answer_gets_into_another_call,
);

async fn it_arrives_in_order_with_others(transport: Transport) -> TestResult {
    let (server, _, mut read) = book();
    let site = transport.serve(server).await?;
    let journal = JournalClient::new(site.channel.clone());
    journal.note("small", &[]).await?;
    journal.note("large", &vec![0; 1_000_000]).await?;
    assert_eq!(read.recv().await, Some(("small".to_owned(), 0)));
    assert_eq!(read.recv().await, Some(("large".to_owned(), 1_000_000)));
    Ok(())
}

async fn it_does_not_wait_for_its_handler(transport: Transport) -> TestResult {
    let (server, gate, mut read) = book();
    let site = transport.serve(server).await?;
    let journal = JournalClient::new(site.channel.clone());
    journal.wait().await?;
    gate.entered().await;
    // The future is gone and the handler goes on.
    assert_eq!(journal.ping().await?, 7);
    gate.open(1);
    assert_eq!(read.recv().await, Some(("waited".to_owned(), 0)));
    Ok(())
}

async fn what_the_handler_makes_of_it_is_not_told(transport: Transport) -> TestResult {
    let (server, ..) = book();
    let site = transport.serve(server).await?;
    let journal = JournalClient::new(site.channel.clone());
    for _ in 0..10 {
        journal.panic().await?;
    }
    assert_eq!(journal.ping().await?, 7);
    Ok(())
}

async fn what_keeps_it_from_leaving_is_told(transport: Transport) -> TestResult {
    let (server, ..) = book();
    let site = transport
        .serve(server.limits(Limits::default().max_message(1000)))
        .await?;
    let result = JournalClient::new(site.channel.clone()).note("large", &[0; 1000]).await;
    let parts = ["Journal.note: ", "max_message", "1000"];
    assert_fails(result, Code::ResourceExhausted, Outcome::NotExecuted, &parts);
    Ok(())
}

/// Else a caller could start handlers without bound.
async fn a_handler_keeps_its_place_on_the_connection(transport: Transport) -> TestResult {
    let (server, gate, mut read) = book();
    let client = Channel::builder().limits(Limits::default().max_waiting_calls(0));
    let site = transport
        .serve_to(server.limits(Limits::default().max_calls(2)), client)
        .await?;
    let journal = JournalClient::new(site.channel.clone());
    journal.wait().await?;
    journal.wait().await?;
    gate.entered().await;
    gate.entered().await;
    let parts = ["Journal.wait: ", "max_calls"];
    assert_fails(
        journal.wait().await,
        Code::ResourceExhausted,
        Outcome::NotExecuted,
        &parts,
    );
    gate.open(2);
    read.recv().await;
    read.recv().await;
    while let Err(error) = journal.ping().await {
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    }
    Ok(())
}

/// The answer to a oneway call may come at the moment at which its caller leaves and its place is taken by the next
/// call.
async fn no_answer_gets_into_another_call(transport: Transport) -> TestResult {
    let (server, ..) = book();
    let site = transport.serve(server.limits(Limits::default().max_calls(3))).await?;
    let callers = (0..4).map(|_| {
        let journal = JournalClient::new(site.channel.clone());
        tokio::spawn(async move {
            for _ in 0..1000 {
                journal.note("", &[]).await.expect("it waits for its turn");
                assert_eq!(journal.ping().await, Ok(7));
            }
        })
    });
    for caller in futures::future::join_all(callers).await {
        caller?;
    }
    Ok(())
}

over_every_socket!(its_handler_outlives_the_connection);

async fn its_handler_outlives_the_connection(transport: Transport) -> TestResult {
    let (server, gate, mut read) = book();
    let site = transport.serve_to(server, Channel::builder()).await?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (client, address) = (site.client(), site.server().local_addr());
    runtime.spawn(async move { JournalClient::new(client.connect(address).await?).wait().await });
    gate.entered().await;
    runtime.shutdown_background();
    assert_eq!(JournalClient::new(site.channel.clone()).ping().await?, 7);
    gate.open(1);
    assert_eq!(read.recv().await.map(|(text, _)| text), Some("waited".to_owned()));
    Ok(())
}
