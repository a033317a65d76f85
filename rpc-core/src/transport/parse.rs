//! The text of an [`Address`], read.

use std::{net::Ipv6Addr, path::PathBuf, str::FromStr};

use super::address::{Address, AddressEndpoint, SocketScheme};
use crate::{Code, Error};

const TCP_FORM: &str = "tcp://host:port";
const UDP_FORM: &str = "udp://host:port";
const UNIX_FORM: &str = "unix:///path/to.sock";
const MEM_FORM: &str = "mem://name";

/// Reads the forms that [`Address`] lists.
///
/// # Errors
/// [`Code::InvalidArgument`] with what is wrong and the right form.
impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|problem| invalid(text, &problem))
    }
}

impl Address {
    /// The TCP address of a host, which is a name or an IP without brackets, and a port.
    pub(super) fn tcp(host: &str, port: u16) -> Result<Self, Error> {
        let checked = if host.contains(':') {
            check_ipv6("tcp", host)
        } else {
            check_host("tcp", host).map(drop)
        };
        let host = host.to_owned();
        match checked {
            Ok(()) => {
                let scheme = SocketScheme::Tcp;
                Ok(Self::new(AddressEndpoint::Socket { scheme, host, port }))
            }
            Err(problem) => Err(invalid(&format!("({host}, {port})"), &problem)),
        }
    }
}

fn invalid(text: &str, problem: &str) -> Error {
    Error::refused(Code::InvalidArgument, format!("address `{text}` {problem}"))
}

/// The error goes on from "address `...`".
fn parse(text: &str) -> Result<Address, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!(
            "has no scheme; write `{TCP_FORM}`, `{UDP_FORM}`, `{UNIX_FORM}` or `{MEM_FORM}`"
        ));
    };
    let lowercase = scheme.to_ascii_lowercase();
    if let Some(scheme) = SocketScheme::ALL.into_iter().find(|known| known.name() == lowercase) {
        let (host, port, instance) = socket(scheme.name(), rest)?;
        return Ok(Address::new(AddressEndpoint::Socket { scheme, host, port }).with_instance(instance));
    }
    match lowercase.as_str() {
        "unix" => unix(rest),
        "mem" => mem(rest),
        _ => Err(format!(
            "has the unknown scheme `{scheme}`; known are tcp, tls, udp, quic, unix and mem"
        )),
    }
}

/// Host, port and instance behind `scheme`.
fn socket<'a>(scheme: &str, rest: &'a str) -> Result<(String, u16, &'a str), String> {
    let (authority, instance) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed
                .split_once(']')
                .ok_or_else(|| format!("has `[` without `]`; write `{scheme}://[::1]:port`"))?;
            check_ipv6(scheme, host)?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (check_host(scheme, host)?, Some(port)),
            None => (check_host(scheme, authority)?, None),
        },
    };
    let port = port.ok_or_else(|| format!("has no port; write `{scheme}://host:port`"))?;
    Ok((host.to_owned(), check_port(scheme, port)?, instance))
}

fn check_ipv6(scheme: &str, host: &str) -> Result<(), String> {
    let (ip, _zone) = host.split_once('%').unwrap_or((host, ""));
    match ip.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "has the host `{host}`, which is not an IPv6 address; write `{scheme}://[::1]:port`"
        )),
    }
}

fn check_host<'a>(scheme: &str, host: &'a str) -> Result<&'a str, String> {
    if host.is_empty() {
        return Err(format!(
            "has no host; write `{scheme}://host:port`, to listen on all interfaces `{scheme}://0.0.0.0:port`"
        ));
    }
    if host.contains(':') {
        return Err(format!(
            "has an IPv6 host without brackets; write `{scheme}://[::1]:port`"
        ));
    }
    match host.chars().find(|c| !c.is_alphanumeric() && !"-._".contains(*c)) {
        Some(wrong) => Err(format!("has {wrong:?} in its host; write `{scheme}://host:port`")),
        None => Ok(host),
    }
}

