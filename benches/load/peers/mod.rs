//! The peers, in the order of the tables.
mod farcall_peer;
mod raw;
mod raw_udp;
#[cfg(feature = "peers")]
mod remoc_peer;
#[cfg(feature = "peers")]
mod tarpc_peer;
#[cfg(feature = "peers")]
mod tonic_peer;
#[cfg(feature = "peers")]
mod volo_peer;

use crate::peer::Peer;

pub(crate) const ALL: &[&dyn Peer] = &[
    &raw::Raw,
    &raw_udp::RawUdp,
    &farcall_peer::FARCALL,
    &farcall_peer::FARCALL_UDP,
    #[cfg(feature = "peers")]
    &tarpc_peer::TARPC,
    #[cfg(feature = "peers")]
    &tarpc_peer::TARPC_PIPE,
    #[cfg(feature = "peers")]
    &tonic_peer::Tonic,
    #[cfg(feature = "peers")]
    &volo_peer::Volo,
    #[cfg(feature = "peers")]
    &remoc_peer::Remoc,
];

pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|peer| peer.name()).collect()
}

pub(crate) fn find(name: &str) -> Option<&'static dyn Peer> {
    ALL.iter().copied().find(|peer| peer.name() == name)
}
