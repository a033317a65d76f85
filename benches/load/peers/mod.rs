//! The peers, in the order of the tables.
mod farcall_peer;
mod raw;
mod tarpc_peer;
mod tonic_peer;

use crate::peer::Peer;

pub(crate) const ALL: &[&dyn Peer] = &[
    &raw::Raw,
    &farcall_peer::Farcall,
    &tarpc_peer::Tarpc,
    &tonic_peer::Tonic,
];

pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|peer| peer.name()).collect()
}

pub(crate) fn find(name: &str) -> Option<&'static dyn Peer> {
    ALL.iter().copied().find(|peer| peer.name() == name)
}
