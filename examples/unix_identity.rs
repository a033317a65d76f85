//! Who may call what, by the user at the other end of a Unix socket: no tokens and no certificates.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use farcall::{
        Code, Context, Identity, Outcome, Result, Server,
        auth::{Grant, Rules},
    };

    #[farcall::service]
    trait Backup {
        async fn whose(&self) -> Result<String>;
        #[rpc(requires = "backup.delete")]
        async fn delete(&self) -> Result<()>;
    }

    struct Disk;

    impl Backup for Disk {
        async fn whose(&self) -> Result<String> {
            Ok(Context::current().authenticated()?.to_string())
        }

        async fn delete(&self) -> Result<()> {
            Ok(())
        }
    }

    pub(super) async fn run() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("farcall-example-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        let socket = format!("unix://{}/backup.sock", folder.display());

        // Whoever runs this example: the system tells the server, and nobody can claim to be somebody else.
        let server = Server::new().service(BackupServer::new(Disk)).listen(&*socket).await?;
        let own = BackupClient::connect(server.local_addr()).await?.whose().await?;
        server.shutdown(Duration::ZERO).await;
        println!("the caller is `{own}`");

        let rules = Rules::new()
            .allow(&*own, Grant::service("Backup"))
            .allow("uid:4294967294", Grant::requirement("backup.delete"));
        let server = Server::new()
            .service(BackupServer::new(Disk))
            .authorize(rules)
            .on_connection(|peer| println!("{:?} has come", peer.identity().map(Identity::name)))
            .listen(&*socket)
            .await?;
        let backup = BackupClient::connect(server.local_addr()).await?;
        assert_eq!(backup.whose().await?, own);
        let error = backup.delete().await.err().ok_or("only another user may delete")?;
        println!("{error}");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::PermissionDenied, Outcome::NotExecuted)
        );
        drop((backup, server));
        std::fs::remove_dir_all(&folder)?;
        Ok(())
    }
}

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::run().await
}

#[cfg(not(unix))]
fn main() {
    println!("this system has no Unix sockets");
}
