//! Serving calls.
//!
//! A [`Server`] collects services, limits and layers; listening turns it into a [`RunningServer`], which takes more addresses,
//! tells where it listens, and shuts down gently.
//!
//! A handler that panics fails its own call as `Internal`. One that waits holds up nobody: it runs in a task of its own. One
//! that computes for long before its first await does; see [`Server::spawn_handlers`].

mod accept;
mod builder;
mod registry;
mod running;

pub use builder::Server;
pub use running::RunningServer;
