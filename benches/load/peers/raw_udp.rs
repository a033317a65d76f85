//! The machine without an RPC library, over UDP: datagrams, echoed as they come. Nothing is repeated, ordered or
//! checked; a lost datagram is an error of the measurement. Bodies that fit into one datagram go as one, with one
//! system call each; longer ones as segments of one size that the system cuts (GSO) and joins (GRO), 44 with one system
//! call.

use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::{io::Interest, net::UdpSocket, task::JoinSet, time::timeout};

use crate::{
    peer::{Connecting, Done, Peer, Result, Session, Stop, announce},
    waits::Waits,
    work::{Calls, Load, Traffic},
};

/// What a path over Ethernet carries.
const DATAGRAM: usize = 1452;
/// What the system takes at once.
const BATCH: usize = 44 * DATAGRAM;
/// Asked of the system for what is under way.
const BUFFER: usize = 4 << 20;
/// An echo that takes longer is lost.
const LOST: Duration = Duration::from_secs(2);

pub(crate) struct RawUdp;

impl Peer for RawUdp {
    fn name(&self) -> &'static str {
        "raw-udp"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let socket = Socket::bind().await?;
            announce(socket.inner.local_addr()?)?;
            let mut buffer = vec![0; 1 << 16];
            loop {
                let received = socket.receive(&mut buffer).await?;
                socket
                    .send(received.addr, &buffer[..received.len], received.stride)
                    .await?;
            }
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let Load::Echo(Traffic::Closed(load)) = load else {
            return None;
        };
        if load.body > BUFFER / 2 {
            return None;
        }
        Some(Box::pin(async move {
            let mut sockets = Vec::new();
            for _ in 0..load.connections {
                let socket = Socket::bind().await?;
                socket.inner.connect(address).await?;
                sockets.push(socket);
            }
            Ok(Box::new(Client { sockets, address, load }) as Box<dyn Session>)
        }))
    }
}

struct Socket {
    inner: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    async fn bind() -> io::Result<Self> {
        let inner = UdpSocket::bind("127.0.0.1:0").await?;
        let state = UdpSocketState::new((&inner).into())?;
        state.set_recv_buffer_size((&inner).into(), BUFFER)?;
        state.set_send_buffer_size((&inner).into(), BUFFER)?;
        Ok(Self { inner, state })
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<RecvMeta> {
        let mut meta = [RecvMeta::default()];
        loop {
            self.inner.readable().await?;
            let received = self.inner.try_io(Interest::READABLE, || {
                self.state
                    .recv((&self.inner).into(), &mut [IoSliceMut::new(buffer)], &mut meta)
            });
            match received {
                Ok(_) => return Ok(meta[0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn send(&self, destination: SocketAddr, contents: &[u8], segment: usize) -> io::Result<()> {
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: (segment < contents.len()).then_some(segment),
            src_ip: None,
        };
        loop {
            let sent = self.inner.try_io(Interest::WRITABLE, || {
                self.state.try_send((&self.inner).into(), &transmit)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.inner.writable().await?,
                sent => return sent,
            }
        }
    }
}

struct Client {
    sockets: Vec<Socket>,
    address: SocketAddr,
    load: Calls,
}

impl Session for Client {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut tasks = JoinSet::new();
            for socket in std::mem::take(&mut self.sockets) {
                tasks.spawn(exchange(socket, self.address, self.load, stop.clone()));
            }
            let mut waits = Waits::default();
            while let Some(task) = tasks.join_next().await {
                let (socket, answered) = task??;
                self.sockets.push(socket);
                waits.append(answered);
            }
            Ok(Done::calls(waits))
        })
    }
}

/// Keeps `load.in_flight` bodies under way until told to stop, then waits for those that are.
async fn exchange(socket: Socket, address: SocketAddr, load: Calls, stop: Stop) -> Result<(Socket, Waits)> {
    let body = vec![0; load.body.max(1)];
    let mut buffer = vec![0; 1 << 16];
    // Answers come in the order of the calls.
    let mut starts = VecDeque::from(vec![Instant::now(); load.in_flight]);
    let (mut waits, mut returned) = (Waits::default(), 0);
    for _ in 0..load.in_flight {
        send_body(&socket, address, &body).await?;
    }
    while !starts.is_empty() {
        let received = timeout(LOST, socket.receive(&mut buffer))
            .await
            .map_err(|_| "a datagram was lost")??;
        returned += received.len;
        while returned >= body.len() {
            returned -= body.len();
            let now = Instant::now();
            waits.add(now - starts.pop_front().ok_or("an answer without a call")?);
            if !stop.is_set() {
                starts.push_back(now);
                send_body(&socket, address, &body).await?;
            }
        }
    }
    Ok((socket, waits))
}

async fn send_body(socket: &Socket, address: SocketAddr, body: &[u8]) -> Result<()> {
    for batch in body.chunks(BATCH) {
        socket.send(address, batch, DATAGRAM).await?;
    }
    Ok(())
}
