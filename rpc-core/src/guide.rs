//! Chapters for whoever builds something with farcall. Their programs run as tests.

#[doc = include_str!("../guide/sharing_state.md")]
pub mod sharing_state {}
