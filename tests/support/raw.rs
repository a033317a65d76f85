//! The wire spoken by hand, for peers that do what farcall's own never would.

use std::io;

use bytes::{Buf, BytesMut};
use farcall::{
    Address, Code, Outcome,
    codec::{Codec, Format},
    service::method_id,
};
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const REQUEST: u8 = 1;
pub const REQUEST_DATA: u8 = 2;
pub const REPLY: u8 = 3;
pub const REPLY_DATA: u8 = 4;
pub const FAILURE: u8 = 5;
pub const CANCEL: u8 = 6;
pub const PING: u8 = 7;
pub const PONG: u8 = 8;
pub const GO_AWAY: u8 = 9;
pub const CLOSE: u8 = 10;
pub const REQUEST_ATTACH: u8 = 11;
pub const REPLY_ATTACH: u8 = 12;
pub const ITEM_ATTACH: u8 = 13;
pub const ITEMS: u8 = 14;
pub const END: u8 = 15;
pub const CREDIT: u8 = 16;
pub const STOP: u8 = 17;
pub const RELEASE: u8 = 18;
pub const UNUSED: u8 = 19;
pub const WATCH: u8 = 20;
pub const REVOKED: u8 = 21;
/// The bit of the kind that says that the message goes on.
pub const MORE: u8 = 0x80;

/// What both sides announce unless a test wants otherwise: message, buffered, calls, metadata.
pub const LIMITS: [u32; 4] = [16 << 20, 64 << 20, 1024, 16 << 10];

/// What both sides announce of streams: how many, and their window.
pub const STREAMS: [u32; 2] = [1024, 64 << 10];

/// The bit of a stream's number, in a frame about it, that says that the frame's recipient chose the number.
pub const YOURS: u32 = 1 << 31;

/// The tags of a list.
pub const RECEIVES: u8 = 0;
pub const SENDS: u8 = 1;
pub const OBJECT: u8 = 2;
pub const RETURNED: u8 = 3;

/// Who says a hello.
pub const CLIENT: u8 = 1;
pub const SERVER: u8 = 2;

/// A frame's header; the test adds what follows.
pub fn header(kind: u8, call: u32, length: u32) -> Vec<u8> {
    let mut bytes = length.to_le_bytes()[..3].to_vec();
    bytes.push(kind);
    bytes.extend(call.to_le_bytes());
    bytes
}

pub fn frame(kind: u8, call: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(kind, call, payload.len() as u32);
    bytes.extend(payload);
    bytes
}

/// Magic, two bytes (versions, or version and status), codec, role, and what follows.
pub fn hello(role: u8, first: u8, second: u8, codec: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"farcall\0".to_vec();
    bytes.extend([first, second, codec, role]);
    bytes.extend((rest.len() as u16).to_le_bytes());
    bytes.extend(rest);
    bytes
}

/// The limits of a hello, and the features of one that checks contracts.
pub fn limits(limits: [u32; 4]) -> Vec<u8> {
    let limits = limits.iter().chain(&STREAMS);
    limits.flat_map(|limit| limit.to_le_bytes()).chain([1]).collect()
}

pub fn client_hello() -> Vec<u8> {
    hello(CLIENT, 1, 1, Format::default().id(), &limits(LIMITS))
}

pub fn server_hello() -> Vec<u8> {
    hello(SERVER, 1, 0, Format::default().id(), &limits(LIMITS))
}

pub fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    Format::default()
        .encode(value, &mut bytes)
        .expect("the value can be encoded");
    bytes
}

