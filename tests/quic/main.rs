//! QUIC: what its peers may do, bad networks, and who is let in.

mod hostile_client;
mod hostile_server;
mod loss;
mod moving;
mod raw;
mod refused;
