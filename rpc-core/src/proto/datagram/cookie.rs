//! Proof of a client's address, without remembering it.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
};
use std::time::Instant;

use bytes::BufMut;
use siphasher::sip128::{Hash128, SipHasher24};

use super::packet::{COOKIE, Cookie};

/// How long a cookie is valid: enough for the rest of an opening, two trips, with repetitions.
const VALID_SECONDS: u32 = 10;

/// A keyed pseudorandom function; its key never appears in a log.
#[derive(Clone)]
pub(super) struct Secret(SipHasher24);

impl Secret {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(&key))
    }

    pub(super) fn hash(&self, message: &[u8]) -> Hash128 {
        self.0.hash(message)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Issues and checks cookies: the time, and a code over address, nonce and time that only this side can make.
#[derive(Debug)]
pub(super) struct Cookies {
    secret: Secret,
    start: Instant,
}

impl Cookies {
    pub(super) fn new(key: [u8; 16], start: Instant) -> Self {
        Self {
            secret: Secret::new(key),
            start,
        }
    }

    pub(super) fn issue(&self, peer: SocketAddr, nonce: u64, now: Instant) -> Cookie {
        self.bake(peer, nonce, self.seconds(now))
    }

    /// Whether this is a cookie that `peer` was sent for its `nonce` not long ago.
    ///
    /// A plain comparison is enough. Its time differs by nanoseconds. An attacker gets one sample of it per datagram,
    /// with the noise of the network, and has 10 s to guess all 16 bytes.
    pub(super) fn check(&self, cookie: &Cookie, peer: SocketAddr, nonce: u64, now: Instant) -> bool {
        let [a, b, c, d, ..] = *cookie;
        let time = u32::from_le_bytes([a, b, c, d]);
        let age = self.seconds(now).checked_sub(time);
        age.is_some_and(|age| age <= VALID_SECONDS) && *cookie == self.bake(peer, nonce, time)
    }

    fn bake(&self, peer: SocketAddr, nonce: u64, time: u32) -> Cookie {
        let address = match peer.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        // Every field has its own place, so that different inputs never look alike.
        let mut message = [0; 30];
        let mut fields = &mut message[..];
        fields.put_slice(&address.octets());
        fields.put_u16_le(peer.port());
        fields.put_u64_le(nonce);
        fields.put_u32_le(time);
        let mut cookie = [0; COOKIE];
        let mut fields = &mut cookie[..];
        fields.put_u32_le(time);
        fields.put_slice(&self.secret.hash(&message).as_bytes());
        cookie
    }

    /// Since the start, which hides the machine's clock; enough for 136 years.
    fn seconds(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.start).as_secs() as u32
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEY: [u8; 16] = [7; 16];
    const SECOND: Duration = Duration::from_secs(1);

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_cookie_is_good_for_whom_it_was_issued() {
        let start = Instant::now();
        let cookies = Cookies::new(KEY, start);
        for peer in ["10.0.0.1:5", "[fe80::1]:5"].map(address) {
            let cookie = cookies.issue(peer, 9, start);
            assert!(cookies.check(&cookie, peer, 9, start));
            assert!(!cookies.check(&cookie, peer, 8, start), "another nonce");
            for other in ["10.0.0.2:5", "10.0.0.1:6", "[fe80::1]:6", "[fe80::2]:5"] {
                assert!(!cookies.check(&cookie, address(other), 9, start), "{other}");
            }
            assert!(
                !Cookies::new([8; 16], start).check(&cookie, peer, 9, start),
                "another key"
            );
        }
    }

    #[test]
    fn a_cookie_is_good_for_ten_seconds() {
        let start = Instant::now();
        let cookies = Cookies::new(KEY, start);
        let peer = address("10.0.0.1:5");
        let before = start + 99 * SECOND;
        let issued = before + 3 * SECOND / 2;
        let cookie = cookies.issue(peer, 9, issued);
        assert!(cookies.check(&cookie, peer, 9, issued + 10 * SECOND));
        assert!(!cookies.check(&cookie, peer, 9, issued + 11 * SECOND), "too old");
        assert!(!cookies.check(&cookie, peer, 9, before), "from the future");
    }

    #[test]
    fn no_bit_of_a_cookie_can_be_changed() {
        let start = Instant::now();
        let cookies = Cookies::new(KEY, start);
        let peer = address("10.0.0.1:5");
        let now = start + 5 * SECOND;
        let mut cookie = cookies.issue(peer, 9, now);
        for bit in 0..8 * COOKIE {
            cookie[bit / 8] ^= 1 << (bit % 8);
            assert!(!cookies.check(&cookie, peer, 9, now), "bit {bit}");
            cookie[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(!cookies.check(&[0; COOKIE], peer, 9, now), "the cookie is not one");
    }

    #[test]
    fn the_key_is_in_no_log() {
        assert_eq!(format!("{:?}", Secret::new(KEY)), "Secret");
    }
}
