//! What certificates do while a server runs: they are read again, and expire.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use farcall::{
    Code,
    tls::{ClientTls, DevCertificate, ServerTls, TlsEvent},
};
use farcall_tests::TestResult;
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use tokio::sync::mpsc;

use crate::support::{Counted, Party, connect, serve};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SOON: Duration = Duration::from_millis(5);

/// Files for a server's certificate and for the authority of its clients.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, certificate: &DevCertificate) -> std::io::Result<()> {
        certificate.write(self.path("server.pem"), self.path("server.key"))
    }

    fn tls(&self) -> ServerTls {
        ServerTls::files(self.path("server.pem"), self.path("server.key"))
    }
}

/// The name by which the client of this server knows it; it must be pinned or trusted.
async fn shown(server: &farcall::RunningServer, party: &Party, name: &str) -> bool {
    connect(server, party.client_tls().server_name(name)).await.is_ok()
}

#[tokio::test]
async fn new_connections_get_the_reloaded_certificate_and_open_ones_go_on() -> TestResult {
    let (party, files) = (Party::new()?, Files::new()?);
    files.write(&party.authority.issue(["first.example"])?)?;
    let tls = files.tls().watch(DAY);
    let server = serve(&Counted::default(), tls.clone()).await?;
    let early = connect(&server, party.client_tls().server_name("first.example")).await?;

    files.write(&party.authority.issue(["second.example"])?)?;
    assert!(shown(&server, &party, "first.example").await, "nobody has reloaded");
    tls.reload().await?;
    assert!(!shown(&server, &party, "first.example").await);
    assert!(shown(&server, &party, "second.example").await);
    early.open().await?;
    Ok(())
}

#[tokio::test]
async fn a_watched_file_is_read_again_by_itself() -> TestResult {
    let (party, files) = (Party::new()?, Files::new()?);
    files.write(&party.authority.issue(["first.example"])?)?;
    let (told, mut hears) = mpsc::unbounded_channel();
    let tls = files
        .tls()
        .watch(SOON)
        .on_event(move |event| told.send(event.clone()).expect("the test listens"));
    let server = serve(&Counted::default(), tls).await?;

    // In two steps, as files are copied: between them they do not belong together.
    let second = party.authority.issue(["second.example"])?;
    fs::write(files.path("server.pem"), second.pem())?;
    let failed = hears.recv().await.expect("the change is seen");
    let TlsEvent::ReloadFailed(error) = &failed else {
        panic!("{failed:?}")
    };
    assert_eq!(error.code(), Code::FailedPrecondition);
    let text = failed.to_string();
    assert!(
        text.contains("server.pem") && text.contains("cannot be used together"),
        "{text}"
    );
    assert!(
        shown(&server, &party, "first.example").await,
        "the earlier certificate stays"
    );

    fs::write(files.path("server.key"), second.key_pem())?;
    let reloaded = hears.recv().await.expect("the change is seen");
    assert!(matches!(reloaded, TlsEvent::Reloaded(_)), "{reloaded:?}");
    assert!(shown(&server, &party, "second.example").await);
    Ok(())
}

