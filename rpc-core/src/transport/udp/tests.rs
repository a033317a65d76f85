//! Sockets, the listener and streams, over the loopback interface.

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::UdpSocket,
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::{
    socket::{OutgoingDatagrams, SendResult, Socket, passes},
    *,
};
use crate::{
    Code,
    proto::datagram::Transmit,
    transport::{
        Address, BoxStream, Connected, LastHeard, Listener, bind as bind_address, connector, mem_pair, tests::met,
    },
};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn bound() -> io::Result<(Arc<Socket>, SocketAddr)> {
    let socket = Arc::new(Socket::new(std::net::UdpSocket::bind("127.0.0.1:0")?)?);
    Arc::clone(&socket).writable().await?;
    let address = socket.local_address()?;
    Ok((socket, address))
}

fn outgoing(to: SocketAddr, segment: usize, length: usize) -> OutgoingDatagrams {
    OutgoingDatagrams {
        transmit: Transmit { to, segment },
        bytes: (0..length).map(|index| (index % 251) as u8).collect(),
        taken: 0,
    }
}

/// The next datagrams, as long as fewer than `bytes` have come.
async fn receive(socket: &Socket, bytes: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut came = Vec::new();
    while came.iter().map(Vec::len).sum::<usize>() < bytes {
        socket
            .receive(|run| came.extend(run.datagrams().map(<[u8]>::to_vec)))
            .await?;
    }
    Ok(came)
}

