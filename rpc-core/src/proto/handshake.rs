//! The opening of a connection: both sides say hello once, the client first.
//!
//! ```text
//!  client                                           server
//!    | magic 8, versions 2, codec 1, role 1, len 2, limits 24 |
//!    |------------------------------------------------------->|
//!    | magic 8, version 1, status 1, codec 1, role 1, len 2, … |
//!    |<-------------------------------------------------------|
//! ```
//! The limits are followed by a byte of features, which is 0 where it is left out. Status 0 is followed by the server's
//! limits and features, any other is the number of a [`Code`] and followed by a text.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    Violation,
    limits::{Announced, MIN_WINDOW},
};
use crate::{Code, Error};

const MAGIC: &[u8; 8] = b"farcall\0";
/// The only version of the wire.
pub(crate) const VERSION: u8 = 1;
/// Magic, two bytes of version and status, codec, role, length.
pub(crate) const HELLO_HEADER: usize = 14;
/// The most bytes after the fixed part; later versions may use more of them than this one reads.
const MAX_REST: usize = 1024;
/// The bytes of the limits and the features.
const TERMS: usize = 25;

/// The bit of the features for contracts.
const CHECKS: u8 = 1;

/// Which end this is. A hello names the role of its sender: otherwise a client that gets its own hello back, as from an
/// echo service, would take it for a server's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client = 1,
    Server = 2,
}

impl Role {
    /// The other end's.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a client says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientHello {
    pub(crate) codec: u8,
    pub(crate) limits: Announced,
    pub(crate) features: Features,
}

/// What a side can do besides what every version can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    /// It says what it means by the methods that it calls, and looks at what the peer says.
    pub(crate) checks: bool,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerHello {
    Accepted {
        codec: u8,
        limits: Announced,
        features: Features,
    },
    Rejected(Error),
}

/// The alert of TLS by which a server says that it does not want TLS here; before the keys are agreed on it is plain.
const UNEXPECTED_MESSAGE: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a];

/// Why an opening failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HelloError {
    /// The peer speaks HTTP.
    Http,
    /// The peer speaks TLS: it begins a handshake.
    Tls,
    /// The peer speaks TLS: it did not understand this side.
    TlsAlert,
    /// The peer speaks something else.
    Stranger,
    /// The peer speaks farcall, but has the wrong role: a client needs a server, and a server needs a client.
    Role(u8),
    /// The peer speaks farcall, but no version that this side knows.
    Version { oldest: u8, newest: u8 },
    /// The peer speaks farcall and breaks its rules.
    Broken(Violation),
}

impl ClientHello {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(HELLO_HEADER + TERMS);
        put_fixed(&mut out, [VERSION, VERSION, self.codec], Role::Client, TERMS as u16);
        put_terms(&mut out, self.limits, self.features);
        out.freeze()
    }

    /// Takes the hello off `input`; `None` until all of it is there.
    pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Self>, HelloError> {
        let Some(([oldest, newest, codec], mut rest)) = take_hello(input, Role::Client)? else {
            return Ok(None);
        };
        if !(oldest..=newest).contains(&VERSION) {
            return Err(HelloError::Version { oldest, newest });
        }
        Ok(Some(Self {
            codec,
            limits: take_limits(&mut rest)?,
            features: take_features(&mut rest),
        }))
    }
}

impl ServerHello {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Accepted {
                codec,
                limits,
                features,
            } => {
                put_fixed(&mut out, [VERSION, 0, *codec], Role::Server, TERMS as u16);
                put_terms(&mut out, *limits, *features);
            }
            Self::Rejected(error) => {
                let text = error.message().as_bytes();
                let text = &text[..text.len().min(MAX_REST)];
                put_fixed(
                    &mut out,
                    [VERSION, error.code() as u8, 0],
                    Role::Server,
                    text.len() as u16,
                );
                out.put_slice(text);
            }
        }
        out.freeze()
    }

    /// Takes the hello off `input`; `None` until all of it is there.
    pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Self>, HelloError> {
        let Some(([version, status, codec], mut rest)) = take_hello(input, Role::Server)? else {
            return Ok(None);
        };
        if status != 0 {
            let code = Code::from_number(status).unwrap_or(Code::Unknown);
            return Ok(Some(Self::Rejected(Error::refused(
                code,
                String::from_utf8_lossy(&rest),
            ))));
        }
        if version != VERSION {
            return Err(HelloError::Version {
                oldest: version,
                newest: version,
            });
        }
        Ok(Some(Self::Accepted {
            codec,
            limits: take_limits(&mut rest)?,
            features: take_features(&mut rest),
        }))
    }
}

fn put_fixed(out: &mut BytesMut, said: [u8; 3], role: Role, length: u16) {
    out.put_slice(MAGIC);
    out.put_slice(&said);
    out.put_u8(role as u8);
    out.put_u16_le(length);
}

fn put_terms(out: &mut BytesMut, limits: Announced, features: Features) {
    for limit in [
        limits.max_message,
        limits.max_buffered,
        limits.max_calls,
        limits.max_metadata,
        limits.max_streams,
        limits.stream_window,
    ] {
        out.put_u32_le(limit);
    }
    out.put_u8(if features.checks { CHECKS } else { 0 });
}

/// The features of a peer, of which only those count that this side knows.
fn take_features(rest: &mut Bytes) -> Features {
    let bits = rest.try_get_u8().unwrap_or_default();
    Features {
        checks: bits & CHECKS != 0,
    }
}

