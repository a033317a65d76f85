//! The other side of a connection: [`Peer`].

use std::fmt;

use super::{Address, Identity};

/// The other side of a connection: where it is, and who it is as far as that was verified. `Display` gives the address.
///
/// ```
/// use farcall::transport::{Address, Identity, Peer};
///
/// let peer = Peer::new(Address::custom("serial:///dev/ttyS0"), Some(Identity::new(["serial:ttyS0"])));
/// assert_eq!(peer.to_string(), "serial:///dev/ttyS0");
/// assert_eq!(peer.identity().map(Identity::name), Some("serial:ttyS0"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    address: Address,
    identity: Option<Identity>,
}

impl Peer {
    /// A peer at `address`.
    pub fn new(address: Address, identity: Option<Identity>) -> Self {
        Self { address, identity }
    }

    /// Where the peer is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Who the peer is; `None` if its transport does not verify that.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
