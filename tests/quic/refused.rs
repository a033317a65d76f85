//! Every side that must not be let in is refused at `connect`, with the cause, and nothing runs.

use std::{
    net::UdpSocket,
    time::{Duration, SystemTime},
};

use farcall::{
    Channel, Code, Context, Error, Outcome, Result, RunningServer, Server,
    tls::{ClientTls, DevAuthority, DevCertificate, ServerTls},
};
use farcall_tests::{TestResult, certificates, ledger::socket, probe::ends};
use tokio::time::timeout;

use crate::raw::{connect_with, listen};

/// How soon every refusal has to come.
const SOON: Duration = Duration::from_secs(2);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[farcall::service]
trait Door {
    /// The caller's names.
    async fn enter(&self) -> Vec<String>;
}

struct Porter;

impl Door for Porter {
    async fn enter(&self) -> Vec<String> {
        let context = Context::current();
        let identity = context.identity();
        identity.map_or(Vec::new(), |identity| identity.names().map(str::to_owned).collect())
    }
}

fn shows(certificate: &DevCertificate) -> ServerTls {
    ServerTls::pem(certificate.pem(), certificate.key_pem())
}

async fn serve(tls: ServerTls) -> Result<RunningServer> {
    let server = Server::new().service(DoorServer::new(Porter)).tls(tls);
    server.listen("quic://127.0.0.1:0").await
}

async fn connect(server: &RunningServer, tls: ClientTls) -> Result<DoorClient> {
    let channel = Channel::builder().tls(tls).connect(server.local_addr()).await?;
    Ok(DoorClient::new(channel))
}

/// Calls of such a client fail for good, for this cause.
fn assert_refusal(error: &Error, cause: &str) {
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted),
        "{error}"
    );
    assert!(!error.is_retryable(), "another attempt would go the same way: {error}");
    assert!(error.message().contains(cause), "`{error}` does not say `{cause}`");
}

