//! A network for tests, with faults at will: [`Network`].

mod conditions;
mod connection;
mod direction;
mod network;
mod serve;
mod state;
mod stream;

pub use connection::End;
pub use network::Network;
pub use state::Delivery;
