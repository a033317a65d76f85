//! Long items share the room of a connection, and none of them waits for ever: the one that a reader waits for comes.

use std::sync::Arc;

use farcall::{
    Channel, Limits, Server,
    channel::{Receiver, Sender, channel},
};
use farcall_tests::{Site, TestResult, Transport, over_every_transport};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

over_every_transport!(
    a_long_item_comes_while_items_of_the_streams_in_it_wait,
    streams_are_read_one_after_another_while_all_are_sent,
    the_first_items_of_many_streams_come_while_all_stay_open,
    an_item_that_was_asked_for_and_left_leaves_room_for_the_one_that_is_waited_for,
);

const WINDOW: usize = 16 << 10;
/// The longest message, and all the room there is.
const ROOM: usize = 128 << 10;
/// As long as an item can be, with what stands around it.
const LONG: usize = ROOM - 100;

/// Bytes, and streams that come with them.
#[derive(Serialize, Deserialize)]
struct Parcel {
    bytes: Vec<u8>,
    parts: Vec<Receiver<Vec<u8>>>,
}

#[farcall::service]
trait Readers {
    /// Takes one parcel, rests until the test says so, then reads everything in order.
    async fn nested(&self, parcels: Receiver<Parcel>) -> farcall::Result<usize>;
    /// Reads each stream to its end before the next one.
    async fn in_turn(&self, streams: Vec<Receiver<Vec<u8>>>) -> farcall::Result<usize>;
    /// Reads the first item of each stream and keeps them all.
    async fn firsts(&self, streams: Vec<Receiver<Vec<u8>>>) -> farcall::Result<usize>;
    /// Asks both for a parcel, takes the first that comes, rests, and reads its parts before it asks again.
    async fn either(&self, one: Receiver<Parcel>, other: Receiver<Parcel>) -> farcall::Result<usize>;
    async fn ping(&self) -> farcall::Result<()>;
}

struct Desk {
    may_go_on: Arc<Semaphore>,
}

impl Desk {
    async fn rest(&self) {
        self.may_go_on.acquire().await.expect("never closed").forget();
    }
}

/// All bytes of the parts of a parcel.
async fn open(parcel: Parcel) -> farcall::Result<usize> {
    let mut length = parcel.bytes.len();
    for mut part in parcel.parts {
        while let Some(item) = part.recv().await {
            length += item?.len();
        }
    }
    Ok(length)
}

impl Readers for Desk {
    async fn nested(&self, mut parcels: Receiver<Parcel>) -> farcall::Result<usize> {
        let mut length = 0;
        while let Some(parcel) = parcels.recv().await {
            let first = length == 0;
            length += open(parcel?).await?;
            if first {
                self.rest().await;
            }
        }
        Ok(length)
    }

    async fn in_turn(&self, streams: Vec<Receiver<Vec<u8>>>) -> farcall::Result<usize> {
        let parts = Parcel {
            bytes: Vec::new(),
            parts: streams,
        };
        open(parts).await
    }

    async fn firsts(&self, mut streams: Vec<Receiver<Vec<u8>>>) -> farcall::Result<usize> {
        let mut length = 0;
        for stream in &mut streams {
            length += stream.recv().await.expect("an item")?.len();
        }
        Ok(length)
    }

    async fn either(&self, mut one: Receiver<Parcel>, mut other: Receiver<Parcel>) -> farcall::Result<usize> {
        let mut length = 0;
        loop {
            let parcel = tokio::select! {
                Some(parcel) = one.recv() => parcel?,
                Some(parcel) = other.recv() => parcel?,
                else => return Ok(length),
            };
            self.rest().await;
            length += open(parcel).await?;
        }
    }

    async fn ping(&self) -> farcall::Result<()> {
        Ok(())
    }
}

struct Setting {
    client: ReadersClient,
    may_go_on: Arc<Semaphore>,
    _site: Site,
}