#[tokio::test]
async fn an_authority_that_was_taken_out_is_not_trusted_any_more_even_to_resume() -> TestResult {
    let (party, other, files) = (Party::new()?, Party::new()?, Files::new()?);
    files.write(&party.server)?;
    let clients = files.path("clients.pem");
    fs::write(&clients, party.authority.pem())?;
    let tls = files.tls().client_authority_file(&clients);
    let server = serve(&Counted::default(), tls.clone()).await?;
    let orders = party.authority.issue_for_client(["orders.internal"])?;
    // Its clones share their sessions.
    let client = party.client_tls().certificate(orders.pem(), orders.key_pem());
    connect(&server, client.clone()).await?.open().await?;

    fs::write(&clients, other.authority.pem())?;
    tls.reload().await?;
    let error = connect(&server, client).await.expect_err("its authority is gone");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_client_reads_changed_files_for_its_next_connection() -> TestResult {
    let (party, other, files) = (Party::new()?, Party::new()?, Files::new()?);
    let authority = files.path("authority.pem");
    fs::write(&authority, other.authority.pem())?;
    let client = ClientTls::new().authority_file(&authority);
    let server = serve(&Counted::default(), party.server_tls()).await?;
    connect(&server, client.clone())
        .await
        .expect_err("another authority is trusted");
    fs::write(
        &authority,
        format!("# the authority of our servers\n{}", party.authority.pem()),
    )?;
    connect(&server, client).await?.open().await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_expires_soon_is_told_of_once() -> TestResult {
    let party = Party::new()?;
    let now = SystemTime::now();
    for (left, warns) in [(3 * DAY, true), (30 * DAY, false)] {
        let certificate = party.authority.issue_between(["127.0.0.1"], now - DAY, now + left)?;
        let (told, mut hears) = mpsc::unbounded_channel();
        let tls = ServerTls::pem(certificate.pem(), certificate.key_pem())
            .watch(Duration::from_millis(1))
            .on_event(move |event| told.send(event.clone()).expect("the test listens"));
        let server = serve(&Counted::default(), tls).await?;
        // Each accepted connection comes after a look that was due before it.
        for _ in 0..5 {
            connect(&server, party.client_tls()).await?.open().await?;
        }
        server.shutdown(Duration::ZERO).await;
        drop(server);
        let events: Vec<_> = std::iter::from_fn(|| hears.try_recv().ok()).collect();
        if warns {
            let [event @ TlsEvent::Expires { at, .. }] = &events[..] else {
                panic!("{events:?}")
            };
            assert!(*at > now + 2 * DAY && *at < now + 4 * DAY);
            assert_eq!(
                event.to_string(),
                "the certificate of `CN=farcall development` expires in 2 days"
            );
        } else {
            assert!(events.is_empty(), "{events:?}");
        }
    }
    Ok(())
}

/// Counts how often a certificate was asked for: a resumed session needs none.
#[derive(Debug)]
struct CountedKey(Arc<CertifiedKey>, Arc<AtomicUsize>);

impl ResolvesClientCert for CountedKey {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_session_is_resumed_and_the_client_is_who_it_was() -> TestResult {
    let (party, shown) = (Party::new()?, Arc::new(AtomicUsize::new(0)));
    let orders = party.authority.issue_for_client(["orders.internal"])?;
    let provider = rustls::crypto::ring::default_provider();
    let chain = vec![CertificateDer::from_pem_slice(orders.pem().as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(orders.key_pem().as_bytes())?;
    let key = CountedKey(
        Arc::new(CertifiedKey::from_der(chain, key, &provider)?),
        Arc::clone(&shown),
    );
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(party.authority.pem().as_bytes())?)?;
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(key));
    let client = ClientTls::from_config(config);

    let server = serve(
        &Counted::default(),
        party.server_tls().client_authority(party.authority.pem()),
    )
    .await?;
    for _ in 0..3 {
        assert_eq!(
            connect(&server, client.clone()).await?.open().await?[0],
            "dns:orders.internal"
        );
    }
    assert_eq!(
        shown.load(Ordering::SeqCst),
        1,
        "the second and the third connection resume the session of the first"
    );
    Ok(())
}

#[tokio::test]
async fn a_session_is_not_resumed_when_its_certificate_has_expired() -> TestResult {
    let party = Party::new()?;
    let now = SystemTime::now();
    let brief = party
        .authority
        .issue_between(["orders.internal"], now - DAY, now + Duration::from_secs(2))?;
    let client = party.client_tls().certificate(brief.pem(), brief.key_pem());
    let server = serve(
        &Counted::default(),
        party.server_tls().client_authority(party.authority.pem()),
    )
    .await?;
    connect(&server, client.clone()).await?.open().await?;
    // The certificate has whole seconds.
    while SystemTime::now() <= now + Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = connect(&server, client)
        .await
        .expect_err("the certificate has expired meanwhile");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert!(error.message().contains("has expired"), "{error}");
    Ok(())
}
