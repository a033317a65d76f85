//! What can be given for an address.

use std::net::{IpAddr, SocketAddr};

use super::Address;
use crate::Error;

/// What can be given where an address is wanted: a URL as text, an [`Address`], or the place of a TCP server as a
/// [`SocketAddr`] or as `(host, port)`, where an IPv6 host goes without its brackets.
///
/// ```
/// use farcall::transport::{Address, IntoAddress};
///
/// fn scheme(address: impl IntoAddress) -> farcall::Result<String> {
///     Ok(address.into_address()?.scheme().to_owned())
/// }
/// assert_eq!(scheme("mem://stock")?, "mem");
/// assert_eq!(scheme(("127.0.0.1", 7401))?, "tcp");
/// assert_eq!(scheme(std::net::SocketAddr::from(([127, 0, 0, 1], 7401)))?, "tcp");
/// # Ok::<(), farcall::Error>(())
/// ```
pub trait IntoAddress {
    /// The address.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`](crate::Code::InvalidArgument) with what is wrong and the right form.
    fn into_address(self) -> Result<Address, Error>;
}

impl IntoAddress for Address {
    fn into_address(self) -> Result<Address, Error> {
        Ok(self)
    }
}

impl IntoAddress for &Address {
    fn into_address(self) -> Result<Address, Error> {
        Ok(self.clone())
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}

impl IntoAddress for String {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}

impl IntoAddress for &String {
    fn into_address(self) -> Result<Address, Error> {
        self.parse()
    }
}

impl IntoAddress for SocketAddr {
    fn into_address(self) -> Result<Address, Error> {
        Ok(self.into())
    }
}

impl IntoAddress for (IpAddr, u16) {
    fn into_address(self) -> Result<Address, Error> {
        Ok(SocketAddr::from(self).into())
    }
}

impl IntoAddress for (&str, u16) {
    fn into_address(self) -> Result<Address, Error> {
        let (host, port) = self;
        Address::tcp(host, port)
    }
}

impl IntoAddress for (String, u16) {
    fn into_address(self) -> Result<Address, Error> {
        let (host, port) = self;
        Address::tcp(&host, port)
    }
}
