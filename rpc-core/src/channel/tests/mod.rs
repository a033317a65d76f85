//! Channels within one process, and on their way out of it.

mod local;
mod messages;
mod shared;
mod watched;
