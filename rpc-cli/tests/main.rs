//! The command line as a program, against servers in this process.

mod bench;
mod calls;
mod contracts;
mod encrypted;
mod lists;
mod ping;
mod program;
mod secrets;
mod service;
mod streams;
#[cfg(unix)]
mod terminal;
mod values;
