//! What a connection was given, an object or a stream, is of no use to any other connection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{
    Address, Channel, Code, Result, Server,
    auth::{Grant, Rules},
    channel,
    service::method_id,
    transport::{self, BoxStream},
};
use farcall_tests::{
    TestResult,
    raw::{self, CREDIT, END, FAILURE, ITEMS, Peer, RELEASE, REQUEST, STOP, WATCH, YOURS},
};

use crate::callers::Vouching;

#[farcall::service]
trait Safe {
    /// The key, and the entries of the log as they come.
    async fn open(&self) -> Result<(KeyClient, channel::Receiver<u32>)>;
}

#[farcall::service]
trait Key {
    #[rpc(requires = "nobody.has.this")]
    async fn turn(&self) -> Result<u32>;
}

/// Counts how often keys are turned, and logs it.
#[derive(Clone, Default)]
struct Vault {
    turned: Arc<AtomicUsize>,
    log: Arc<tokio::sync::Mutex<Option<channel::Sender<u32>>>>,
}

impl Safe for Vault {
    async fn open(&self) -> Result<(KeyClient, channel::Receiver<u32>)> {
        let (sender, receiver) = channel::channel();
        *self.log.lock().await = Some(sender);
        Ok((KeyClient::new(Channel::local(KeyServer::new(self.clone()))), receiver))
    }
}

impl Key for Vault {
    async fn turn(&self) -> Result<u32> {
        let turned = self.turned.fetch_add(1, Ordering::SeqCst) as u32 + 1;
        if let Some(log) = &mut *self.log.lock().await {
            log.send(turned).await?;
        }
        Ok(turned)
    }
}

/// A call to the object with this number.
fn turn(call: u32, object: u32) -> Vec<u8> {
    let mut head = method_id("Key", "turn").to_le_bytes().to_vec();
    head.push(8);
    head.extend(object.to_le_bytes());
    raw::frame(REQUEST, call, &head)
}

async fn raw_peer(address: &Address) -> TestResult<Peer<BoxStream>> {
    let stream = transport::connector(address)?.connect().await?.into_stream();
    let mut peer = Peer::new(stream);
    peer.open().await?;
    Ok(peer)
}

async fn nobody_uses_what_another_one_got(address: &str) -> TestResult {
    let vault = Vault::default();
    let rules = Rules::new()
        .allow("uid:1", Grant::service("Safe"))
        .allow("uid:2", Grant::service("Other"));
    let server = Server::new().service(SafeServer::new(vault.clone())).authorize(rules);
    // The last name is that of the first client.
    let names = [vec!["uid:2"; 80], vec!["uid:1"]].concat();
    let inner = transport::bind(&address.parse()?).await?;
    let server = server.listen_on(Box::new(Vouching { inner, names }))?;

    let (key, mut log) = SafeClient::connect(server.local_addr()).await?.open().await?;
    assert_eq!(key.turn().await?, 1, "a reference is the permission");
    assert_eq!(log.recv().await.transpose()?, Some(1));

    // Another caller guesses the number of the object.
    let mut other = raw_peer(&server.local_addr()).await?;
    for object in (0..64).chain([YOURS, YOURS | 1, u32::MAX]) {
        other.send(&turn(0, object)).await?;
        let Ok(frame) = other.next_of(FAILURE).await else {
            // It has broken the protocol.
            other = raw_peer(&server.local_addr()).await?;
            continue;
        };
        assert_eq!(frame.payload[0], Code::NotFound as u8, "{}", frame.text());
    }
    assert_eq!(vault.turned.load(Ordering::SeqCst), 1);

    // It guesses the number of the stream, and feeds, reads, stops and ends it.
    for kind in [ITEMS, END, CREDIT, STOP, RELEASE, WATCH] {
        for stream in [0, 1, YOURS, YOURS | 1] {
            let mut other = raw_peer(&server.local_addr()).await?;
            let item = raw::item(&raw::encode(&99_u32));
            let payload = if kind == ITEMS { &item[..] } else { &[0, 0, 1, 0][..] };
            other.send(&raw::frame(kind, stream, payload)).await?;
            other.send(&raw::frame(raw::PING, 0, &[])).await?;
            // Either the ping is answered, or the connection has ended: the frame was read.
            let _ = tokio::time::timeout(Duration::from_secs(20), other.next()).await?;
        }
    }
    for turn in 2..5 {
        assert_eq!(key.turn().await?, turn);
        assert_eq!(log.recv().await.transpose()?, Some(turn));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() -> TestResult {
    nobody_uses_what_another_one_got("tcp://127.0.0.1:0").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_udp() -> TestResult {
    nobody_uses_what_another_one_got("udp://127.0.0.1:0").await
}
