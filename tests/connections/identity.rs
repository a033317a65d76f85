//! A caller has an identity where its transport verifies one, and code that asks for one refuses everybody else.

use std::sync::{Arc, Mutex};

use farcall::{
    Channel, Code, Context, Identity, Outcome, Peer, Server,
    transport::{Address, BoxStream, Connected, Connecting, Connector},
};
use farcall_tests::{TestResult, Transport, over_every_transport};
use tokio::sync::mpsc;

#[farcall::service]
trait Door {
    /// The caller's names; an error if nobody has verified who it is.
    async fn enter(&self) -> farcall::Result<Vec<String>>;
}

struct Doorman;

impl Door for Doorman {
    async fn enter(&self) -> farcall::Result<Vec<String>> {
        let context = Context::current();
        Ok(context.authenticated()?.names().map(str::to_owned).collect())
    }
}

fn server() -> Server {
    Server::new().service(DoorServer::new(Doorman))
}

async fn who_was_not_verified_is_refused(transport: Transport) -> TestResult {
    let site = transport.serve(server()).await?;
    let answer = DoorClient::new(site.channel.clone()).enter().await;
    if cfg!(unix) && transport == Transport::Unix {
        let names = answer?;
        assert!(names.iter().all(|name| name.starts_with("uid:")), "{names:?}");
        assert_eq!(names.len(), 1, "{names:?}");
        return Ok(());
    }
    let error = answer.expect_err("nobody has verified the caller");
    assert_eq!(error.code(), Code::Unauthenticated, "{error}");
    assert!(
        error.message().starts_with("the caller has no verified identity"),
        "{error}"
    );
    Ok(())
}

over_every_transport!(who_was_not_verified_is_refused);

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_tells_user_group_and_process_of_both_sides() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = server().on_connection(move |peer: &Peer| told.send(peer.clone()).expect("the test listens"));
    let server = server
        .listen(format!("unix://{}/door.sock", folder.path().display()))
        .await?;
    let names = DoorClient::connect(server.local_addr()).await?.enter().await?;

    let peer = hears.recv().await.expect("a connection has opened");
    let user = peer
        .identity()
        .and_then(Identity::unix_user)
        .expect("a Unix socket has a user");
    assert_eq!(names, [format!("uid:{}", user.uid)]);
    assert_eq!(
        user.pid,
        Some(i32::try_from(std::process::id())?),
        "both ends are in this process"
    );
    assert_eq!(peer.to_string(), server.local_addr().to_string());
    Ok(())
}

/// A client whose server is told that it is somebody.
#[derive(Debug)]
struct Vouched(Address, Arc<farcall::RunningServer>);

impl Connector for Vouched {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let (near, far): (BoxStream, BoxStream) = farcall::transport::mem_pair();
            let connected = Connected::new(far, self.0.clone());
            self.1
                .serve(connected.with_identity(Identity::new(["serial:ttyS0", "dns:orders.internal"])));
            Ok(Connected::new(near, self.0.clone()))
        })
    }

    fn address(&self) -> &Address {
        &self.0
    }
}

#[tokio::test]
async fn a_transport_of_your_own_vouches_for_its_peers() -> TestResult {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (for_layer, for_end) = (Arc::clone(&seen), Arc::clone(&seen));
    let note = |notes: &Mutex<Vec<String>>, identity: Option<&Identity>| {
        notes
            .lock()
            .expect("not poisoned")
            .push(identity.map_or("nobody".into(), ToString::to_string));
    };
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let server = server()
        .intercept(
            async move |request: farcall::layer::Request, next: farcall::layer::Next| {
                note(&for_layer, request.identity());
                next.run(request).await
            },
        )
        .on_disconnection(move |peer, _| {
            note(&for_end, peer.identity());
            gone.send(()).expect("the test listens");
        });
    let vouched = Vouched(Address::custom("serial://"), Arc::new(server.start()?));
    let door = DoorClient::new(Channel::builder().connector(Arc::new(vouched)));
    assert_eq!(door.enter().await?, ["serial:ttyS0", "dns:orders.internal"]);
    drop(door);
    is_gone.recv().await.expect("the connection ends");
    assert_eq!(*seen.lock().expect("not poisoned"), ["serial:ttyS0", "serial:ttyS0"]);
    Ok(())
}

#[tokio::test]
async fn nobody_has_an_identity_outside_a_handler() {
    let error = Context::current().authenticated().expect_err("there is no caller");
    assert_eq!(error.code(), Code::Unauthenticated);
    assert_eq!(
        error.outcome(),
        Outcome::Executed,
        "an error that a handler makes says that it ran"
    );
}
