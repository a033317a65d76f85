//! A peer may do anything with streams and references: it ends at most its own connection, and the server holds no more
//! than was agreed.

use std::sync::{Arc, Mutex, PoisonError};

use farcall::{Channel, Code, Limits, RunningServer, Server, channel::Receiver, stream::Stream};
use farcall_tests::{
    TestResult,
    probe::ends,
    raw::{
        self, CREDIT, END, ITEM_ATTACH, ITEMS, OBJECT, Peer, RECEIVES, RELEASE, REPLY, REPLY_ATTACH, REQUEST,
        REQUEST_ATTACH, RETURNED, SENDS, STOP, YOURS, entry, frame,
    },
};
use futures::{StreamExt, stream};
use tokio::{net::TcpListener, sync::watch};

use crate::{HEAP, alone};

const MAX_CALLS: u32 = 64;
const MAX_MESSAGE: u32 = 100_000;
const MAX_STREAMS: u32 = 16;
/// What no attack may make the server hold beside what it holds anyway.
const BOUND: usize = 8 << 20;
/// The same where all the references wait to be given back that one connection may have: 16 bytes each, while a buffer
/// doubles.
const REFERENCES_BOUND: usize = 20 << 20;

/// Has the name that the helpers of raw frames call.
#[farcall::service(name = "Probe")]
trait Stage {
    async fn add(&self, a: u64, b: u64) -> farcall::Result<u64>;
    /// Reads nothing.
    async fn hold(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64>;
    /// Returns without having read anything.
    async fn refuse(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64>;
    /// Reads all, and says how many there were.
    async fn count(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64>;
    /// Keeps streams that come as items.
    async fn keep(&self, streams: Receiver<Receiver<u64>>) -> farcall::Result<()>;
    async fn source(&self) -> impl Stream<Item = u64>;
    async fn talk(&self, guest: GuestClient) -> farcall::Result<u64>;
}

#[farcall::service]
trait Guest {
    async fn answer(&self) -> farcall::Result<u64>;
}

/// Counts the handlers that run. Clones are one.
#[derive(Clone, Default)]
struct Keeper(Arc<Shared>);

#[derive(Default)]
struct Shared {
    running: watch::Sender<usize>,
    kept: Mutex<Vec<Receiver<Receiver<u64>>>>,
}

struct Running(Keeper);

impl Keeper {
    fn start(&self) -> Running {
        self.0.running.send_modify(|running| *running += 1);
        Running(self.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.send_modify(|running| *running -= 1);
    }
}

impl Stage for Keeper {
    async fn add(&self, a: u64, b: u64) -> farcall::Result<u64> {
        Ok(a + b)
    }

    async fn hold(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64> {
        let _running = self.start();
        let _items = items;
        std::future::pending().await
    }

    async fn refuse(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64> {
        drop(items);
        Ok(7)
    }

    async fn count(&self, items: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64> {
        let _running = self.start();
        let mut items = std::pin::pin!(items);
        let mut count = 0;
        while let Some(item) = items.next().await {
            item?;
            count += 1;
        }
        Ok(count)
    }

    async fn keep(&self, streams: Receiver<Receiver<u64>>) -> farcall::Result<()> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).push(streams);
        Ok(())
    }

    async fn source(&self) -> impl Stream<Item = u64> {
        let running = self.start();
        stream::iter(0..).inspect(move |_| _ = &running)
    }

    async fn talk(&self, guest: GuestClient) -> farcall::Result<u64> {
        let _running = self.start();
        guest.answer().await
    }
}

/// A server under attack, and an honest client that must not notice.
struct Bed {
    keeper: Keeper,
    server: RunningServer,
    honest: StageClient,
}

impl Bed {
    async fn new() -> farcall::Result<Self> {
        let keeper = Keeper::default();
        let limits = Limits::default()
            .max_calls(MAX_CALLS as usize)
            .max_message(MAX_MESSAGE as usize)
            .max_buffered(3 * MAX_MESSAGE as usize)
            .max_streams(MAX_STREAMS as usize);
        let server = Server::new()
            .service(StageServer::new(keeper.clone()))
            .limits(limits)
            .listen("tcp://127.0.0.1:0")
            .await?;
        let honest = StageClient::connect(server.local_addr()).await?;
        Ok(Self { keeper, server, honest })
    }

    async fn attacker(&self) -> std::io::Result<Peer> {
        Peer::connect(&self.server.local_addr()).await
    }

    /// The honest client is served, on the connection that it had: calls and streams.
    async fn is_well(&self) {
        let items = stream::iter((0..100).map(|number| Ok(vec![number; 1000])));
        let (sum, count) = ends("honest calls", async {
            tokio::join!(self.honest.add(1, 2), self.honest.count(items))
        })
        .await;
        assert_eq!((sum, count), (Ok(3), Ok(100)));
    }

    async fn until_running(&self, wanted: usize) {
        let mut running = self.keeper.0.running.subscribe();
        let waited = ends("the handlers", running.wait_for(|running| *running == wanted)).await;
        assert!(waited.is_ok(), "the sender is borrowed");
    }
}

/// A list, and the request that it is for, whose only argument is the first entry.
fn request(call: u32, method: &str, list: &[u8]) -> Vec<u8> {
    [frame(REQUEST_ATTACH, call, list), raw::request(call, method, &(0_u32,))].concat()
}

/// A call whose argument is a client, the first entry of its list: a reference, and its place.
fn talk(call: u32) -> Vec<u8> {
    raw::request(call, "talk", &(0_u32, 0_u32))
}

/// A call with a stream that this side sends.
fn sending(call: u32, method: &str, stream: u32) -> Vec<u8> {
    request(call, method, &entry(RECEIVES, stream))
}

fn items(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(ITEMS, stream, bytes)
}

fn failure(kind: u8, id: u32) -> Vec<u8> {
    raw::failure(kind, id, Code::Aborted, farcall::Outcome::Unknown, "")
}

/// After `hold` has begun with stream 0.
fn held(then: &[u8]) -> Vec<u8> {
    [&sending(0, "hold", 0)[..], then].concat()
}

/// Frames that break the rules in any state of the other side, and the text of the violation.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let thousand = items(0, &raw::item(&[7; 996]));
    let with_list = [&(1_u32 | 1 << 31).to_le_bytes()[..], &[0]].concat();
    let carrying = |length: u32| (length | 1 << 31).to_le_bytes();
    let objects = |count: u32| (0..count).flat_map(|id| raw::object(id, "Guest")).collect::<Vec<_>>();
    let (mine, yours) = (entry(RECEIVES, 0), entry(SENDS, 0));
    vec![
        // More than was agreed.
        ("more of a stream than it had credit for", held(&thousand.repeat(66))),
        (
            "more of a stream than it had credit for",
            held(
                &[frame(ITEM_ATTACH, 0, &objects(1024)), items(0, &with_list)]
                    .concat()
                    .repeat(8),
            ),
        ),
        ("stream 16, with a limit of 16 streams", sending(0, "hold", MAX_STREAMS)),
        ("stream 2147483647, with a limit", sending(0, "hold", YOURS - 1)),
        (
            "a list of more than 1024 entries",
            frame(REQUEST_ATTACH, 0, &objects(1025)),
        ),
        (
            "an item of 2147483647 bytes",
            held(&items(0, &0x7fff_ffff_u32.to_le_bytes())),
        ),
        (
            "an item of 2147483647 bytes",
            held(&[frame(ITEM_ATTACH, 0, &objects(1)), items(0, &u32::MAX.to_le_bytes())].concat()),
        ),
        ("an item of 100001 bytes", held(&items(0, &100_001_u32.to_le_bytes()))),
        // What was never given.
        (
            "object 5, which it has no reference to",
            frame(REQUEST_ATTACH, 0, &entry(RETURNED, 5)),
        ),
        (
            "more releases of object 5 than references",
            frame(RELEASE, 5, &0_u64.to_le_bytes()),
        ),
        ("stream 3, which is not open", items(3, &[0; 4])),
        ("stream 3, which is not open", items(3 | YOURS, &[0; 4])),
        (
            "stream 0, which is not open",
            frame(CREDIT, YOURS, &9_u32.to_le_bytes()),
        ),
        ("stream 0, which is not open", frame(STOP, YOURS, &[])),
        ("stream 0, which is not open", frame(END, 0, &[])),
        ("stream 0, which is not open", frame(ITEM_ATTACH, 0, &mine)),
        ("a stream that its recipient numbered", sending(0, "hold", YOURS)),
        // The same twice.
        ("stream 0 again, which is not over", held(&sending(1, "hold", 0))),
        (
            "stream 0 again, which is not over",
            frame(REQUEST_ATTACH, 0, &[mine.clone(), yours].concat()),
        ),
        (
            "stream 0 again, which is not over",
            frame(REQUEST_ATTACH, 0, &mine).repeat(2),
        ),
        // After the end, and in the wrong direction.
        (
            "stream 0, which is not open",
            held(&[frame(END, 0, &[]), items(0, &raw::item(&[7]))].concat()),
        ),
        ("stream 0, which is not open", held(&frame(END, 0, &[]).repeat(2))),
        (
            "stream 0, which is not open",
            held(&[failure(END, 0), frame(END, 0, &[])].concat()),
        ),
        ("credit to the receiver", held(&frame(CREDIT, 0, &9_u32.to_le_bytes()))),
        ("a stop to the receiver", held(&frame(STOP, 0, &[]))),
        // Broken items.
        ("an empty piece", held(&items(0, &[]))),
        (
            "the end of a stream within an item",
            held(&[items(0, &[9, 0, 0, 0, 7]), frame(END, 0, &[])].concat()),
        ),
        (
            "the end of a stream within an item",
            held(&[frame(ITEM_ATTACH, 0, &objects(1)), frame(END, 0, &[])].concat()),
        ),
        ("an item without its list", held(&items(0, &carrying(1)))),
        (
            "a list without its item",
            held(&[frame(ITEM_ATTACH, 0, &objects(1)), items(0, &raw::item(&[7]))].concat()),
        ),
        ("two for one", held(&frame(ITEM_ATTACH, 0, &objects(1)).repeat(2))),
        (
            "a list within an item",
            held(&[items(0, &[9, 0, 0, 0, 7]), frame(ITEM_ATTACH, 0, &objects(1))].concat()),
        ),
        // Broken lists, and lists without a message.
        ("the unknown tag 9", frame(REQUEST_ATTACH, 0, &entry(9, 0))),
        ("ends early", frame(REQUEST_ATTACH, 0, &[RECEIVES, 0, 0])),
        ("ends early", frame(REQUEST_ATTACH, 0, &entry(OBJECT, 0))),
        ("call id 64", frame(REQUEST_ATTACH, MAX_CALLS, &mine)),
        (
            "the id of call 0, which is in flight",
            held(&frame(REQUEST_ATTACH, 0, &entry(RECEIVES, 1))),
        ),
        ("call 0, which is not in flight", frame(REPLY_ATTACH, 0, &mine)),
        ("ends early", held(&frame(CREDIT, 0, &[1, 2, 3]))),
        ("ends early", frame(RELEASE, 0, &[])),
        ("unknown code 77", held(&frame(END, 0, &[77, 0, 0]))),
    ]
}

#[test]
fn what_breaks_the_rules_of_streams_ends_the_connection_with_a_reason() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        for (expected, bytes) in attacks() {
            let mut attacker = bed.attacker().await?;
            attacker.send(&bytes).await?;
            assert_violation(&mut attacker, expected).await?;
            bed.is_well().await;
        }
        bed.until_running(0).await;
        Ok(())
    })
}

async fn assert_violation(attacker: &mut Peer, expected: &str) -> TestResult {
    let word = ends(expected, attacker.last_word()).await;
    let word = word.ok_or_else(|| format!("no last word about `{expected}`"))?;
    assert!(
        word.contains("broke the protocol") && word.contains(expected),
        "{word}, not `{expected}`"
    );
    Ok(())
}

/// What breaks the rules for one who receives, on a stream of the server's.
#[test]
fn one_who_receives_keeps_to_the_rules_as_well() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        let credit = |more: u32| frame(CREDIT, YOURS, &more.to_le_bytes());
        let attacks: [(&str, Vec<u8>); 5] = [
            ("an item to the sender of a stream", items(YOURS, &raw::item(&[7]))),
            (
                "an item to the sender of a stream",
                frame(ITEM_ATTACH, YOURS, &raw::object(1, "Guest")),
            ),
            ("the end of a stream to its sender", frame(END, YOURS, &[])),
            ("more credit than a stream can have", credit(u32::MAX).repeat(2)),
            ("stream 0, which is not open", frame(STOP, YOURS, &[]).repeat(2)),
        ];
        for (expected, bytes) in attacks {
            let mut attacker = bed.attacker().await?;
            attacker.send(&raw::request(0, "source", &())).await?;
            let list = ends("the list", attacker.next_of(REPLY_ATTACH)).await?;
            assert_eq!(list.payload, entry(RECEIVES, 0));
            attacker.send(&bytes).await?;
            assert_violation(&mut attacker, expected).await?;
            bed.is_well().await;
        }
        bed.until_running(0).await;
        Ok(())
    })
}