/// A request's head without deadline, instance and metadata.
pub fn head(method: &str) -> Vec<u8> {
    let mut bytes = method_id("Probe", method).to_le_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// A whole small request.
pub fn request(call: u32, method: &str, arguments: &impl Serialize) -> Vec<u8> {
    frame(REQUEST, call, &[head(method), encode(arguments)].concat())
}

/// The beginning of a request whose body is said to have `total` bytes.
pub fn begin_request(call: u32, method: &str, total: u32, piece: &[u8]) -> Vec<u8> {
    let payload = [&head(method)[..], &total.to_le_bytes(), piece].concat();
    frame(REQUEST | MORE, call, &payload)
}

/// An entry of a list: a stream, or an object that comes back.
pub fn entry(tag: u8, id: u32) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(id.to_le_bytes());
    bytes
}

/// An entry for an object of the list's sender.
pub fn object(id: u32, service: &str) -> Vec<u8> {
    let hash = (method_id(service, "") >> 32) as u32;
    [&entry(OBJECT, id)[..], &hash.to_le_bytes()].concat()
}

/// An item with its length in front.
pub fn item(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// A whole small reply.
pub fn reply(call: u32, result: &impl Serialize) -> Vec<u8> {
    frame(REPLY, call, &[&[0], &encode(result)[..]].concat())
}

/// The beginning of a reply whose body is said to have `total` bytes.
pub fn begin_reply(call: u32, total: u32, piece: &[u8]) -> Vec<u8> {
    frame(REPLY | MORE, call, &[&[0], &total.to_le_bytes()[..], piece].concat())
}

pub fn failure(kind: u8, call: u32, code: Code, outcome: Outcome, text: &str) -> Vec<u8> {
    frame(kind, call, &[&[code as u8, outcome as u8, 0], text.as_bytes()].concat())
}

#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub more: bool,
    pub call: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The text of a failure or of a last word.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.payload.get(3..).unwrap_or_default()).into_owned()
    }
}

/// One end of a connection, in the hands of a test.
pub struct Peer<S = TcpStream> {
    pub stream: S,
    input: BytesMut,
}

impl Peer {
    /// A connection without a word said.
    pub async fn dial(address: &Address) -> io::Result<Self> {
        let address = address.to_string();
        let socket = address.strip_prefix("tcp://").unwrap_or(&address);
        Ok(Self::new(TcpStream::connect(socket).await?))
    }

    /// A connection after the handshake, as a client.
    pub async fn connect(address: &Address) -> io::Result<Self> {
        let mut peer = Self::dial(address).await?;
        peer.open().await?;
        Ok(peer)
    }

    /// A connection after the handshake, as a server.
    pub async fn accept(listener: &TcpListener) -> io::Result<Self> {
        let mut peer = Self::new(listener.accept().await?.0);
        peer.take(client_hello().len()).await?;
        peer.send(&server_hello()).await?;
        Ok(peer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
        }
    }

    /// The handshake as a client.
    pub async fn open(&mut self) -> io::Result<()> {
        self.send(&client_hello()).await?;
        self.take(server_hello().len()).await?;
        Ok(())
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next so many bytes.
    pub async fn take(&mut self, length: usize) -> io::Result<BytesMut> {
        while self.input.len() < length {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.input.split_to(length))
    }

    /// The next frame.
    pub async fn next(&mut self) -> io::Result<Frame> {
        let mut header = self.take(8).await?;
        let start = header.get_u32_le();
        let call = header.get_u32_le();
        let kind = (start >> 24) as u8;
        let payload = self.take((start & 0x00ff_ffff) as usize).await?.to_vec();
        Ok(Frame {
            kind: kind & !MORE,
            more: kind & MORE != 0,
            call,
            payload,
        })
    }

    /// Reads frames until one of `kind`.
    pub async fn next_of(&mut self, kind: u8) -> io::Result<Frame> {
        loop {
            let frame = self.next().await?;
            if frame.kind == kind {
                return Ok(frame);
            }
        }
    }

    /// Reads until the other end closes, and gives its last word if it had one.
    pub async fn last_word(&mut self) -> Option<String> {
        let mut word = None;
        while let Ok(frame) = self.next().await {
            if frame.kind == CLOSE {
                word = Some(frame.text());
            }
        }
        word
    }
}