fn check_port(scheme: &str, port: &str) -> Result<u16, String> {
    if port.is_empty() {
        return Err(format!("has no port after the colon; write `{scheme}://host:port`"));
    }
    // `parse` alone would also take "+80".
    match port.parse() {
        Ok(number) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err(format!(
            "has the port `{port}`, which is not a number from 0 to 65535; write `{scheme}://host:port`"
        )),
    }
}

fn unix(rest: &str) -> Result<Address, String> {
    let (path, instance) = rest.split_once('#').unwrap_or((rest, ""));
    if path.is_empty() || path == "/" {
        return Err(format!("has no path; write `{UNIX_FORM}`"));
    }
    if !path.starts_with('/') {
        return Err(format!(
            "has a path that is not absolute; write `{UNIX_FORM}`, with three slashes"
        ));
    }
    Ok(Address::new(AddressEndpoint::Unix(PathBuf::from(path))).with_instance(instance))
}

fn mem(rest: &str) -> Result<Address, String> {
    let (name, instance) = rest.split_once('/').unwrap_or((rest, ""));
    if name.is_empty() {
        return Err(format!("has no name; write `{MEM_FORM}`"));
    }
    Ok(Address::new(AddressEndpoint::Mem(name.to_owned())).with_instance(instance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn every_form_is_read_and_printed_again() {
        #[rustfmt::skip]
        let table = [
            ("tcp://127.0.0.1:80",               "tcp",  None),
            ("tcp://localhost:0",                "tcp",  None),
            ("tcp://my-host_1.example.com:1/eu", "tcp",  Some("eu")),
            ("tcp://h:1/warehouse/eu",           "tcp",  Some("warehouse/eu")),
            ("tcp://h:65535/a b#c?d",            "tcp",  Some("a b#c?d")),
            ("tcp://[::1]:80",                   "tcp",  None),
            ("tcp://[fe80::1%eth0]:80/x",        "tcp",  Some("x")),
            ("tls://example.com:7401/eu",        "tls",  Some("eu")),
            ("quic://[::1]:7401",                "quic", None),
            ("udp://127.0.0.1:80",               "udp",  None),
            ("udp://h:1/warehouse/eu",           "udp",  Some("warehouse/eu")),
            ("udp://[::1]:80/x",                 "udp",  Some("x")),
            ("unix:///run/x.sock",               "unix", None),
            ("unix:///run/x.sock#warehouse/eu",  "unix", Some("warehouse/eu")),
            ("unix:///run/x#a#b",                "unix", Some("a#b")),
            ("mem://stock",                      "mem",  None),
            ("mem://stock/warehouse/eu",         "mem",  Some("warehouse/eu")),
        ];
        for (text, scheme, instance) in table {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.scheme(), scheme, "{text}");
            assert_eq!(address.instance(), instance, "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_become_the_usual_one() {
        for (text, usual) in [
            ("TCP://h:1", "tcp://h:1"),
            ("Udp://h:01/", "udp://h:1"),
            ("tcp://h:0080", "tcp://h:80"),
            ("tcp://h:1/", "tcp://h:1"),
            ("unix:///a#", "unix:///a"),
            ("mem://a/", "mem://a"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), usual);
            assert_eq!(Ok(address), usual.parse());
        }
    }

    #[test]
    fn mistakes_are_named_with_the_right_form() {
        const NO_SCHEME: &str = "has no scheme; write `tcp://host:port`, `udp://host:port`, `unix:///path/to.sock` or \
                                 `mem://name`";
        const NO_HOST: &str = "has no host; write `tcp://host:port`, to listen on all interfaces `tcp://0.0.0.0:port`";
        const NO_UDP_HOST: &str =
            "has no host; write `udp://host:port`, to listen on all interfaces `udp://0.0.0.0:port`";
        const NO_QUIC_HOST: &str =
            "has no host; write `quic://host:port`, to listen on all interfaces `quic://0.0.0.0:port`";
        #[rustfmt::skip]
        let table = [
            ("",                 NO_SCHEME),
            ("localhost:80",     NO_SCHEME),
            ("tls://h",          "has no port; write `tls://host:port`"),
            ("quic://:1",        NO_QUIC_HOST),
            ("http://h:1",       "has the unknown scheme `http`; known are tcp, tls, udp, quic, unix and mem"),
            ("udp://",           NO_UDP_HOST),
            ("udp://h",          "has no port; write `udp://host:port`"),
            ("udp://h:",         "has no port after the colon; write `udp://host:port`"),
            ("udp://h:x",        "has the port `x`, which is not a number from 0 to 65535; write `udp://host:port`"),
            ("udp://me@h:1",     "has '@' in its host; write `udp://host:port`"),
            ("udp://::1:80",     "has an IPv6 host without brackets; write `udp://[::1]:port`"),
            ("udp://[::1",       "has `[` without `]`; write `udp://[::1]:port`"),
            ("udp://[localhost]:1", "has the host `localhost`, which is not an IPv6 address; write `udp://[::1]:port`"),
            ("tcp://",           NO_HOST),
            ("tcp://:80",        NO_HOST),
            ("tcp://h",          "has no port; write `tcp://host:port`"),
            ("tcp://h/eu",       "has no port; write `tcp://host:port`"),
            ("tcp://h:",         "has no port after the colon; write `tcp://host:port`"),
            ("tcp://h:x",        "has the port `x`, which is not a number from 0 to 65535; write `tcp://host:port`"),
            ("tcp://h:+1",       "has the port `+1`, which is not a number from 0 to 65535; write `tcp://host:port`"),
            ("tcp://h:65536", "has the port `65536`, which is not a number from 0 to 65535; write `tcp://host:port`"),
            ("tcp://h:80?a=b", "has the port `80?a=b`, which is not a number from 0 to 65535; write `tcp://host:port`"),
            ("tcp://me@h:1",     "has '@' in its host; write `tcp://host:port`"),
            ("tcp:// h:1",       "has ' ' in its host; write `tcp://host:port`"),
            ("tcp://::1:80",     "has an IPv6 host without brackets; write `tcp://[::1]:port`"),
            ("tcp://[::1",       "has `[` without `]`; write `tcp://[::1]:port`"),
            ("tcp://[::1]",      "has no port; write `tcp://host:port`"),
            ("tcp://[::1]80",    "has no port; write `tcp://host:port`"),
            ("tcp://[localhost]:1", "has the host `localhost`, which is not an IPv6 address; write `tcp://[::1]:port`"),
            ("unix://",          "has no path; write `unix:///path/to.sock`"),
            ("unix:///",         "has no path; write `unix:///path/to.sock`"),
            ("unix://run/x",     "has a path that is not absolute; write `unix:///path/to.sock`, with three slashes"),
            ("mem://",           "has no name; write `mem://name`"),
            ("mem:///eu",        "has no name; write `mem://name`"),
        ];
        for (text, problem) in table {
            let error = text.parse::<Address>().expect_err(text);
            assert_eq!(error.message(), format!("address `{text}` {problem}"));
            assert_eq!(error.code(), Code::InvalidArgument, "{text}");
            assert_eq!(error.outcome(), Outcome::NotExecuted, "{text}");
        }
    }

    #[test]
    fn custom_addresses_are_left_alone() {
        let address = Address::custom("ws://h/x").with_instance("eu");
        assert_eq!(address.scheme(), "ws");
        assert_eq!(address.instance(), Some("eu"));
        assert_eq!(address.to_string(), "ws://h/x#eu");
        assert_eq!(Address::custom("radio").scheme(), "radio");
    }

    #[test]
    fn socket_addresses_convert() {
        for socket in ["127.0.0.1:80", "[::1]:80", "[fe80::1%3]:80"] {
            let address = Address::from(socket.parse::<std::net::SocketAddr>().expect(socket));
            assert_eq!(address.to_string(), format!("tcp://{socket}"));
            assert_eq!(Ok(address), format!("tcp://{socket}").parse());
            let address = Address::of_socket(SocketScheme::Udp, socket.parse().expect(socket));
            assert_eq!(address.to_string(), format!("udp://{socket}"));
            assert_eq!(Ok(address), format!("udp://{socket}").parse());
        }
    }
}
