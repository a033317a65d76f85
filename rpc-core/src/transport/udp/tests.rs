//! Sockets, the listener and streams, over the loopback interface.

use std::{future::poll_fn, net::SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    listener::BoundUdp,
    socket::{Outgoing, Sent, Socket},
    stream::UdpStream,
    *,
};
use crate::{
    proto::datagram::Transmit,
    transport::{Address, Listener},
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

async fn bound() -> io::Result<(Arc<Socket>, SocketAddr)> {
    let socket = Arc::new(Socket::bind(([127, 0, 0, 1], 0).into())?);
    Arc::clone(&socket).writable().await?;
    let address = socket.local_address()?;
    Ok((socket, address))
}

fn outgoing(to: SocketAddr, segment: usize, length: usize) -> Outgoing {
    Outgoing {
        transmit: Transmit { to, segment },
        bytes: (0..length).map(|index| (index % 251) as u8).collect(),
        taken: 0,
    }
}

/// The next datagrams, as long as fewer than `bytes` have come.
async fn receive(socket: &Socket, bytes: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut came = Vec::new();
    while came.iter().map(Vec::len).sum::<usize>() < bytes {
        poll_fn(|cx| {
            socket.poll_receive(cx, |run| came.extend(run.datagrams().map(<[u8]>::to_vec)))
        })
        .await?;
    }
    Ok(came)
}

#[tokio::test]
async fn a_batch_arrives_as_the_datagrams_it_was_made_of() -> TestResult {
    let ((sender, from), (receiver, to)) = (bound().await?, bound().await?);
    for length in [1, 999, 1000, 1001, 40_500] {
        let mut batch = outgoing(to, 1000, length);
        assert_eq!(sender.send(&mut batch, None), Sent::All);
        let came = receive(&receiver, length).await?;
        assert_eq!(came.concat(), batch.bytes);
        let lengths: Vec<_> = batch.bytes.chunks(1000).map(<[u8]>::len).collect();
        assert_eq!(came.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
    }
    sender.send_answer(to, None, b"one");
    let mut seen = Vec::new();
    poll_fn(|cx| receiver.poll_receive(cx, |run| seen.push((run.from, run.to)))).await?;
    assert_eq!(seen, [(from, Some(to.ip()))]);
    Ok(())
}

#[tokio::test]
async fn an_empty_datagram_is_none() -> TestResult {
    let ((sender, _), (receiver, to)) = (bound().await?, bound().await?);
    sender.send_answer(to, None, b"");
    sender.send_answer(to, None, b"after it");
    assert_eq!(receive(&receiver, 1).await?, [b"after it"]);
    Ok(())
}

#[tokio::test]
async fn a_datagram_too_long_for_the_path_is_told() -> TestResult {
    let ((sender, _), (receiver, to)) = (bound().await?, bound().await?);
    assert_eq!(sender.send(&mut outgoing(to, 65_508, 65_508), None), Sent::TooBig);
    assert_eq!(sender.send(&mut outgoing(to, 100, 100), None), Sent::All);
    assert_eq!(receive(&receiver, 1).await?.len(), 1);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connected_socket_hears_that_nobody_listens() -> TestResult {
    let (gone, to) = bound().await?;
    drop(gone);
    let socket = Arc::new(Socket::connect(to)?);
    Arc::clone(&socket).writable().await?;
    assert_eq!(socket.send(&mut outgoing(to, 10, 10), None), Sent::All);
    let error = receive(&socket, 1).await.expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(socket::passes(&error));
    Ok(())
}

#[tokio::test]
async fn the_window_is_within_its_bounds() -> TestResult {
    let (socket, _) = bound().await?;
    assert!((64 << 10..=2 << 20).contains(&socket.window()), "{}", socket.window());
    Ok(())
}

async fn listen() -> TestResult<BoundUdp> {
    Ok(BoundUdp::new(Socket::bind(([127, 0, 0, 1], 0).into())?).await?)
}