#[test]
fn an_object_that_was_not_given_cannot_be_called() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        let mut attacker = bed.attacker().await?;
        let mut head = raw::head("add");
        head[8] = 8;
        head.extend(5_u32.to_le_bytes());
        head.extend(raw::encode(&(1_u64, 2_u64)));
        attacker.send(&frame(REQUEST, 0, &head)).await?;
        let answer = ends("the answer", attacker.next()).await?;
        assert_eq!(
            (answer.kind, answer.payload[0]),
            (raw::FAILURE, Code::NotFound as u8),
            "{}",
            answer.text()
        );
        attacker.send(&raw::request(0, "add", &(1_u64, 2_u64))).await?;
        assert_eq!(
            ends("the answer", attacker.next()).await?.kind,
            REPLY,
            "the connection lives"
        );
        Ok(())
    })
}

/// Arguments that claim what did not come, and lists whose entries are of another kind than what claims them.
#[test]
fn a_place_that_nothing_stands_in_fails_its_own_call() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        let mut attacker = bed.attacker().await?;
        let place = |place: u32| raw::request(0, "hold", &(place,));
        let requests = [
            place(0),
            [frame(REQUEST_ATTACH, 0, &entry(RECEIVES, 0)), place(1)].concat(),
            [frame(REQUEST_ATTACH, 0, &entry(SENDS, 1)), place(0)].concat(),
            [frame(REQUEST_ATTACH, 0, &raw::object(0, "Guest")), place(0)].concat(),
            [
                frame(REQUEST_ATTACH, 0, &entry(RECEIVES, 2)),
                frame(REQUEST_ATTACH, 0, &[]),
                place(0),
            ]
            .concat(),
        ];
        for request in requests {
            attacker.send(&request).await?;
            let answer = ends("the answer", attacker.next_of(raw::FAILURE)).await?;
            assert_eq!(answer.payload[0], Code::InvalidArgument as u8, "{}", answer.text());
        }
        let list = frame(REQUEST_ATTACH, 0, &raw::object(0, "Another"));
        attacker.send(&[list, talk(0)].concat()).await?;
        let answer = ends("the answer", attacker.next_of(raw::FAILURE)).await?;
        assert!(answer.text().contains("of another service"), "{}", answer.text());
        bed.is_well().await;
        Ok(())
    })
}

