//! On the way to a server: queues that are full, ports that are taken, names with several addresses, and what a failure
//! on the way means for the calls that wait.

use std::{
    io,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context as Polling, Poll},
};

use farcall::{
    Address, Channel, Code, Context, Error, Outcome, Result, Server,
    transport::{Connected, Connecting, Connector},
};
use farcall_tests::TestResult;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[farcall::service]
trait Door {
    /// Where the call came from.
    async fn peer(&self) -> Result<String>;
}

struct Knocked;

impl Door for Knocked {
    async fn peer(&self) -> Result<String> {
        let context = Context::current();
        Ok(context.peer().ok_or_else(|| Error::internal("no peer"))?.to_string())
    }
}

fn server() -> Server {
    Server::new().service(DoorServer::new(Knocked))
}

/// A client is given any port that is free, perhaps that of a server which is down.
#[cfg(unix)]
#[tokio::test]
async fn a_server_may_listen_where_a_client_came_from() -> TestResult {
    let elsewhere = server().listen("tcp://127.0.0.1:0").await?;
    let client = DoorClient::connect(elsewhere.local_addr()).await?;
    let here = client.peer().await?;
    let successor = server().listen(here.as_str()).await?;
    assert_eq!(successor.local_addr().to_string(), here);
    let through = DoorClient::connect(successor.local_addr()).await?;
    assert_ne!(through.peer().await?, client.peer().await?);
    Ok(())
}

/// No matter which address a client tries first.
#[tokio::test]
async fn a_server_listens_on_every_address_of_its_name() -> TestResult {
    for scheme in ["tcp", "udp"] {
        let server = server().listen(format!("{scheme}://localhost:0")).await?;
        let bound = server.local_addrs();
        assert_eq!(bound.first(), Some(&server.local_addr()));
        let port: u16 = server
            .local_addr()
            .to_string()
            .rsplit(':')
            .next()
            .ok_or("a port")?
            .parse()?;
        let mut addresses: Vec<_> = tokio::net::lookup_host(("localhost", port)).await?.collect();
        // Those that this machine has: a family may be switched off.
        addresses.retain(|address| std::net::UdpSocket::bind((address.ip(), 0)).is_ok());
        for address in addresses {
            let address: Address = format!("{scheme}://{address}").parse()?;
            assert!(bound.contains(&address), "{address} is missing in {bound:?}");
            DoorClient::connect(address).await?.peer().await?;
        }
        DoorClient::connect(format!("{scheme}://localhost:{port}"))
            .await?
            .peer()
            .await?;
    }
    Ok(())
}

/// Fails to connect, in as many ways as there are kinds.
#[derive(Debug)]
struct Failing {
    address: Address,
    failure: fn() -> io::Error,
    attempts: AtomicUsize,
}

impl Connector for Failing {
    fn connect(&self) -> Connecting<'_> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err((self.failure)()) })
    }

    fn address(&self) -> &Address {
        &self.address
    }
}

async fn failed(connector: impl Connector) -> Error {
    let channel = Channel::builder().connector(std::sync::Arc::new(connector));
    let error = DoorClient::new(channel).peer().await.expect_err("nobody is there");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    assert!(error.to_string().contains("far://away"), "{error}");
    error
}

fn failing(failure: fn() -> io::Error) -> Failing {
    Failing {
        address: Address::custom("far://away"),
        failure,
        attempts: AtomicUsize::new(0),
    }
}

#[tokio::test]
async fn what_does_not_pass_is_no_reason_to_try_again() {
    let table: [(fn() -> io::Error, Code); 9] = [
        (
            || io::Error::new(io::ErrorKind::InvalidData, "bad certificate"),
            Code::FailedPrecondition,
        ),
        (|| io::ErrorKind::InvalidInput.into(), Code::InvalidArgument),
        (|| io::ErrorKind::PermissionDenied.into(), Code::PermissionDenied),
        (|| io::ErrorKind::Unsupported.into(), Code::Unimplemented),
        (|| io::ErrorKind::ConnectionRefused.into(), Code::Unavailable),
        (|| io::ErrorKind::NotFound.into(), Code::Unavailable),
        (|| io::ErrorKind::UnexpectedEof.into(), Code::Unavailable),
        (|| io::ErrorKind::TimedOut.into(), Code::Unavailable),
        (|| io::Error::other("a short circuit"), Code::Unavailable),
    ];
    for (failure, code) in table {
        let error = failed(failing(failure)).await;
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.is_retryable(), code == Code::Unavailable, "{error}");
        assert!(error.message().contains(&failure().to_string()), "{error}");
        let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(cause.map(io::Error::kind), Some(failure().kind()), "{error}");
    }
}

