//! Bodies of any length arrive as they were sent, whichever way they take.

use bytes::Bytes;
use farcall::{Channel, Result, Server};
use farcall_tests::{TestResult, Transport, over_every_transport, wrap};
use tower_service::Service;

#[farcall::service]
trait Echo {
    async fn vector(&self, number: u8, body: &[u8]) -> Result<Vec<u8>>;
    async fn bytes(&self, number: u8, body: &[u8]) -> Result<Bytes>;
    async fn plain(&self, body: &[u8]) -> Bytes;
    async fn owned(&self, body: Bytes, number: u8) -> Result<Bytes>;
    async fn pair(&self, body: &[u8]) -> Result<(Bytes, u8, Bytes)>;
    async fn fails(&self, body: &[u8]) -> std::result::Result<Bytes, Refused>;
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Refused {
    Because(Bytes),
    Call(farcall::Error),
}

impl From<farcall::Error> for Refused {
    fn from(error: farcall::Error) -> Self {
        Self::Call(error)
    }
}

struct Parrot;

impl Echo for Parrot {
    async fn vector(&self, _: u8, body: &[u8]) -> Result<Vec<u8>> {
        Ok(body.to_vec())
    }
    async fn bytes(&self, _: u8, body: &[u8]) -> Result<Bytes> {
        Ok(Bytes::copy_from_slice(body))
    }
    async fn plain(&self, body: &[u8]) -> Bytes {
        Bytes::copy_from_slice(body)
    }
    async fn owned(&self, body: Bytes, _: u8) -> Result<Bytes> {
        Ok(body)
    }
    async fn pair(&self, body: &[u8]) -> Result<(Bytes, u8, Bytes)> {
        let body = Bytes::copy_from_slice(body);
        Ok((body.clone(), 7, body))
    }
    async fn fails(&self, body: &[u8]) -> std::result::Result<Bytes, Refused> {
        Err(Refused::Because(Bytes::copy_from_slice(body)))
    }
}

fn content(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// The lengths at which something changes on the way, and those around them: where bodies are copied, where frames are
/// read apart, where messages are cut, where runs of bytes are moved.
fn lengths() -> impl Iterator<Item = usize> {
    let borders = [8 << 10, 16 << 10, 32 << 10, 64 << 10, 512 << 10];
    borders
        .into_iter()
        .flat_map(|border| (border - 30..border + 10).step_by(3))
        .chain([0, 1, 100_000, (1 << 20) - 100])
}

async fn echo(client: &EchoClient, length: usize) -> Result<()> {
    let body = content(length);
    assert_eq!(client.vector(7, &body).await?, body, "{length}");
    assert_eq!(client.bytes(7, &body).await?, body, "{length}");
    assert_eq!(client.plain(&body).await?, body, "{length}");
    assert_eq!(client.owned(body.clone(), 7).await?, body, "{length}");
    assert_eq!(
        client.fails(&body).await,
        Err(Refused::Because(body.clone())),
        "{length}"
    );
    Ok(())
}

async fn bodies_arrive_as_they_were_sent(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().service(EchoServer::new(Parrot))).await?;
    let client = EchoClient::new(site.channel.clone());
    for length in lengths() {
        echo(&client, length).await?;
    }
    let body = content(500_000);
    assert_eq!(client.pair(&body).await?, (body.clone(), 7, body));
    Ok(())
}

async fn bodies_of_many_calls_do_not_mix(transport: Transport) -> TestResult {
    let site = transport.serve(Server::new().service(EchoServer::new(Parrot))).await?;
    let client = EchoClient::new(site.channel.clone());
    let calls = (0..40).map(|call| {
        let client = client.clone();
        tokio::spawn(async move { echo(&client, 20_000 * call % 700_000 + call).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    Ok(())
}

async fn bodies_pass_layers(transport: Transport) -> TestResult {
    let passes = || wrap(|request, mut next| Service::call(&mut next, request));
    let server = Server::new().service(EchoServer::new(Parrot)).layer(passes());
    let site = transport.serve_to(server, Channel::builder().layer(passes())).await?;
    let client = EchoClient::new(site.channel.clone());
    for length in [100, 32 << 10, 100_000, 512 << 10, 1_000_000] {
        echo(&client, length).await?;
    }
    Ok(())
}

over_every_transport!(
    bodies_arrive_as_they_were_sent,
    bodies_of_many_calls_do_not_mix,
    bodies_pass_layers,
);

#[tokio::test]
async fn bodies_to_objects_of_the_same_process_arrive_as_they_were_sent() -> TestResult {
    let client = EchoClient::local(Parrot);
    for length in [100, 32 << 10, 100_000, 512 << 10, 1_000_000] {
        echo(&client, length).await?;
    }
    Ok(())
}
