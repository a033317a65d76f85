//! Tests of the datagram protocol on a virtual clock.

mod delivery;
mod endpoint;
mod golden;
mod heard;
mod opening;
mod order;
mod pair;
mod recovery;
mod sim;
mod windows;

use super::packet::Datagram;

fn bytes(datagram: Datagram<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    datagram.put(&mut out);
    out
}
