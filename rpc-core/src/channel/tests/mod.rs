//! Channels within one process.

mod local;
mod messages;
mod watched;