/// What comes along and is not claimed is given back.
#[test]
fn what_nobody_claims_is_given_back() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        let mut attacker = bed.attacker().await?;
        let list = [entry(RECEIVES, 0), entry(SENDS, 1), raw::object(4, "Guest")].concat();
        attacker.send(&frame(REQUEST_ATTACH, 0, &list)).await?;
        attacker.send(&raw::request(0, "add", &(1_u64, 2_u64))).await?;
        let mut back = Vec::new();
        while back.len() < 3 {
            let frame = ends("what comes back", attacker.next()).await?;
            match frame.kind {
                STOP | END | RELEASE => back.push((frame.kind, frame.call)),
                kind => assert_eq!(kind, REPLY),
            }
        }
        back.sort_unstable();
        assert_eq!(back, [(END, YOURS | 1), (STOP, YOURS), (RELEASE, 4)]);
        Ok(())
    })
}

/// Sends `round` again and again without reading until the server has had enough, at most `most` times; says how often.
async fn flood(attacker: &mut Peer, round: &[u8], most: usize) -> usize {
    for sent in 0..most {
        if attacker.send(round).await.is_err() {
            return sent;
        }
    }
    most
}

/// Each of these floods makes the server give something back, and nobody reads it. It stops reading, and nothing piles
/// up.
#[test]
fn what_is_given_back_does_not_pile_up_for_a_peer_that_never_reads() -> TestResult {
    alone(async {
        const ROUNDS: usize = 20_000;
        let objects: Vec<u8> = (0..1000).flat_map(|id| raw::object(id, "Guest")).collect();
        let lists_without_messages = frame(REQUEST_ATTACH, 0, &objects);
        let behind_the_end = frame(ITEM_ATTACH, 0, &objects);
        let floods = [
            (Vec::new(), lists_without_messages),
            (sending(1, "refuse", 0), behind_the_end),
        ];
        for (first, round) in floods {
            let bed = Bed::new().await?;
            let mut attacker = bed.attacker().await?;
            attacker.send(&first).await?;
            if !first.is_empty() {
                ends("the stop", attacker.next_of(STOP)).await?;
            }
            HEAP.reset_peak_usage();
            let before = HEAP.current_usage();
            let sent = ends("the flood", flood(&mut attacker, &round, ROUNDS)).await;
            assert!(sent < ROUNDS, "the server never had enough");
            let held = HEAP.peak_usage().saturating_sub(before);
            assert!(held < REFERENCES_BOUND, "{held} bytes were held");
            bed.is_well().await;
        }
        Ok(())
    })
}

