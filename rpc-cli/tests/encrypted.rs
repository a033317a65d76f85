//! Addresses that are encrypted.

use std::error::Error;

use farcall::{
    Server,
    tls::{DevAuthority, ServerTls},
};

use crate::{
    program::farcall,
    service::{serve_at, services},
};

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_server_with_a_certificate_is_called() -> Tested {
    let (authority, folder) = (DevAuthority::new()?, tempfile::tempdir()?);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (shown, own) = (
        authority.issue(["stock.internal"])?,
        authority.issue(["operator.internal"])?,
    );
    own.write(file("own.pem"), file("own.key"))?;
    std::fs::write(file("ca.pem"), authority.pem())?;
    let tls = ServerTls::pem(shown.pem(), shown.key_pem()).client_authority(authority.pem());
    let server: Server = services().tls(tls);
    let (_server, address) = serve_at(server, "tls://127.0.0.1:0").await?;

    let call = ["call", &*address, "Inventory.stock", r#"{"sku":"apple"}"#];
    let (ca, certificate, key) = (file("ca.pem"), file("own.pem"), file("own.key"));
    let trusts = ["--authority", &*ca, "--server-name", "stock.internal"];
    let shows = ["--certificate", &*certificate, "--key", &*key];
    let said = farcall([&call[..], &trusts, &shows].concat()).await?;
    assert_eq!(said.good(), "7\n");

    let pin = ["--pin", &*"0".repeat(64)];
    let refusals = [
        (
            &trusts[..],
            "the server asks for a client certificate; give it one with `--certificate FILE --key FILE`",
        ),
        (&[], "name the right authority with `--authority FILE`"),
        (&trusts[..2], "say which is meant with `--server-name NAME`"),
        (&pin, "is not one of those that `--pin SHA256` names"),
    ];
    for (options, expected) in refusals {
        let refused = farcall([&call[..], options].concat()).await?;
        assert!(refused.err.contains(expected), "{}", refused.err);
    }
    Ok(())
}
