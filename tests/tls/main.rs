//! TLS: who is let in, what a refused side is told, and what certificates do while a server runs.

mod certificates;
mod client_settings;
mod handshakes;
mod identity;
mod refused;
mod support;
