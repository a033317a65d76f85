//! Settings that cannot work are told, with the name of the file, and show no key.

use std::fs;

use farcall::{
    Channel, Code, Error,
    tls::{ClientTls, ServerTls},
};
use farcall_tests::TestResult;

use crate::support::{Counted, Party, connect, serve};

/// What is wrong with the settings.
async fn wrong(tls: ClientTls) -> Error {
    let party = Party::new().expect("a party");
    let server = serve(&Counted::default(), party.server_tls()).await.expect("a server");
    let error = connect(&server, tls).await.expect_err("the settings cannot work");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert!(!error.is_retryable(), "{error}");
    error
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() -> TestResult {
    let (party, folder) = (Party::new()?, tempfile::tempdir()?);
    let path = |name: &str| folder.path().join(name);
    let text = wrong(ClientTls::new().authority_file(path("missing.pem")))
        .await
        .to_string();
    assert!(
        text.contains("missing.pem") && text.contains("cannot be read"),
        "{text}"
    );

    fs::write(path("empty.pem"), "")?;
    let text = wrong(ClientTls::new().authority_file(path("empty.pem")))
        .await
        .to_string();
    assert!(
        text.contains("empty.pem` has no certificate: PEM with `-----BEGIN CERTIFICATE-----`"),
        "{text}"
    );

    fs::write(path("key.pem"), party.server.pem())?;
    let tls = party.client_tls().certificate_files(path("key.pem"), path("key.pem"));
    let text = wrong(tls).await.to_string();
    assert!(
        text.contains("key.pem` has no private key without a password"),
        "{text}"
    );

    let other = party.authority.issue(["other.example"])?;
    let text = wrong(party.client_tls().certificate(party.server.pem(), other.key_pem()))
        .await
        .to_string();
    assert!(text.contains("cannot be used together"), "{text}");

    let text = wrong(ClientTls::new().pinned("12:34")).await.to_string();
    assert!(
        text.contains("`1234` is not the SHA-256 of a certificate: 64 hexadecimal digits are expected"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_whose_files_cannot_be_used_does_not_listen() -> TestResult {
    let error = serve(&Counted::default(), ServerTls::files("/missing.pem", "/missing.key")).await;
    let error = error.expect_err("there are no files");
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    let text = error.message();
    assert!(
        text.starts_with("cannot listen on `tls://127.0.0.1:0`: `/missing.pem` cannot be read: "),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_name_that_no_certificate_has_is_refused() -> TestResult {
    let party = Party::new()?;
    let server = serve(&Counted::default(), party.server_tls()).await?;
    let error = connect(&server, party.client_tls().server_name("not a name"))
        .await
        .expect_err("it is not a name");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(
        error
            .message()
            .contains("no certificate can be for the name `not a name`"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_shows_a_key() -> TestResult {
    let party = Party::new()?;
    let key: String = party
        .server
        .key_pem()
        .lines()
        .nth(1)
        .expect("a line of the key")
        .to_owned();
    let client = party
        .client_tls()
        .certificate(party.server.pem(), party.server.key_pem());
    let shown = [
        format!("{client:?}"),
        format!("{:?}", party.server_tls()),
        format!("{:?}", party.server),
        format!("{:?}", party.authority),
        format!("{:?}", Channel::builder().tls(client)),
        format!("{:?}", farcall::Server::new().tls(party.server_tls())),
    ];
    for text in shown {
        assert!(!text.contains(&key) && !text.contains("PRIVATE"), "{text}");
    }
    Ok(())
}