#[test]
fn a_claim_of_gigabytes_holds_nothing() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        for length in [0x7fff_ffff_u32, MAX_MESSAGE + 1] {
            let mut attacker = bed.attacker().await?;
            attacker.send(&held(&items(0, &length.to_le_bytes()))).await?;
            assert_violation(&mut attacker, &format!("an item of {length} bytes")).await?;
        }
        // As long as is allowed: they take turns within what may be buffered, and nothing is held for a promise.
        let mut attackers = Vec::new();
        for _ in 0..16 {
            let mut attacker = bed.attacker().await?;
            for stream in 0..MAX_STREAMS {
                attacker.send(&sending(stream, "hold", stream)).await?;
                attacker.send(&items(stream, &MAX_MESSAGE.to_le_bytes())).await?;
            }
            attackers.push(attacker);
        }
        bed.until_running(16 * MAX_STREAMS as usize).await;
        bed.is_well().await;
        let held = HEAP.peak_usage().saturating_sub(before);
        assert!(held < BOUND, "{held} bytes were held");
        drop(attackers);
        bed.until_running(0).await;
        Ok(())
    })
}

/// Streams within streams within streams are let go without a stack as deep.
#[test]
fn whoever_leaves_takes_everything_along() -> TestResult {
    alone(async {
        let bed = Bed::new().await?;
        for leave_well in [true, false] {
            let mut attacker = bed.attacker().await?;
            attacker.send(&sending(0, "keep", 0)).await?;
            for inner in 1..MAX_STREAMS {
                attacker.send(&frame(ITEM_ATTACH, 0, &entry(RECEIVES, inner))).await?;
                let length = (1_u32 | 1 << 31).to_le_bytes();
                attacker.send(&items(0, &[&length[..], &[0]].concat())).await?;
            }
            if leave_well {
                attacker.send(&frame(END, 0, &[])).await?;
            }
            ends("the answer", attacker.next_of(REPLY)).await?;
            drop(attacker);
            let kept = bed.keeper.0.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut streams = kept.ok_or("the handler keeps its stream")?;
            // Those that came are there, and all of them are broken.
            let mut came = 0;
            while let Some(Ok(mut inner)) = ends("a stream", streams.recv()).await {
                assert!(
                    matches!(ends("its end", inner.recv()).await, Some(Err(_))),
                    "broken, and not ended"
                );
                came += 1;
            }
            assert!(came < MAX_STREAMS);
            bed.is_well().await;
        }
        Ok(())
    })
}

