//! The machine without an RPC library: length-prefixed frames, echoed. With one call in flight it is a ping-pong; with
//! more it reads and writes whatever is there in one system call, with no task per call, nothing allocated, nothing
//! decoded. No RPC library can reach it; how near one comes is the point.

use std::{collections::VecDeque, iter, mem, net::SocketAddr, time::Instant};

use bytes::{Buf, BytesMut};
use futures::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    peer::{Connecting, Done, Peer, Result, Session, Stop, announce},
    waits::Waits,
    work::{Calls, Load, Traffic},
};

/// The length of what follows, and a call's id.
const HEADER: usize = 4 + 8;
const READ_BUFFER: usize = 256 << 10;

pub(crate) struct Raw;

impl Peer for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn serve(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            announce(listener.local_addr()?)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tokio::spawn(echo(stream));
            }
        })
    }

    fn connect(&self, address: SocketAddr, load: Load) -> Option<Connecting> {
        let Load::Echo(Traffic::Closed(load)) = load else {
            return None;
        };
        Some(Box::pin(async move {
            let mut streams = Vec::new();
            for _ in 0..load.connections {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                streams.push(stream);
            }
            Ok(Box::new(Streams { streams, load }) as Box<dyn Session>)
        }))
    }
}

async fn echo(mut stream: TcpStream) -> Result<()> {
    let mut buffer = BytesMut::with_capacity(READ_BUFFER);
    loop {
        buffer.reserve(READ_BUFFER / 2);
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let (_, complete) = complete_frames(&buffer);
        stream.write_all(&buffer[..complete]).await?;
        buffer.advance(complete);
    }
}

/// How many whole frames `buffer` begins with, and their bytes.
fn complete_frames(buffer: &[u8]) -> (usize, usize) {
    let (mut frames, mut end) = (0, 0);
    while let Some(length) = buffer[end..].first_chunk::<4>() {
        let next = end + 4 + u32::from_be_bytes(*length) as usize;
        if next > buffer.len() {
            break;
        }
        frames += 1;
        end = next;
    }
    (frames, end)
}

struct Streams {
    streams: Vec<TcpStream>,
    load: Calls,
}

impl Session for Streams {
    fn run(&mut self, stop: Stop) -> BoxFuture<'_, Result<Done>> {
        Box::pin(async move {
            let mut tasks = JoinSet::new();
            for stream in mem::take(&mut self.streams) {
                tasks.spawn(exchange(stream, self.load, stop.clone()));
            }
            let mut waits = Waits::default();
            while let Some(task) = tasks.join_next().await {
                let (stream, answered) = task??;
                self.streams.push(stream);
                waits.append(answered);
            }
            Ok(Done::calls(waits))
        })
    }
}

/// Keeps `load.in_flight` frames under way until told to stop, then waits for those that are.
async fn exchange(mut stream: TcpStream, load: Calls, stop: Stop) -> Result<(TcpStream, Waits)> {
    let frame = HEADER + load.body;
    // One more than the window, so that what is owed is one slice wherever in a frame the last write ended.
    let frames = frame_of(load.body)?.repeat(load.in_flight + 1);
    let mut buffer = BytesMut::with_capacity(READ_BUFFER);
    let (mut reader, mut writer) = stream.split();
    let (mut owed, mut position) = (load.in_flight * frame, 0);
    // Answers come in the order of the calls, and each makes room for a call.
    let mut starts = VecDeque::from(vec![Instant::now(); load.in_flight]);
    let mut waits = Waits::default();

    while !starts.is_empty() {
        buffer.reserve(READ_BUFFER / 2);
        tokio::select! {
            biased;
            written = writer.write(&frames[position..position + owed]), if owed > 0 => {
                let written = written?;
                owed -= written;
                position = (position + written) % frame;
            }
            read = reader.read_buf(&mut buffer) => {
                if read? == 0 {
                    return Err("the server closed the connection".into());
                }
                let (complete, end) = complete_frames(&buffer);
                buffer.advance(end);
                let now = Instant::now();
                starts.drain(..complete).for_each(|start| waits.add(now - start));
                if !stop.is_set() {
                    starts.extend(iter::repeat_n(now, complete));
                    owed += complete * frame;
                }
            }
        }
    }
    Ok((stream, waits))
}

fn frame_of(body: usize) -> Result<Vec<u8>> {
    let mut frame = u32::try_from(HEADER - 4 + body)?.to_be_bytes().to_vec();
    frame.resize(HEADER + body, 0);
    Ok(frame)
}
