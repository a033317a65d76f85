//! TLS with certificates on both sides: a server that knows its callers, and takes a new certificate while it runs.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error as StdError;

use farcall::{
    Channel, Code, Context, Error, Server,
    tls::{ClientTls, DevAuthority, ServerTls},
};

#[farcall::service]
trait Stock {
    async fn count(&self) -> farcall::Result<u32>;
    async fn clear(&self) -> farcall::Result<()>;
}

struct Warehouse;

impl Stock for Warehouse {
    async fn count(&self) -> farcall::Result<u32> {
        let context = Context::current();
        println!("{} counts", context.authenticated()?);
        Ok(7)
    }

    async fn clear(&self) -> farcall::Result<()> {
        if Context::current().authenticated()?.has_name("dns:orders.internal") {
            return Ok(());
        }
        Err(Error::permission_denied("only orders.internal clears the stock"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    // In production somebody else makes these files, and makes them anew before they expire.
    let (authority, folder) = (DevAuthority::new()?, tempfile::tempdir()?);
    let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    authority.issue(["127.0.0.1"])?.write(&certificate, &key)?;

    let shown = ServerTls::files(&certificate, &key)
        .client_authority(authority.pem())
        .on_event(|event| println!("the server: {event}"));
    let server = Server::new()
        .service(StockServer::new(Warehouse))
        .tls(shown.clone())
        .on_failed_connection(|peer, why| println!("{peer} was not let in: {why}"))
        .listen("tls://127.0.0.1:0")
        .await?;

    let client = |name: &str| -> farcall::Result<ClientTls> {
        let own = authority.issue([name])?;
        Ok(ClientTls::new()
            .authority(authority.pem())
            .certificate(own.pem(), own.key_pem()))
    };
    let connect = async |tls: ClientTls| -> farcall::Result<StockClient> {
        Ok(StockClient::new(
            Channel::builder().tls(tls).connect(server.local_addr()).await?,
        ))
    };

    let (orders, guest) = (
        connect(client("orders.internal")?).await?,
        connect(client("guest.internal")?).await?,
    );
    assert_eq!((orders.count().await?, guest.count().await?), (7, 7));
    orders.clear().await?;
    let error = guest.clear().await.err().ok_or("a guest may not clear")?;
    assert_eq!(error.code(), Code::PermissionDenied);

    // An authority that nobody knows.
    let stranger = DevAuthority::new()?.issue(["orders.internal"])?;
    let tls = ClientTls::new()
        .authority(authority.pem())
        .certificate(stranger.pem(), stranger.key_pem());
    let error = connect(tls).await.err().ok_or("a stranger is not let in")?;
    println!("the stranger: {error}");

    // A new certificate for new connections; the open ones go on.
    authority
        .issue(["127.0.0.1", "stock.internal"])?
        .write(&certificate, &key)?;
    shown.reload().await?;
    connect(client("orders.internal")?.server_name("stock.internal"))
        .await?
        .count()
        .await?;
    orders.count().await?;
    Ok(())
}
