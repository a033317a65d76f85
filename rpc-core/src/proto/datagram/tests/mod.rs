//! Tests of the datagram protocol on a virtual clock.

mod delivery;
mod endpoint;
mod golden;
mod opening;
mod pair;
mod random;
mod sim;
