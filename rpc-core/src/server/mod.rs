//! Serving calls.

mod accept;
mod builder;
mod connection;
mod registry;
mod router;
mod running;
mod task;

pub use builder::Server;
pub use running::RunningServer;
