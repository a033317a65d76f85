//! A chat: a client that joins a room hands over an object of its own, and the room calls the objects of all of them.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use farcall::{ChannelState, Server};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, task::JoinSet};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    from: String,
    text: String,
}

/// A client implements it, and the server calls it.
#[farcall::service]
trait Listener {
    async fn hear(&self, room: &str, message: &Message) -> farcall::Result<()>;
}

#[farcall::service]
trait Chat {
    /// From now on `listener` hears what is said in the room, until it goes away.
    async fn join(&self, room: &str, listener: ListenerClient) -> farcall::Result<()>;
    /// Says something in a room, and how many have heard it.
    async fn say(&self, room: &str, message: &Message) -> farcall::Result<usize>;
}

/// For one who does not listen.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct House {
    rooms: Arc<Rooms>,
    /// One task for each listener, which waits for it to leave. They end with the house.
    doors: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Rooms(Mutex<HashMap<String, Vec<ListenerClient>>>);

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<ListenerClient>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the listener has left, and shows everybody out who has.
    async fn see_off(&self, room: String, listener: ListenerClient) {
        let why = listener.closed().await;
        println!("somebody left {room}: {why}");
        if let Some(listeners) = self.lock().get_mut(&room) {
            listeners.retain(|listener| listener.channel().state() == ChannelState::Ready);
        }
    }
}

impl Chat for House {
    async fn join(&self, room: &str, listener: ListenerClient) -> farcall::Result<()> {
        let listener = listener.with_timeout(PATIENCE);
        self.rooms
            .lock()
            .entry(room.to_owned())
            .or_default()
            .push(listener.clone());
        let (rooms, room) = (Arc::clone(&self.rooms), room.to_owned());
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        while doors.try_join_next().is_some() {}
        doors.spawn(async move { rooms.see_off(room, listener).await });
        Ok(())
    }

    async fn say(&self, room: &str, message: &Message) -> farcall::Result<usize> {
        // They are out of the room while they are called: no lock is held across an await.
        let listeners = self.rooms.lock().remove(room).unwrap_or_default();
        let calls = listeners.into_iter().map(|listener| async move {
            // One who has left or does not answer is dropped here, and so leaves the room.
            listener.hear(room, message).await.ok().map(|()| listener)
        });
        let listeners: Vec<_> = join_all(calls).await.into_iter().flatten().collect();
        let heard = listeners.len();
        self.rooms.lock().entry(room.to_owned()).or_default().extend(listeners);
        Ok(heard)
    }
}

/// One who listens.
struct Ear {
    name: &'static str,
    heard: mpsc::UnboundedSender<String>,
}

impl Listener for Ear {
    async fn hear(&self, room: &str, message: &Message) -> farcall::Result<()> {
        println!("{:>5} hears in {room}: {}: {}", self.name, message.from, message.text);
        let heard = self.heard.send(message.text.clone());
        heard.map_err(|_| farcall::Error::cancelled("nobody listens any more"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new()
        .service(ChatServer::new(House::default()))
        .listen("tcp://127.0.0.1:0")
        .await?;

    // Each has a connection of its own, over which the server calls back.
    let mut guests = Vec::new();
    for (name, room) in [("ada", "engines"), ("grace", "engines"), ("alan", "machines")] {
        let chat = ChatClient::connect(server.local_addr()).await?;
        let (heard, hearing) = mpsc::unbounded_channel();
        chat.join(room, ListenerClient::local(Ear { name, heard })).await?;
        guests.push((chat, hearing));
    }

    let chat = ChatClient::connect(server.local_addr()).await?;
    let says = |from: &str, text: &str| {
        let (from, text) = (from.to_owned(), text.to_owned());
        Message { from, text }
    };
    assert_eq!(chat.say("engines", &says("charles", "the mill is ready")).await?, 2);
    assert_eq!(chat.say("machines", &says("alonzo", "is it decidable?")).await?, 1);
    // A client that goes away takes its object along.
    let (ada, mut heard_by_ada) = guests.remove(0);
    drop(ada);
    assert_eq!(heard_by_ada.recv().await.as_deref(), Some("the mill is ready"));
    assert_eq!(
        heard_by_ada.recv().await,
        None,
        "the object is gone with its connection"
    );
    assert_eq!(chat.say("engines", &says("charles", "the store is ready")).await?, 1);

    println!("ada left, grace heard all of it");
    Ok(())
}
