//! Every side that must not be let in is refused at `connect`, within two seconds, with the cause, and nothing runs.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use farcall::{
    Address, Channel, Code, Error, Outcome, Server,
    tls::{ClientTls, DevAuthority, ServerTls},
};
use farcall_tests::TestResult;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::support::{Counted, Party, VaultClient, VaultServer, connect, serve, shows};

/// How soon every refusal has to come.
const SOON: Duration = Duration::from_secs(2);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A client with `client` is refused by a server with `server`, at `connect` and for `cause`.
async fn is_refused(server: ServerTls, client: ClientTls, cause: &str) -> TestResult {
    let vault = Counted::default();
    let server = serve(&vault, server).await?;
    let error = timeout(SOON, connect(&server, client)).await?.err();
    let error = error.unwrap_or_else(|| panic!("the client was let in, and should have heard: {cause}"));
    assert_refusal(&error, &server.local_addr(), cause);
    assert_eq!(vault.ran(), 0, "{cause}");
    Ok(())
}

fn assert_refusal(error: &Error, address: &Address, cause: &str) {
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(!error.is_retryable(), "another attempt would go the same way: {error}");
    assert!(error.message().contains(cause), "{error} does not say: {cause}");
    assert!(
        error.message().contains(&address.to_string()),
        "{error} does not name {address}"
    );
}

/// A server that asks for a certificate that `authority` has signed.
fn asks_for_certificates(party: &Party, authority: &DevAuthority) -> ServerTls {
    party.server_tls().client_authority(authority.pem())
}

#[tokio::test]
async fn a_server_of_an_unknown_authority() -> TestResult {
    let (party, other) = (Party::new()?, DevAuthority::new()?);
    let client = ClientTls::new().authority(other.pem());
    is_refused(
        party.server_tls(),
        client,
        "was signed by an authority that this side does not trust",
    )
    .await
}

