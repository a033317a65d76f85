//! Contracts as Rust source.

mod definitions;
mod sample;
mod source;

pub(crate) use sample::example;
pub(crate) use source::service;