/// A server by hand, and what its client does about it.
async fn hostile_server(bytes: &[u8], expected: &str) -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let channel = Channel::builder()
        .no_timeout()
        .connect_lazily(farcall::Address::from(listener.local_addr()?))?;
    let client = StageClient::new(channel);
    let call = tokio::spawn(async move {
        let mut items = client.source().await?;
        while let Some(item) = items.next().await {
            item?;
        }
        Ok::<_, farcall::Error>(())
    });
    let mut peer = Peer::accept(&listener).await?;
    ends("the request", peer.next_of(REQUEST)).await?;
    peer.send(bytes).await?;
    assert_violation(&mut peer, expected).await?;
    let error = ends("the call", call).await?.expect_err("the stream is broken");
    assert_eq!(error.code(), Code::Internal, "{error}");
    assert!(error.to_string().contains(expected), "{error}");
    Ok(())
}

#[test]
fn a_client_holds_a_server_to_the_same_rules() -> TestResult {
    alone(async {
        let list = frame(REPLY_ATTACH, 0, &entry(RECEIVES, 0));
        let answered = [&list[..], &raw::reply(0, &0_u32)].concat();
        let after = |bytes: &[u8]| [&answered[..], bytes].concat();
        let attacks = [
            ("two lists for the reply to call 0", list.repeat(2)),
            (
                "call 9, which is not in flight",
                frame(REPLY_ATTACH, 9, &entry(RECEIVES, 0)),
            ),
            (
                "an item of 2147483647 bytes",
                after(&items(0, &0x7fff_ffff_u32.to_le_bytes())),
            ),
            (
                "within an item",
                after(&[items(0, &[9, 0, 0, 0]), frame(END, 0, &[])].concat()),
            ),
            ("stream 1, which is not open", after(&items(1, &raw::item(&[7])))),
            (
                "object 1, which it has no reference to",
                frame(REPLY_ATTACH, 0, &entry(RETURNED, 1)),
            ),
        ];
        for (expected, bytes) in attacks {
            hostile_server(&bytes, expected).await?;
        }
        Ok(())
    })
}