#[tokio::test]
async fn a_batch_arrives_as_the_datagrams_it_was_made_of() -> TestResult {
    let ((sender, from), (receiver, to)) = (bound().await?, bound().await?);
    for length in [1, 999, 1000, 1001, 40_500] {
        let mut batch = outgoing(to, 1000, length);
        assert_eq!(sender.send(&mut batch, None), SendResult::All);
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
    assert_eq!(sender.send(&mut outgoing(to, 65_508, 65_508), None), SendResult::TooBig);
    assert_eq!(sender.send(&mut outgoing(to, 100, 100), None), SendResult::All);
    assert_eq!(receive(&receiver, 1).await?.len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_behind_a_silent_address_is_reached() -> TestResult {
    let (_silent, nobody) = bound().await?;
    let mut listener = bind_address(&"udp://127.0.0.1:0".parse()?).await?;
    let local = listener.local_address();
    let there = local.to_string().trim_start_matches("udp://").parse()?;
    let ((_stream, peer), _) = tokio::try_join!(connector::first_of(vec![nobody, there]), listener.accept())?;
    assert_eq!(peer, local);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connected_socket_hears_that_nobody_listens() -> TestResult {
    let (gone, to) = bound().await?;
    drop(gone);
    let socket = Arc::new(Socket::connect(to)?);
    Arc::clone(&socket).writable().await?;
    assert_eq!(socket.send(&mut outgoing(to, 10, 10), None), SendResult::All);
    let error = receive(&socket, 1).await.expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(passes(&error));
    Ok(())
}

#[tokio::test]
async fn the_window_is_within_its_bounds() -> TestResult {
    let (socket, _) = bound().await?;
    assert!((64 << 10..=2 << 20).contains(&socket.window()), "{}", socket.window());
    Ok(())
}

/// A hello without anything behind it.
const HELLO: [u8; 14] = *b"farcall\0\x01\x00\x01\x02\x00\x00";

/// What a session carries: a hello, and a message of the call 0 in frames.
fn content(length: usize) -> Vec<u8> {
    let mut bytes = HELLO.to_vec();
    for piece in vec![7; length].chunks(32 << 10) {
        bytes.extend((piece.len() as u32 | 0x0200_0000).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend_from_slice(piece);
    }
    bytes
}

async fn listen(host: &str) -> TestResult<Box<dyn Listener>> {
    Ok(bind_address(&format!("udp://{host}:0").parse()?).await?)
}

/// The ends of a session, and its listener's task.
async fn pair(host: &str) -> TestResult<(BoxStream, BoxStream, JoinSet<()>)> {
    let (client, server, task) = connected(host).await?;
    Ok((client.into_stream(), server.into_stream(), task))
}

/// The same with what is known of the ends.
async fn connected(host: &str) -> TestResult<(Connected, Connected, JoinSet<()>)> {
    let mut listener = listen(host).await?;
    let connector = connector(&listener.local_address())?;
    let (mut client, mut server) = met(&*connector, &mut *listener).await?;
    assert_eq!(client.peer(), &listener.local_address());
    assert_eq!(server.peer().scheme(), "udp");
    assert!(client.stream().is_write_vectored() && server.stream().is_write_vectored());
    let mut task = JoinSet::new();
    task.spawn(async move { while listener.accept().await.is_ok() {} });
    Ok((client, server, task))
}

/// Writes `content` to one end and reads it at the other. The writer goes on as a connection does: by reading.
async fn carry(writer: &mut BoxStream, reader: &mut BoxStream, content: &[u8]) -> TestResult {
    let mut received = vec![0; content.len()];
    let write = async {
        writer.write_all(content).await?;
        writer.flush().await?;
        writer.read_u8().await
    };
    tokio::select! {
        read = reader.read_exact(&mut received) => { read?; }
        other = write => return Err(format!("{other:?} where nothing was sent").into()),
    }
    assert!(received == content, "{} bytes", content.len());
    Ok(())
}

#[tokio::test]
async fn frames_travel_both_ways_and_the_end_is_told() -> TestResult {
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"] {
        for length in [1, 40_000, 4 << 20] {
            let (mut client, mut server, _listener) = pair(host).await?;
            carry(&mut client, &mut server, &content(length)).await?;
            carry(&mut server, &mut client, &content(length)).await?;
            drop(server);
            assert_eq!(client.read(&mut [0]).await?, 0);
            client.write_all(b"late").await.expect_err("the session is over");
        }
    }
    Ok(())
}

#[tokio::test]
async fn both_halves_may_belong_to_different_tasks() -> TestResult {
    let (client, server, _listener) = pair("127.0.0.1").await?;
    let content = content(2 << 20);
    let (done, mut ends) = mpsc::channel(2);
    let mut tasks = JoinSet::new();
    for stream in [client, server] {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (outgoing, mut incoming) = (content.clone(), vec![0; content.len()]);
        tasks.spawn(async move {
            writer.write_all(&outgoing).await?;
            writer.flush().await
        });
        let done = done.clone();
        tasks.spawn(async move {
            reader.read_exact(&mut incoming).await?;
            // The test may be over.
            let _ = done.send(incoming).await;
            reader.read_u8().await.map(drop)
        });
    }
    for _ in 0..2 {
        assert!(ends.recv().await.ok_or("a task failed")? == content);
    }
    Ok(())
}

/// A part of a frame tells of the one side, and that it was acknowledged of the other.
#[tokio::test]
async fn a_peer_is_heard_when_there_is_nothing_to_read() -> TestResult {
    let (client, server, _listener) = connected("127.0.0.1").await?;
    // However often it is wrapped.
    let wrap = |connected: Connected| connected.map(|stream| Box::new(stream)).into_parts();
    let ((mut client, client_heard), (mut server, server_heard)) = (wrap(client), wrap(server));
    let heard = || [&client_heard, &server_heard].map(|heard| heard.as_ref().and_then(LastHeard::get));
    carry(&mut client, &mut server, &content(1)).await?;
    let before = heard();
    client.write_all(&content(1000)[HELLO.len()..900]).await?;
    client.flush().await?;
    let both = poll_fn(|cx| {
        for end in [&mut client, &mut server] {
            assert!(Pin::new(end).poll_read(cx, &mut ReadBuf::new(&mut [0])).is_pending());
        }
        let now = heard();
        if now[0] > before[0] && now[1] > before[1] {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    timeout(Duration::from_secs(5), both).await?;

    let (pipe, _) = mem_pair();
    let (_, heard) = Connected::new(pipe, Address::custom("pipe://")).into_parts();
    assert!(heard.is_none());
    Ok(())
}

#[tokio::test]
async fn dropping_a_stream_ends_the_other_wherever_it_is() -> TestResult {
    let (client, mut server, _listener) = pair("127.0.0.1").await?;
    drop(client);
    assert_eq!(server.read(&mut [0]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_was_written_leaves_with_the_end() -> TestResult {
    let (mut client, mut server, _listener) = pair("127.0.0.1").await?;
    client.write_all(&content(1000)).await?;
    drop(client);
    let mut received = Vec::new();
    server.read_to_end(&mut received).await?;
    assert!(received == content(1000));
    Ok(())
}

#[tokio::test]
async fn a_listener_that_is_gone_cuts_its_sessions_and_frees_its_port() -> TestResult {
    let mut listener = listen("127.0.0.1").await?;
    let address = listener.local_address();
    let connector = connector(&address)?;
    let (client, server) = met(&*connector, &mut *listener).await?;
    let (mut client, mut server) = (client.into_stream(), server.into_stream());
    let taken = bind_address(&address).await.err().ok_or("the port is taken")?;
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert!(taken.message().contains(&address.to_string()), "{taken}");

    drop(listener);
    let error = server.read(&mut [0]).await.expect_err("it is cut");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    drop(server);
    let mut successor = bind_address(&address).await?;
    // The session has ended for its client, who was told or asks.
    client.write_all(&content(10)).await?;
    client.flush().await?;
    tokio::select! {
        read = client.read_u8() => assert!(read.is_err(), "{read:?}"),
        _ = successor.accept() => return Err("nobody connects".into()),
    }
    Ok(())
}

#[tokio::test]
async fn a_stopped_listener_carries_its_sessions_and_opens_none() -> TestResult {
    let mut listener = listen("127.0.0.1").await?;
    let connector = connector(&listener.local_address())?;
    let (client, server) = met(&*connector, &mut *listener).await?;
    let (mut client, mut server) = (client.into_stream(), server.into_stream());
    assert!(listener.stop());
    let carried = async {
        carry(&mut client, &mut server, &content(100_000)).await?;
        let error = connector.connect().await.err().ok_or("it takes no sessions")?;
        assert!(error.to_string().contains("takes no new sessions"), "{error}");
        TestResult::Ok(())
    };
    tokio::select! {
        carried = carried => carried,
        _ = listener.accept() => Err("nobody is let in".into()),
    }
}

#[tokio::test]
async fn garbage_and_strangers_change_nothing() -> TestResult {
    let mut listener = listen("127.0.0.1").await?;
    let address = listener.local_address();
    let to: SocketAddr = address.to_string().trim_start_matches("udp://").parse()?;
    let stranger = UdpSocket::bind("127.0.0.1:0").await?;
    for datagram in [
        &b""[..],
        b"?",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0; 1500],
        &[1; 1200],
        &[6; 60],
    ] {
        stranger.send_to(datagram, to).await?;
    }
    let connector = connector(&address)?;
    let (_client, server) = met(&*connector, &mut *listener).await?;
    assert_ne!(
        server.peer(),
        &Address::of_socket(crate::transport::SocketScheme::Udp, stranger.local_addr()?)
    );
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connecting_where_nobody_listens_fails_soon() -> TestResult {
    let listener = listen("127.0.0.1").await?;
    let connector = connector(&listener.local_address())?;
    drop(listener);
    let begun = Instant::now();
    let error = connector.connect().await.err().ok_or("nobody listens")?;
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "long before a client gives up"
    );
    Ok(())
}