fn take_limits(rest: &mut Bytes) -> Result<Announced, HelloError> {
    let mut next = || {
        rest.try_get_u32_le()
            .map_err(|_| HelloError::Broken(Violation::new("a hello that ends early")))
    };
    let limits = Announced {
        max_message: next()?,
        max_buffered: next()?,
        max_calls: next()?,
        max_metadata: next()?,
        max_streams: next()?,
        stream_window: next()?,
    };
    if limits.max_buffered < limits.max_message || limits.max_calls == 0 {
        return Err(HelloError::Broken(Violation::new("limits that allow no call")));
    }
    if (limits.stream_window as usize) < MIN_WINDOW {
        return Err(HelloError::Broken(Violation::new(
            "a window for streams that is too small",
        )));
    }
    Ok(limits)
}

/// Whether `input` begins as a hello does, as far as it is there.
pub(crate) fn is_hello(input: &[u8]) -> bool {
    let compared = input.len().min(MAGIC.len());
    input[..compared] == MAGIC[..compared]
}

/// How much follows the header of a hello.
pub(crate) fn hello_rest(header: &[u8]) -> usize {
    match header.first_chunk::<HELLO_HEADER>() {
        Some(&[.., low, high]) => usize::from(u16::from_le_bytes([low, high])),
        None => 0,
    }
}

/// The three bytes behind the magic, and what follows the fixed part, of a hello that `role` says.
fn take_hello(input: &mut BytesMut, role: Role) -> Result<Option<([u8; 3], Bytes)>, HelloError> {
    if !is_hello(input) {
        return stranger(input);
    }
    let Some(&[.., first, second, codec, said, low, high]) = input.first_chunk::<HELLO_HEADER>() else {
        return Ok(None);
    };
    if said != role as u8 {
        return Err(HelloError::Role(said));
    }
    let length = usize::from(u16::from_le_bytes([low, high]));
    if length > MAX_REST {
        return Err(HelloError::Broken(Violation::new(format!(
            "a hello of {length} bytes, the most is {MAX_REST}"
        ))));
    }
    if input.len() < HELLO_HEADER + length {
        return Ok(None);
    }
    let mut hello = input.split_to(HELLO_HEADER + length).freeze();
    hello.advance(HELLO_HEADER);
    Ok(Some(([first, second, codec], hello)))
}

/// What a peer speaks that does not begin with the magic, as far as its first bytes show.
fn stranger<T>(input: &[u8]) -> Result<Option<T>, HelloError> {
    const METHODS: [&[u8]; 9] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"DELETE ",
        b"OPTIONS ",
        b"PATCH ",
        b"PRI * HTTP",
        b"HTTP/",
    ];
    // A client begins with a handshake record, and a server answers what it does not understand with an alert.
    const TLS: [&[u8]; 2] = [&[0x16, 0x03], &[0x15, 0x03]];
    let begins = |with: &&[u8]| input.starts_with(with);
    if METHODS.iter().any(begins) {
        return Err(HelloError::Http);
    }
    if begins(&TLS[0]) {
        return Err(HelloError::Tls);
    }
    if begins(&TLS[1]) {
        return Err(HelloError::TlsAlert);
    }
    // A few bytes may be the beginning of a word above: wait for the rest, which the handshake's time bounds.
    let begun = |word: &&[u8]| word.starts_with(input);
    if METHODS.iter().chain(&TLS).any(begun) {
        Ok(None)
    } else {
        Err(HelloError::Stranger)
    }
}

impl HelloError {
    /// What a server answers before it closes: an HTTP client gets HTTP, so that its user sees the mistake.
    pub(crate) fn answer(&self) -> Bytes {
        match self {
            Self::Http => {
                let text = "This port speaks farcall, a binary RPC protocol, and not HTTP.\n";
                Bytes::from(format!(
                    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{text}",
                    text.len()
                ))
            }
            Self::Tls => Bytes::from_static(UNEXPECTED_MESSAGE),
            // An answer to an error, or to garbage, helps only its sender.
            Self::TlsAlert | Self::Stranger => Bytes::new(),
            Self::Role(_) | Self::Version { .. } | Self::Broken(_) => {
                ServerHello::Rejected(Error::refused(Code::FailedPrecondition, self.text("this server"))).encode()
            }
        }
    }

    /// The failure in words; `side` names this side.
    pub(crate) fn text(&self, side: &str) -> String {
        match self {
            Self::Http => "the peer speaks HTTP and not farcall; is this the right port?".into(),
            Self::Tls | Self::TlsAlert => {
                "the peer speaks TLS and this side does not; use `tls://` on both sides or on none".into()
            }
            Self::Stranger => "the peer does not speak farcall; is this the right port?".into(),
            Self::Role(role) if *role == Role::Client as u8 => {
                "the peer says hello as a client does: either it is a client, or it sends back what it receives; is \
                 this the right port?"
                    .into()
            }
            Self::Role(role) if *role == Role::Server as u8 => {
                "the peer says hello as a server does, where a client was expected; is it a server itself?".into()
            }
            Self::Role(role) => format!("the peer says hello in the unknown role {role}"),
            Self::Version { oldest, newest } => {
                format!(
                    "the peer speaks versions {oldest} to {newest} of the protocol, {side} speaks version {VERSION}"
                )
            }
            Self::Broken(violation) => violation.to_string(),
        }
    }
}
