//! Several sockets at one address, among which the system spreads the clients.

use std::{io, net::UdpSocket};

/// Whether the system takes a client always to the same one of the sockets, and spreads the clients over all of them.
/// Other systems take all datagrams to one of them, or do not let two be at one address.
pub(super) const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// `first` and others at its address, `count` in all.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn spread(first: UdpSocket, count: usize) -> io::Result<Vec<UdpSocket>> {
    use socket2::{Domain, SockRef, Socket, Type};

    let local = first.local_addr()?;
    // Not before it is bound: that an address is taken, by another server like this one, is an error as ever.
    SockRef::from(&first).set_reuse_port(true)?;
    let mut sockets = vec![first];
    while sockets.len() < count {
        let next = Socket::new(Domain::for_address(local), Type::DGRAM, None)?;
        next.set_reuse_port(true)?;
        next.bind(&local.into())?;
        sockets.push(next.into());
    }
    Ok(sockets)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn spread(first: UdpSocket, _count: usize) -> io::Result<Vec<UdpSocket>> {
    Ok(vec![first])
}
