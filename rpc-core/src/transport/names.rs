//! From the name of a host to its addresses.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tokio::net::lookup_host;

/// How many ports the system is asked for until all addresses of a name have one that is free.
const PORTS: usize = 16;

/// The addresses of `host` in the order in which they are to be tried. The system gives them in its order of
/// preference. An IP address is not looked up.
pub(super) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(interleaved(lookup_host((host, port)).await?))
}

/// Alternates between the families, beginning with the preferred one: if one family is not routed, the second address
/// is of the other one. Each address once.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut families: [Vec<SocketAddr>; 2] = [Vec::new(), Vec::new()];
    let mut first = None;
    for address in addresses {
        let family = usize::from(address.is_ipv6());
        first.get_or_insert(family);
        if !families[family].contains(&address) {
            families[family].push(address);
        }
    }
    let [v4, v6] = families;
    let (preferred, other) = if first == Some(1) { (v6, v4) } else { (v4, v6) };
    let mut turns = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let before = turns.len();
        turns.extend(preferred.next());
        turns.extend(other.next());
        if turns.len() == before {
            return turns;
        }
    }
}

/// Binds all `addresses` of a name to the same port, so that a client finds the server at each of them. Addresses that
/// this machine does not have are left out, as long as it has one of them.
///
/// # Errors
/// One of them cannot be bound, most often because its port is taken: nothing is bound then.
pub(super) fn bind_each<S>(
    addresses: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    local: impl Fn(&S) -> io::Result<SocketAddr>,
) -> io::Result<Vec<S>> {
    let picks = addresses.first().is_some_and(|address| address.port() == 0);
    let mut attempts = if picks { PORTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_once(addresses, &bind, &local) {
            // The port that was picked for the first address is taken on another one.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            bound => return bound,
        }
    }
}

fn bind_once<S>(
    addresses: &[SocketAddr],
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    local: impl Fn(&S) -> io::Result<SocketAddr>,
) -> io::Result<Vec<S>> {
    let mut bound = Vec::new();
    let mut port = None;
    let mut missing = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    for &(mut address) in addresses {
        address.set_port(port.unwrap_or(address.port()));
        match bind(address) {
            Ok(socket) => {
                port = Some(local(&socket)?.port());
                bound.push(socket);
            }
            Err(error) if is_missing(&error) => missing = error,
            Err(error) => return Err(naming(error, address.ip(), addresses.len())),
        }
    }
    if bound.is_empty() { Err(missing) } else { Ok(bound) }
}

/// This machine does not have the address, or the whole family.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(NO_FAMILY)
}

/// `EAFNOSUPPORT`, for which the standard library has no kind on every system.
const NO_FAMILY: i32 = if cfg!(windows) {
    10047
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    97
} else {
    47
};

/// Where there are several addresses the error says which one it was.
fn naming(error: io::Error, address: IpAddr, count: usize) -> io::Error {
    if count == 1 {
        return error;
    }
    io::Error::new(error.kind(), format!("its address {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address"));
        addresses.collect()
    }

    #[test]
    fn families_take_turns_and_nothing_comes_twice() {
        for (given, expected) in [
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"][..],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"][..],
            ),
            (
                &["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"],
                &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"],
            ),
            (&["1.1.1.1:1", "1.1.1.1:1"], &["1.1.1.1:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(parsed(given).into_iter()), parsed(expected));
        }
    }

    /// A machine that has the addresses 1.1.1.1, 2.2.2.2 and 3.3.3.3, picks the ports 10, 11, and so on, and where some
    /// are taken.
    struct Machine {
        taken: Vec<SocketAddr>,
        next: RefCell<u16>,
    }

    impl Machine {
        fn bind(&self, mut address: SocketAddr) -> io::Result<SocketAddr> {
            if !parsed(&["1.1.1.1:0", "2.2.2.2:0", "3.3.3.3:0"]).contains(&SocketAddr::new(address.ip(), 0)) {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            if address.port() == 0 {
                let mut next = self.next.borrow_mut();
                address.set_port(*next);
                *next += 1;
            }
            if self.taken.contains(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            Ok(address)
        }
    }

    fn bound(addresses: &[&str], taken: &[&str]) -> io::Result<Vec<SocketAddr>> {
        let machine = Machine {
            taken: parsed(taken),
            next: RefCell::new(10),
        };
        bind_each(&parsed(addresses), |address| machine.bind(address), |bound| Ok(*bound))
    }

    #[test]
    fn every_address_of_a_name_is_bound_at_one_port() -> io::Result<()> {
        assert_eq!(
            bound(&["1.1.1.1:7", "2.2.2.2:7"], &[])?,
            parsed(&["1.1.1.1:7", "2.2.2.2:7"])
        );
        assert_eq!(
            bound(&["1.1.1.1:0", "2.2.2.2:0"], &[])?,
            parsed(&["1.1.1.1:10", "2.2.2.2:10"])
        );
        Ok(())
    }

    #[test]
    fn a_port_is_picked_that_is_free_at_every_address() -> io::Result<()> {
        let taken = ["2.2.2.2:10", "1.1.1.1:11", "3.3.3.3:12"];
        let names = ["1.1.1.1:0", "2.2.2.2:0", "3.3.3.3:0"];
        assert_eq!(
            bound(&names, &taken)?,
            parsed(&["1.1.1.1:13", "2.2.2.2:13", "3.3.3.3:13"])
        );
        Ok(())
    }

    #[test]
    fn a_taken_address_is_named_and_nothing_is_bound() {
        let error = bound(&["1.1.1.1:7", "2.2.2.2:7"], &["2.2.2.2:7"]).expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("2.2.2.2"), "{error}");
    }

    #[test]
    fn addresses_of_others_are_left_out_as_long_as_there_is_one() -> io::Result<()> {
        assert_eq!(bound(&["9.9.9.9:7", "2.2.2.2:7"], &[])?, parsed(&["2.2.2.2:7"]));
        let error = bound(&["9.9.9.9:7", "[::1]:7"], &[]).expect_err("this machine has neither");
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(bound(&[], &[]).is_err());
        Ok(())
    }
}
