//! Both sides know who the other one is.

use farcall::{Channel, Identity, Server, tls::ServerTls};
use farcall_tests::TestResult;
use tokio::sync::mpsc;

use crate::support::{Counted, Party, VaultClient, VaultServer, connect, serve};

#[tokio::test]
async fn a_client_is_who_its_certificate_says() -> TestResult {
    let party = Party::new()?;
    let names = [
        "spiffe://example.org/orders",
        "Orders.Internal",
        "10.1.2.3",
        "2001:db8::1",
    ];
    let orders = party.authority.issue_for_client(names)?;
    let tls = party.client_tls().certificate(orders.pem(), orders.key_pem());
    let server = serve(
        &Counted::default(),
        party.server_tls().client_authority(party.authority.pem()),
    )
    .await?;
    let seen = connect(&server, tls).await?.open().await?;
    let kinds = [
        "uri:spiffe://example.org/orders",
        "dns:orders.internal",
        "ip:10.1.2.3",
        "ip:2001:db8::1",
    ];
    assert_eq!(seen[..4], kinds);
    let fingerprint = seen[4]
        .strip_prefix("sha256:")
        .expect("the certificate itself comes last");
    assert_eq!(fingerprint.len(), 64);

    // The fingerprint is what a client pins.
    let shown = party.authority.issue_for_server(["elsewhere.example"])?;
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Server::new()
        .service(VaultServer::new(Counted::default()))
        .tls(ServerTls::pem(orders.pem(), orders.key_pem()))
        .on_connection(move |peer| told.send(peer.identity().cloned()).expect("the test listens"))
        .listen("tls://127.0.0.1:0")
        .await?;
    connect(&server, farcall::tls::ClientTls::new().pinned(fingerprint))
        .await?
        .open()
        .await?;
    assert_eq!(
        hears.recv().await,
        Some(None),
        "a client without a certificate has no identity"
    );
    drop(shown);
    Ok(())
}

#[tokio::test]
async fn a_client_without_a_certificate_is_nobody_where_it_is_let_in() -> TestResult {
    let party = Party::new()?;
    let known = party.authority.issue_for_client(["orders.internal"])?;
    let tls = party
        .server_tls()
        .client_authority(party.authority.pem())
        .client_certificate_optional();
    let server = serve(&Counted::default(), tls).await?;
    assert!(connect(&server, party.client_tls()).await?.open().await?.is_empty());
    let shows = party.client_tls().certificate(known.pem(), known.key_pem());
    assert_eq!(connect(&server, shows).await?.open().await?[0], "dns:orders.internal");
    // A wrong certificate is worse than none.
    let other = Party::new()?;
    let stranger = other.authority.issue_for_client(["orders.internal"])?;
    let shows = party.client_tls().certificate(stranger.pem(), stranger.key_pem());
    connect(&server, shows)
        .await
        .expect_err("the certificate is not trusted");
    Ok(())
}

#[tokio::test]
async fn hooks_and_layers_know_who_came() -> TestResult {
    let party = Party::new()?;
    let orders = party.authority.issue_for_client(["orders.internal"])?;
    let (told, mut hears) = mpsc::unbounded_channel();
    let (by_layer, by_end) = (told.clone(), told.clone());
    let name = |identity: Option<&Identity>| identity.map(|identity| identity.name().to_owned());
    let server = Server::new()
        .service(VaultServer::new(Counted::default()))
        .tls(party.server_tls().client_authority(party.authority.pem()))
        .on_connection(move |peer| told.send(name(peer.identity())).expect("the test listens"))
        .on_disconnection(move |peer, _| by_end.send(name(peer.identity())).expect("the test listens"))
        .intercept(
            async move |request: farcall::layer::Request, next: farcall::layer::Next| {
                by_layer.send(name(request.identity())).expect("the test listens");
                next.run(request).await
            },
        )
        .listen("tls://127.0.0.1:0")
        .await?;
    let client = connect(&server, party.client_tls().certificate(orders.pem(), orders.key_pem())).await?;
    client.open().await?;
    drop(client);
    for place in ["on_connection", "intercept", "on_disconnection"] {
        assert_eq!(
            hears.recv().await.flatten().as_deref(),
            Some("dns:orders.internal"),
            "{place}"
        );
    }
    Ok(())
}

#[farcall::service]
trait Listener {
    async fn hear(&self) -> Vec<String>;
}

/// Answers a call back with who made it.
struct Hears;

impl Listener for Hears {
    async fn hear(&self) -> Vec<String> {
        let context = farcall::Context::current();
        context
            .identity()
            .map_or(Vec::new(), |identity| identity.names().map(str::to_owned).collect())
    }
}

#[farcall::service]
trait Caller {
    async fn call_back(&self, listener: ListenerClient) -> farcall::Result<Vec<String>>;
}

struct CallsBack;

impl Caller for CallsBack {
    async fn call_back(&self, listener: ListenerClient) -> farcall::Result<Vec<String>> {
        listener.hear().await
    }
}

#[tokio::test]
async fn a_server_that_calls_back_is_who_its_certificate_says() -> TestResult {
    let party = Party::new()?;
    let server = Server::new()
        .service(CallerServer::new(CallsBack))
        .tls(party.server_tls());
    let server = server.listen("tls://127.0.0.1:0").await?;
    let channel = Channel::builder()
        .tls(party.client_tls())
        .connect(server.local_addr())
        .await?;
    let names = CallerClient::new(channel)
        .call_back(ListenerClient::local(Hears))
        .await?;
    assert_eq!(names[..2], ["dns:localhost", "ip:127.0.0.1"]);
    Ok(())
}

#[tokio::test]
async fn the_certificate_itself_is_there() -> TestResult {
    let party = Party::new()?;
    let orders = party.authority.issue_for_client(["orders.internal"])?;
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Server::new()
        .service(VaultServer::new(Counted::default()))
        .tls(party.server_tls().client_authority(party.authority.pem()))
        .on_connection(move |peer| told.send(peer.clone()).expect("the test listens"))
        .listen("tls://127.0.0.1:0")
        .await?;
    let channel = Channel::builder().tls(party.client_tls().certificate(orders.pem(), orders.key_pem()));
    VaultClient::new(channel.connect(server.local_addr()).await?)
        .open()
        .await?;
    let peer = hears.recv().await.expect("a connection has opened");
    let certificate = peer
        .identity()
        .and_then(Identity::certificate)
        .expect("it has shown one");
    assert_eq!(certificate.subject(), "CN=farcall development");
    assert!(certificate.valid_from() < certificate.valid_until());
    let names: Vec<_> = peer.identity().into_iter().flat_map(Identity::names).collect();
    assert_eq!(names[1], format!("sha256:{}", certificate.fingerprint()));
    assert_eq!(peer.address().scheme(), "tls");
    Ok(())
}
