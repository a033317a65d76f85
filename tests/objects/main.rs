//! Clients and services as values: references, callbacks, and how long what they name lives.

mod callbacks;
mod closed;
mod instances;
mod lifetime;
mod local;
mod per_connection;
mod references;
mod registry;