async fn is_refused(server: ServerTls, client: ClientTls, cause: &str) -> TestResult {
    let server = serve(server).await?;
    let error = timeout(SOON, connect(&server, client)).await?.err();
    let error = error.unwrap_or_else(|| panic!("the client was let in, and should have heard: {cause}"));
    assert_refusal(&error, cause);
    Ok(())
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_good() -> TestResult {
    let (authority, other) = (DevAuthority::new()?, DevAuthority::new()?);
    let now = SystemTime::now();
    let trusts = || ClientTls::new().authority(authority.pem());
    let cases = [
        (
            other.issue(["127.0.0.1"])?,
            "was signed by an authority that this side does not trust",
        ),
        (
            authority.issue_between(["127.0.0.1"], now - 3 * DAY, now - DAY)?,
            "certificate expired",
        ),
        (
            authority.issue_between(["127.0.0.1"], now + DAY, now + 3 * DAY)?,
            "not valid yet",
        ),
        (authority.issue(["warehouse.example"])?, "`ClientTls::server_name`"),
        (
            authority.issue_for_client(["127.0.0.1"])?,
            "the server's certificate is not acceptable",
        ),
    ];
    for (shown, cause) in cases {
        is_refused(shows(&shown), trusts(), cause).await?;
    }
    let good = authority.issue(["127.0.0.1"])?;
    is_refused(
        shows(&good),
        ClientTls::new().pinned(&"0".repeat(64)),
        "`ClientTls::pinned`",
    )
    .await?;
    assert!(
        connect(&serve(shows(&good)).await?, trusts())
            .await?
            .enter()
            .await?
            .is_empty()
    );
    Ok(())
}

/// In TLS 1.3 a client has finished its handshake before the server looks at its certificate.
#[tokio::test]
async fn a_client_whose_certificate_is_not_good() -> TestResult {
    let (authority, other) = (DevAuthority::new()?, DevAuthority::new()?);
    let now = SystemTime::now();
    let shown = authority.issue(["127.0.0.1"])?;
    let asks = || shows(&shown).client_authority(authority.pem());
    let trusts = || ClientTls::new().authority(authority.pem());
    let cause = "the server asks for a client certificate; give it one with `ClientTls::certificate_files`";
    is_refused(asks(), trusts(), cause).await?;
    let cases = [
        (
            other.issue(["orders.internal"])?,
            "does not trust the authority that signed this side's certificate",
        ),
        (
            authority.issue_between(["a"], now - 3 * DAY, now - DAY)?,
            "it has expired, or is not valid yet",
        ),
        (authority.issue_for_server(["a"])?, "it may not be used for this"),
    ];
    for (own, cause) in cases {
        is_refused(asks(), trusts().certificate(own.pem(), own.key_pem()), cause).await?;
    }
    Ok(())
}

#[tokio::test]
async fn both_sides_know_each_other() -> TestResult {
    let authority = DevAuthority::new()?;
    let (shown, own) = (authority.issue(["127.0.0.1"])?, authority.issue(["orders.internal"])?);
    let server = serve(shows(&shown).client_authority(authority.pem())).await?;
    let tls = ClientTls::new().authority(authority.pem());
    let door = connect(&server, tls.certificate(own.pem(), own.key_pem())).await?;
    assert_eq!(door.enter().await?[0], "dns:orders.internal");
    Ok(())
}

#[tokio::test]
async fn a_peer_with_another_protocol() -> TestResult {
    let endpoint = listen(b"h3")?;
    let address = format!("quic://{}", endpoint.local_addr()?);
    let serving = async {
        let incoming = endpoint.accept().await.ok_or("the endpoint is open")?;
        assert!(incoming.await.is_err(), "both speak something else");
        TestResult::Ok(())
    };
    let channel = Channel::builder().tls(certificates::client());
    let both = async { tokio::join!(serving, channel.connect(address.as_str())) };
    let (served, connected) = timeout(SOON, both).await?;
    served?;
    let error = connected.expect_err("it is another server");
    assert_refusal(&error, "the server speaks TLS, but not farcall in it (ALPN)");

    let server = serve(certificates::server()).await?;
    let refused = connect_with(socket(&server.local_addr()), b"h3").await;
    assert!(refused.is_err_and(|error| error.to_string().contains("protocol")));
    Ok(())
}

#[tokio::test]
async fn a_port_where_nobody_listens() -> TestResult {
    let taken = UdpSocket::bind("127.0.0.1:0")?;
    let address = format!("quic://{}", taken.local_addr()?);
    drop(taken);
    let connecting = Channel::builder().tls(certificates::client()).connect(address.as_str());
    let error = timeout(SOON, connecting).await?.expect_err("nobody listens");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted),
        "{error}"
    );
    assert!(error.is_retryable(), "{error}");
    assert!(error.message().contains("nothing listens"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_certificate_does_not_listen() {
    let server = Server::new().service(DoorServer::new(Porter));
    let error = server
        .listen("quic://127.0.0.1:0")
        .await
        .expect_err("it has no certificate");
    assert_refusal(&error, "give it one with `Server::tls`");
}

#[tokio::test]
async fn new_connections_get_the_reloaded_certificate_and_open_ones_go_on() -> TestResult {
    let (first, second) = (DevAuthority::new()?, DevAuthority::new()?);
    let directory = tempfile::tempdir()?;
    let files = ["server.pem", "server.key"].map(|name| directory.path().join(name));
    first.issue(["127.0.0.1"])?.write(&files[0], &files[1])?;
    let tls = ServerTls::files(&files[0], &files[1]);
    let server = serve(tls.clone()).await?;
    let early = connect(&server, ClientTls::new().authority(first.pem())).await?;

    second.issue(["127.0.0.1"])?.write(&files[0], &files[1])?;
    tls.reload().await?;
    let late = connect(&server, ClientTls::new().authority(second.pem())).await?;
    assert!(late.enter().await?.is_empty() && early.enter().await?.is_empty());
    let refused = connect(&server, ClientTls::new().authority(first.pem())).await;
    assert_refusal(&refused.expect_err("it is another authority"), "does not trust");
    Ok(())
}

/// A server that shuts down says so to whoever comes.
#[tokio::test]
async fn a_server_that_shuts_down_lets_nobody_in() -> TestResult {
    let prober = farcall_tests::probe::Prober::new();
    let server = prober.server().tls(certificates::server());
    let server = server.listen("quic://127.0.0.1:0").await?;
    let channel = || Channel::builder().tls(certificates::client());
    let client = farcall_tests::probe::ProbeClient::new(channel().connect(server.local_addr()).await?);
    let call = tokio::spawn(client.hold(1));
    prober.until(|counts| counts.running == 1).await;
    let address = server.local_addr();
    let stranger = async {
        let error = channel().connect(&address).await.expect_err("it lets nobody in");
        prober.release();
        error
    };
    let shutdown = server.shutdown(Duration::from_secs(30));
    let ((), error) = ends("the shutdown", async { tokio::join!(shutdown, stranger) }).await;
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted),
        "{error}"
    );
    assert_eq!(call.await??, 1);
    Ok(())
}
