//! Tests of the datagram protocol on a virtual clock.

mod delivery;
mod pair;
