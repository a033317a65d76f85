//! A chat: rooms that clients wait on. A call may take as long as it likes, and many of them share one connection.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::{collections::HashMap, error::Error, sync::Mutex, time::Duration};

use farcall::{Channel, Server};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    number: u64,
    from: String,
    text: String,
}

#[farcall::service]
trait Chat {
    /// Says something in a room, which is there as soon as somebody says or awaits something.
    async fn say(&self, room: &str, from: &str, text: &str) -> farcall::Result<u64>;
    /// The messages with a number above `after`; waits until there is one.
    #[rpc(idempotent, timeout = "60s")]
    async fn next(&self, room: &str, after: u64) -> farcall::Result<Vec<Message>>;
}

#[derive(Default)]
struct House {
    rooms: Mutex<HashMap<String, watch::Sender<Vec<Message>>>>,
}

impl House {
    fn room(&self, name: &str) -> farcall::Result<watch::Sender<Vec<Message>>> {
        let mut rooms = self
            .rooms
            .lock()
            .map_err(|_| farcall::Error::internal("the rooms are broken"))?;
        Ok(rooms.entry(name.to_owned()).or_default().clone())
    }
}

impl Chat for House {
    async fn say(&self, room: &str, from: &str, text: &str) -> farcall::Result<u64> {
        let room = self.room(room)?;
        room.send_modify(|messages| {
            messages.push(Message {
                number: messages.len() as u64 + 1,
                from: from.to_owned(),
                text: text.to_owned(),
            });
        });
        let count = room.borrow().len();
        Ok(count as u64)
    }

    async fn next(&self, room: &str, after: u64) -> farcall::Result<Vec<Message>> {
        let mut messages = self.room(room)?.subscribe();
        let first = usize::try_from(after).map_err(|_| farcall::Error::out_of_range("no room has so many messages"))?;
        // A client that goes away drops this future; nobody has to clean up after it.
        let messages = messages.wait_for(|messages| messages.len() > first).await;
        let messages = messages.map_err(|_| farcall::Error::aborted("the room was closed"))?;
        Ok(messages[first..].to_vec())
    }
}

/// Reads along in a room until it has heard `count` messages.
async fn listen(chat: ChatClient, room: &str, who: &str, count: usize) -> farcall::Result<Vec<Message>> {
    let mut heard: Vec<Message> = Vec::new();
    while heard.len() < count {
        let after = heard.last().map_or(0, |message| message.number);
        for message in chat.next(room, after).await? {
            println!("{who:>5} hears in {room}: {}: {}", message.from, message.text);
            heard.push(message);
        }
    }
    Ok(heard)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new()
        .service(ChatServer::new(House::default()))
        .listen("tcp://127.0.0.1:0")
        .await?;

    // Each listener has a connection of its own and waits in a call, in one room or the other.
    let mut listeners = JoinSet::new();
    for (who, room, count) in [("ada", "engines", 3), ("grace", "engines", 3), ("alan", "machines", 1)] {
        let chat = ChatClient::connect(server.local_addr()).await?;
        listeners.spawn(async move { (room, listen(chat, room, who, count).await) });
    }

    // The speakers share one connection.
    let channel = Channel::connect(server.local_addr()).await?;
    let speaker = ChatClient::new(channel);
    let (first, second, third) = tokio::join!(
        speaker.say("engines", "charles", "the mill is ready"),
        speaker.say("machines", "alonzo", "is it decidable?"),
        speaker.say("engines", "charles", "the store is ready"),
    );
    assert_eq!((first? + third?, second?), (1 + 2, 1), "each room counts for itself");
    speaker.say("engines", "joseph", "the loom is ready").await?;

    while let Some(listener) = listeners.join_next().await {
        let (room, heard) = listener?;
        let numbers: Vec<u64> = heard?.iter().map(|message| message.number).collect();
        let expected = if room == "engines" { vec![1, 2, 3] } else { vec![1] };
        assert_eq!(numbers, expected, "nobody misses a message or hears it twice");
    }

    // Waiting is cheap to give up.
    let patience = Duration::from_millis(50);
    let nothing = tokio::time::timeout(patience, speaker.next("engines", 3)).await;
    assert!(nothing.is_err(), "nobody says a fourth thing");
    println!("nothing new within {patience:?}; dropping the call cancelled it on the server");
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
