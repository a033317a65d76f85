//! Datagrams written by hand, for peers that do what farcall's own never would.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::UdpSocket, time::timeout};

pub const HELLO: u8 = 1;
pub const RETRY: u8 = 2;
pub const WELCOME: u8 = 3;
pub const REFUSED: u8 = 4;
pub const RESET: u8 = 5;
pub const PACKET: u8 = 6;

pub const VERSION: u8 = 1;
pub const COOKIE: usize = 20;
/// The shortest hello that is looked at.
pub const LEAST: usize = 1200;

/// A datagram with its checksum.
pub fn datagram(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = [&[kind, 0, 0, 0, 0], body].concat();
    let sum = crc32c(&bytes);
    bytes[1..5].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A hello of so many bytes.
pub fn hello(version: u8, nonce: u64, cookie: &[u8], length: usize) -> Vec<u8> {
    let mut body = vec![version];
    body.extend(nonce.to_le_bytes());
    body.extend((1_u32 << 20).to_le_bytes());
    body.extend(cookie);
    body.resize(length.saturating_sub(5).max(body.len()), 0);
    datagram(HELLO, &body)
}

/// The bodies of retry, welcome, refused and reset are a number and something behind it.
pub fn numbered(kind: u8, number: u64, rest: &[u8]) -> Vec<u8> {
    datagram(kind, &[&number.to_le_bytes()[..], rest].concat())
}

pub fn packet(session: u64, number: u64, chunks: &[u8]) -> Vec<u8> {
    let number = &number.to_le_bytes()[..6];
    datagram(PACKET, &[&session.to_le_bytes()[..], number, chunks].concat())
}

/// A chunk that carries bytes of a lane.
pub fn data(lane: u64, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let mut chunk = varint(1);
    for number in [lane, offset, bytes.len() as u64] {
        chunk.extend(varint(number));
    }
    chunk.extend(bytes);
    chunk
}

/// The numbers of RFC 9000, always eight bytes long but the smallest.
pub fn varint(number: u64) -> Vec<u8> {
    match u8::try_from(number) {
        Ok(small @ 0..64) => vec![small],
        _ => (number | 3 << 62).to_be_bytes().to_vec(),
    }
}

/// The number behind kind and checksum.
pub fn number(datagram: &[u8]) -> Option<u64> {
    let bytes = datagram.get(5..13)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// CRC32C bit by bit: slow, and another way than the one under test.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = !0;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// The socket of a client that the server does not know.
pub struct Stranger {
    pub socket: UdpSocket,
    server: SocketAddr,
    random: fastrand::Rng,
}

/// The upper half of the nonces of fences.
const FENCE: u64 = 0xfe2c_e000;
/// For datagrams that were lost because a buffer was full: the next one has room.
const PATIENCE: Duration = Duration::from_millis(200);

impl Stranger {
    pub async fn new(server: SocketAddr, seed: u64) -> io::Result<Self> {
        Ok(Self {
            socket: UdpSocket::bind("127.0.0.1:0").await?,
            server,
            random: fastrand::Rng::with_seed(seed),
        })
    }

    pub async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send_to(datagram, self.server).await?;
        Ok(())
    }

    /// What came back for everything sent before: a server answers in order, so it is over when a hello sent now is
    /// answered.
    pub async fn answers(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let fence = FENCE << 32 | u64::from(self.random.u32(..));
        let mut answers = Vec::new();
        let mut buffer = [0; 2048];
        loop {
            self.send(&hello(VERSION, fence, &[0; COOKIE], LEAST)).await?;
            while let Ok(received) = timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await {
                let (length, from) = received?;
                assert_eq!(from, self.server, "somebody else answered");
                let answer = &buffer[..length];
                match number(answer).filter(|_| answer[0] == RETRY) {
                    Some(nonce) if nonce == fence => return Ok(answers),
                    // That of an earlier fence.
                    Some(nonce) if nonce >> 32 == FENCE => {}
                    _ => answers.push(answer.to_vec()),
                }
            }
        }
    }

    /// Proves the address, and gives the id of a session.
    pub async fn open(&mut self) -> io::Result<u64> {
        let nonce = u64::from(self.random.u32(..));
        let cookie = self.ask(RETRY, nonce, &[0; COOKIE]).await?;
        let welcome = self.ask(WELCOME, nonce, &cookie[..COOKIE]).await?;
        let session = welcome.first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(u64::from_le_bytes(*session))
    }

    /// Says hello until it gets the answer, and gives what stands behind its nonce.
    async fn ask(&self, kind: u8, nonce: u64, cookie: &[u8]) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 2048];
        loop {
            self.send(&hello(VERSION, nonce, cookie, LEAST)).await?;
            while let Ok(length) = timeout(PATIENCE, self.socket.recv(&mut buffer)).await {
                let answer = &buffer[..length?];
                if answer.first() == Some(&kind) && number(answer) == Some(nonce) {
                    return Ok(answer[13..].to_vec());
                }
            }
        }
    }
}
