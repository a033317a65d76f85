//! Tests of the datagram protocol on a virtual clock.

mod endpoint;
mod golden;
mod opening;

use super::packet::Datagram;

fn bytes(datagram: Datagram<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    datagram.put(&mut out);
    out
}
