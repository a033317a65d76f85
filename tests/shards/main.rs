//! A server with shards: several threads, and one server all the same.

mod desk;
mod ends;
mod moving;
mod panics;
mod spread;
mod whole;