impl Setting {
    async fn over(transport: Transport) -> farcall::Result<Self> {
        let limits = Limits::default()
            .max_message(ROOM)
            .max_buffered(ROOM)
            .stream_window(WINDOW)
            .max_stream_window(WINDOW);
        let may_go_on = Arc::new(Semaphore::new(0));
        let desk = Desk {
            may_go_on: Arc::clone(&may_go_on),
        };
        let server = Server::new().service(ReadersServer::new(desk)).limits(limits.clone());
        let site = transport
            .serve_to(server, Channel::builder().limits(limits).no_timeout())
            .await?;
        Ok(Self {
            client: ReadersClient::new(site.channel.clone()),
            may_go_on,
            _site: site,
        })
    }

    /// Enough passes both ways for everything to come that there is room for.
    async fn settle(&self) -> farcall::Result<()> {
        for _ in 0..32 {
            self.client.ping().await?;
        }
        Ok(())
    }
}

/// Sends items of these lengths and finishes, without regard to the reader.
fn feed(lengths: &[usize]) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    send_all(sender, lengths);
    receiver
}

fn send_all(sender: Sender<Vec<u8>>, lengths: &[usize]) {
    let lengths = lengths.to_vec();
    tokio::spawn(async move {
        for length in lengths {
            sender.send(vec![9; length]).await?;
        }
        sender.finish();
        Ok::<(), farcall::Error>(())
    });
}

/// The item that carries streams may be anywhere in its window when theirs take the room, above all where nothing but
/// its list has come.
async fn a_long_item_comes_while_items_of_the_streams_in_it_wait(transport: Transport) -> TestResult {
    for rest in 15..25 {
        let setting = Setting::over(transport).await?;
        let (parcels, receiver) = channel();
        let call = tokio::spawn(setting.client.nested(receiver));
        let lengths = [WINDOW - rest, 40_000, 10];
        let sending = tokio::spawn(async move {
            for (place, length) in lengths.into_iter().enumerate() {
                let parts = if place == 1 {
                    (0..2).map(|_| feed(&[LONG])).collect()
                } else {
                    Vec::new()
                };
                let bytes = vec![1; length];
                parcels.send(Parcel { bytes, parts }).await?;
            }
            parcels.finish();
            Ok::<(), farcall::Error>(())
        });
        setting.settle().await?;
        setting.may_go_on.add_permits(1);
        assert_eq!(call.await??, lengths.iter().sum::<usize>() + 2 * LONG);
        sending.await??;
    }
    Ok(())
}

async fn streams_are_read_one_after_another_while_all_are_sent(transport: Transport) -> TestResult {
    let setting = Setting::over(transport).await?;
    let streams = (0..5).map(|_| feed(&[LONG, 7, LONG, LONG])).collect();
    assert_eq!(setting.client.in_turn(streams).await?, 5 * (3 * LONG + 7));
    Ok(())
}

async fn the_first_items_of_many_streams_come_while_all_stay_open(transport: Transport) -> TestResult {
    let setting = Setting::over(transport).await?;
    for lengths in [&[LONG][..], &[LONG, LONG], &[3, LONG]] {
        let streams = (0..6).map(|_| feed(lengths)).collect();
        assert_eq!(setting.client.firsts(streams).await?, 6 * lengths[0]);
    }
    Ok(())
}

async fn an_item_that_was_asked_for_and_left_leaves_room_for_the_one_that_is_waited_for(
    transport: Transport,
) -> TestResult {
    let setting = Setting::over(transport).await?;
    let ((one, first), (other, second)) = (channel(), channel());
    let call = tokio::spawn(setting.client.either(first, second));
    let (part, receiver) = channel();
    setting.settle().await?;
    one.send(Parcel {
        bytes: vec![1; 10],
        parts: vec![receiver],
    })
    .await?;
    setting.settle().await?;
    // It comes because it was asked for, and is not taken now.
    other
        .send(Parcel {
            bytes: vec![2; LONG],
            parts: Vec::new(),
        })
        .await?;
    setting.settle().await?;
    send_all(part, &[LONG]);
    setting.may_go_on.add_permits(2);
    one.finish();
    other.finish();
    assert_eq!(call.await??, 10 + 2 * LONG);
    Ok(())
}
