//! A small project that uses farcall.

pub mod caller;
pub mod inventory;
pub mod warehouse;