#[tokio::test]
async fn a_server_that_no_system_knows() -> TestResult {
    let party = Party::new()?;
    let vault = Counted::default();
    let server = serve(&vault, party.server_tls()).await?;
    let error = connect(&server, ClientTls::new())
        .await
        .expect_err("no system trusts the development authority");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert!(!error.is_retryable(), "{error}");
    // Either the system has authorities, and this is not one of them, or it has none.
    assert!(error.message().contains("`ClientTls::authority_file`"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_whose_certificate_has_expired() -> TestResult {
    let party = Party::new()?;
    let now = SystemTime::now();
    let expired = party.authority.issue_between(["127.0.0.1"], now - 3 * DAY, now - DAY)?;
    is_refused(
        shows(&expired),
        party.client_tls(),
        "the server's certificate expired at 20",
    )
    .await
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_valid_yet() -> TestResult {
    let party = Party::new()?;
    let now = SystemTime::now();
    let early = party.authority.issue_between(["127.0.0.1"], now + DAY, now + 3 * DAY)?;
    is_refused(
        shows(&early),
        party.client_tls(),
        "the server's certificate is not valid before 20",
    )
    .await
}

#[tokio::test]
async fn a_server_with_another_name() -> TestResult {
    let party = Party::new()?;
    let other = party.authority.issue(["warehouse.example", "10.0.0.1"])?;
    let cause = "the server's certificate is for `warehouse.example`, `10.0.0.1` and not for `127.0.0.1`";
    is_refused(shows(&other), party.client_tls(), cause).await
}

#[tokio::test]
async fn a_server_that_shows_the_certificate_of_a_client() -> TestResult {
    let party = Party::new()?;
    let client_only = party.authority.issue_for_client(["127.0.0.1"])?;
    is_refused(
        shows(&client_only),
        party.client_tls(),
        "its extended key usage lacks `serverAuth`",
    )
    .await
}

#[tokio::test]
async fn a_server_that_signed_its_own_certificate() -> TestResult {
    let (party, other) = (Party::new()?, Party::new()?);
    is_refused(
        other.server_tls(),
        party.client_tls(),
        "an authority that this side does not trust",
    )
    .await
}

#[tokio::test]
async fn a_client_without_a_certificate() -> TestResult {
    let party = Party::new()?;
    let server = asks_for_certificates(&party, &party.authority);
    let cause = "the server asks for a client certificate; give it one with `ClientTls::certificate_files`";
    is_refused(server.clone(), party.client_tls(), cause).await?;
    is_refused(server.allow_tls12(), party.client_tls(), cause).await
}

#[tokio::test]
async fn a_client_of_an_unknown_authority() -> TestResult {
    let (party, other) = (Party::new()?, DevAuthority::new()?);
    let stranger = other.issue_for_client(["orders.internal"])?;
    let client = party.client_tls().certificate(stranger.pem(), stranger.key_pem());
    let cause = "the server does not trust the authority that signed this side's certificate";
    is_refused(asks_for_certificates(&party, &party.authority), client, cause).await
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired_or_is_early() -> TestResult {
    let party = Party::new()?;
    let now = SystemTime::now();
    for (from, until) in [(now - 3 * DAY, now - DAY), (now + DAY, now + 3 * DAY)] {
        let wrong = party.authority.issue_between(["orders.internal"], from, until)?;
        let client = party.client_tls().certificate(wrong.pem(), wrong.key_pem());
        let cause = "the server refuses this side's certificate: it has expired, or is not valid yet";
        is_refused(asks_for_certificates(&party, &party.authority), client, cause).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_shows_the_certificate_of_a_server() -> TestResult {
    let party = Party::new()?;
    let client = party
        .client_tls()
        .certificate(party.server.pem(), party.server.key_pem());
    let cause = "the server refuses this side's certificate: it may not be used for this";
    is_refused(asks_for_certificates(&party, &party.authority), client, cause).await
}

#[tokio::test]
async fn a_client_that_does_not_speak_tls() -> TestResult {
    let (party, vault) = (Party::new()?, Counted::default());
    let server = serve(&vault, party.server_tls()).await?;
    let address = server.local_addr().to_string().replace("tls://", "tcp://");
    let error = timeout(SOON, VaultClient::connect(address.as_str()))
        .await?
        .expect_err("it is not let in");
    assert_refusal(
        &error,
        &address.parse()?,
        "the peer speaks TLS and this side does not; use `tls://`",
    );
    assert_eq!(vault.ran(), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() -> TestResult {
    let (party, vault) = (Party::new()?, Counted::default());
    let server = Server::new()
        .service(VaultServer::new(vault.clone()))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let address: Address = server.local_addr().to_string().replace("tcp://", "tls://").parse()?;
    let connecting = Channel::builder().tls(party.client_tls()).connect(&address);
    let error = timeout(SOON, connecting).await?.expect_err("there is no TLS");
    assert_refusal(&error, &address, "the server does not speak TLS; connect with `tcp://`");
    assert_eq!(vault.ran(), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_at_all() -> TestResult {
    let party = Party::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address: Address = format!("tls://{}", listener.local_addr()?).parse()?;
    let connecting = Channel::builder().tls(party.client_tls()).connect(&address);
    let serving = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"220 mail.example ESMTP\r\n").await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await
    };
    let (connected, _) = timeout(SOON, async { tokio::join!(connecting, serving) }).await?;
    assert_refusal(
        &connected.expect_err("it is a mail server"),
        &address,
        "the server does not speak TLS",
    );
    Ok(())
}

/// A reset would take the alert along on some systems, and make the client's next write fail on all.
#[tokio::test]
async fn a_refused_client_is_heard_out() -> TestResult {
    let party = Party::new()?;
    let server = serve(&Counted::default(), party.server_tls()).await?;
    let mut stream = TcpStream::connect(server.local_addr().to_string().trim_start_matches("tls://")).await?;
    stream.write_all(&vec![b'x'; 40_000]).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await??;
    assert!(
        matches!(answer[..], [0x15, 3, _, 0, 2, 2, _]),
        "an alert, and a clean end: {answer:?}"
    );
    Ok(())
}

/// A `ClientHello` of TLS 1.1, as old clients write it: version 3.2, one suite, no extensions.
fn hello_of_tls11() -> Vec<u8> {
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    hello.extend([0x00, 0x00, 0x02, 0x00, 0x2f, 0x01, 0x00]);
    let length = u8::try_from(hello.len()).expect("it is short");
    let mut handshake = vec![0x01, 0x00, 0x00, length];
    handshake.extend(hello);
    let mut record = vec![0x16, 0x03, 0x01, 0x00, length + 4];
    record.extend(handshake);
    record
}

#[tokio::test]
async fn a_client_of_tls_1_1() -> TestResult {
    let (party, vault) = (Party::new()?, Counted::default());
    for tls in [party.server_tls(), party.server_tls().allow_tls12()] {
        let server = serve(&vault, tls).await?;
        let address = server.local_addr().to_string();
        let mut stream = TcpStream::connect(address.trim_start_matches("tls://")).await?;
        stream.write_all(&hello_of_tls11()).await?;
        stream.shutdown().await?;
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer)).await??;
        // An alert, fatal. `protocol_version` is 70, `handshake_failure` 40.
        assert!(matches!(answer[..], [0x15, 3, _, 0, 2, 2, 70 | 40]), "{answer:?}");
    }
    assert_eq!(vault.ran(), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_of_tls_1_1() -> TestResult {
    let party = Party::new()?;
    for tls in [party.client_tls(), party.client_tls().allow_tls12()] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: Address = format!("tls://{}", listener.local_addr()?).parse()?;
        let connecting = Channel::builder().tls(tls).connect(&address);
        let serving = async {
            let (mut stream, _) = listener.accept().await?;
            // A `ServerHello` of version 3.2, with the suite that such a server would choose.
            let mut hello = vec![0x16, 0x03, 0x02, 0x00, 42, 0x02, 0x00, 0x00, 38, 0x03, 0x02];
            hello.extend([9; 32]);
            hello.extend([0x00, 0x00, 0x2f, 0x00]);
            stream.write_all(&hello).await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await
        };
        let (connected, _) = timeout(SOON, async { tokio::join!(connecting, serving) }).await?;
        let error = connected.expect_err("it is too old");
        assert_refusal(
            &error,
            &address,
            "the server speaks another version of TLS; this side speaks TLS 1.3",
        );
    }
    Ok(())
}

#[tokio::test]
async fn one_side_with_tls_1_2_only() -> TestResult {
    let party = Party::new()?;
    let old = client_config(&party, &[&rustls::version::TLS12])?;
    let cause = "the server speaks another version of TLS";
    is_refused(party.server_tls(), ClientTls::from_config(old.clone()), cause).await?;

    // Allowed, it is let in.
    let vault = Counted::default();
    let server = serve(&vault, party.server_tls().allow_tls12()).await?;
    connect(&server, ClientTls::from_config(old)).await?.open().await?;
    assert_eq!(vault.ran(), 1);
    Ok(())
}

fn client_config(
    party: &Party,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TestResult<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(party.authority.pem().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A TLS client of another protocol, or of none, gets no connection.
#[tokio::test]
async fn a_client_with_another_protocol() -> TestResult {
    let (party, vault) = (Party::new()?, Counted::default());
    let server = serve(&vault, party.server_tls()).await?;
    let address = server.local_addr().to_string();
    for protocols in [vec![b"h2".to_vec()], vec![]] {
        let mut config = client_config(&party, rustls::ALL_VERSIONS)?;
        let none = protocols.is_empty();
        config.alpn_protocols = protocols;
        let stream = TcpStream::connect(address.trim_start_matches("tls://")).await?;
        let handshake = tokio_rustls::TlsConnector::from(Arc::new(config));
        let connected = timeout(SOON, handshake.connect(ServerName::try_from("127.0.0.1")?, stream)).await?;
        if none {
            // It may finish the handshake, and is told behind it.
            let mut stream = connected?;
            let mut rest = Vec::new();
            timeout(SOON, stream.read_to_end(&mut rest)).await??;
            let said = String::from_utf8_lossy(&rest);
            assert!(said.ends_with("the client speaks TLS, but not farcall in it (ALPN); is this the right port?"));
        } else {
            let error = connected.expect_err("the server speaks only farcall").to_string();
            assert!(error.contains("NoApplicationProtocol"), "{error}");
        }
    }
    assert_eq!(vault.ran(), 0);
    Ok(())
}

#[tokio::test]
async fn a_server_with_another_protocol() -> TestResult {
    let party = Party::new()?;
    for protocols in [vec![b"h2".to_vec()], vec![]] {
        let chain = vec![CertificateDer::from_pem_slice(party.server.pem().as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(party.server.key_pem().as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = protocols;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: Address = format!("tls://{}", listener.local_addr()?).parse()?;
        let serving = async {
            let (stream, _) = listener.accept().await?;
            let mut stream = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            io::Result::Ok(rest)
        };
        let connecting = Channel::builder().tls(party.client_tls()).connect(&address);
        let (connected, served) = timeout(SOON, async { tokio::join!(connecting, serving) }).await?;
        let error = connected.expect_err("it is another server");
        assert_refusal(&error, &address, "the server speaks TLS, but not farcall in it (ALPN)");
        assert!(
            served.is_err() || served.is_ok_and(|rest| rest.is_empty()),
            "nothing was said"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_server_is_told_why_a_client_was_refused() -> TestResult {
    let party = Party::new()?;
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::new()
        .service(VaultServer::new(Counted::default()))
        .tls(asks_for_certificates(&party, &party.authority))
        .on_failed_connection(move |_, why| told.send(why.to_owned()).expect("the test listens"))
        .listen("tls://127.0.0.1:0")
        .await?;
    connect(&server, party.client_tls())
        .await
        .expect_err("it has no certificate");
    let why = hears.recv().await.expect("the server is told");
    assert_eq!(why, "the client has shown no certificate, and this server asks for one");
    connect(&server, ClientTls::new().pinned(&"0".repeat(64)))
        .await
        .expect_err("another certificate is pinned");
    let why = hears.recv().await.expect("the server is told");
    assert_eq!(why, "the client refuses this side's certificate (AccessDenied)");
    Ok(())
}
