//! Lanes over datagrams: what comes in is put together again.

mod budget;
mod lane;
mod ready;
mod receive;

pub(crate) use budget::{Account, Budget};
pub(super) use receive::{Reassembly, Rejection};
