//! Serving calls.
//!
//! A [`Server`] collects services, limits and layers; listening turns it into a [`RunningServer`], which takes more
//! addresses, tells where it listens, and lets calls finish when it shuts down.
//!
//! A handler that panics fails its own call as `Internal`. The text of the panic stays in this process, on standard
//! error beside an id that the caller has, too; see [`Server::send_panic_texts`]. A handler that waits does not delay
//! other calls: it runs in a task of its own. A handler that computes for more than a millisecond before its first
//! await delays the calls of its connection until the server has noticed: then calls of its method run in tasks of
//! their own, too. See [`Server::spawn_handlers`].

mod accept;
mod builder;
mod hooks;
mod reflecting;
mod registry;
mod running;
mod shard;
mod shared;
mod threads;

pub use builder::Server;
pub use running::RunningServer;
