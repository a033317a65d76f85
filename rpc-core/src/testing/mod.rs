//! A network for tests, with faults on demand: [`Network`].
//!
//! Three ways to test code that calls a service, from the simplest to the harshest:
//!
//! 1. A mock: any implementation of the trait, when the code under test takes `impl Inventory`.
//! 2. A loopback, `InventoryClient::loopback(mock)`: real frames, codec, limits and deadlines, without a socket.
//! 3. [`Network::connect`]: as a loopback, but over a network that is slow, lossy or cut. The same seed gives the same
//!    run.
//!
//! All of them run under tokio's paused clock (`#[tokio::test(start_paused = true)]`), where waiting takes no time.

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