#[tokio::test]
async fn a_transport_says_what_it_knows() {
    let expired = || Error::unauthenticated("the certificate has expired");
    let table: [fn() -> io::Error; 2] = [
        || Error::unauthenticated("the certificate has expired").into(),
        || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                io::Error::other(Error::unauthenticated("the certificate has expired")),
            )
        },
    ];
    for failure in table {
        let error = failed(failing(failure)).await;
        assert_eq!(error.code(), expired().code());
        assert_eq!(
            error.message(),
            "cannot connect to far://away: the certificate has expired"
        );
        assert!(!error.is_retryable());
    }
    let error = failed(failing(|| Error::resource_exhausted("all lines are taken").into())).await;
    assert!(error.is_retryable(), "{error}");
}

/// A connection that is there, and breaks as soon as it is used: TLS may find out only then.
struct Breaking;

impl AsyncRead for Breaking {
    fn poll_read(self: Pin<&mut Self>, _: &mut Polling<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "unknown issuer")))
    }
}

impl AsyncWrite for Breaking {
    fn poll_write(self: Pin<&mut Self>, _: &mut Polling<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Polling<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Polling<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug)]
struct Broken(Address);

impl Connector for Broken {
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async { Ok(Connected::new(Box::new(Breaking), self.0.clone())) })
    }

    fn address(&self) -> &Address {
        &self.0
    }
}

#[tokio::test]
async fn a_handshake_below_that_fails_late_is_told_apart_as_well() {
    let error = failed(Broken(Address::custom("far://away"))).await;
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert!(error.message().contains("unknown issuer"), "{error}");
    assert!(!error.is_retryable());
}

/// Unix sockets elsewhere refuse where this one says that there is no room.
#[cfg(target_os = "linux")]
mod full_queues {
    use std::{
        os::{fd::OwnedFd, unix::net::UnixListener},
        path::Path,
        time::Duration,
    };

    use farcall::{Limits, client::ChannelBuilder};
    use socket2::{Domain, SockAddr, Socket, Type};
    use tokio::time::{Instant, sleep};

    use super::*;

    /// A socket file, and those who wait there to be accepted: no place is left.
    fn full(path: &Path) -> io::Result<(UnixListener, Vec<Socket>)> {
        let address = SockAddr::unix(path)?;
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        listener.bind(&address)?;
        listener.listen(0)?;
        let mut waiting = Vec::new();
        loop {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            match socket.connect(&address) {
                Ok(()) => waiting.push(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok((OwnedFd::from(listener).into(), waiting))
    }

    fn client(builder: ChannelBuilder, path: &Path) -> Result<DoorClient> {
        let address = format!("unix://{}", path.display());
        Ok(DoorClient::new(builder.connect_lazily(address)?))
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for() -> TestResult {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("sock");
        let (listener, waiting) = full(&path)?;
        let server = server().listen("mem://dialling-full").await?;
        let call = tokio::spawn(client(Channel::builder(), &path)?.peer());
        sleep(Duration::from_secs(2)).await;
        assert!(!call.is_finished(), "there is no place");
        for _ in &waiting {
            listener.accept()?;
        }
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let (stream, _) = listener.accept().await?;
        server.serve(Connected::new(Box::new(stream), Address::custom("test://client")));
        assert_eq!(call.await??, "test://client");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn for_as_long_as_a_handshake_may_take() -> TestResult {
        const TIME: Duration = Duration::from_secs(3);
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("sock");
        let (_listener, _waiting) = full(&path)?;
        let begin = Instant::now();
        let builder = Channel::builder().limits(Limits::default().handshake_timeout(TIME));
        let error = client(builder, &path)?.peer().await.expect_err("there is no place");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted)
        );
        assert!(begin.elapsed() >= TIME, "{:?}", begin.elapsed());
        assert!(error.message().contains("within 3s"), "{error}");
        Ok(())
    }
}
