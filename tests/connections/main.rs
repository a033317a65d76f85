//! Connections: how they begin, whom they let in, and how they end.

mod accept_errors;
mod custom_transports;
mod dialling;
mod fair_shares;
mod handshake;
mod hostile_client;
mod hostile_server;
mod identity;
mod idle;
mod keepalive;
mod rates;
mod reconnect;
mod redial;
mod shutdown;
