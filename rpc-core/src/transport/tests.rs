//! What every transport promises, through `connector` and `bind` alone.

use std::error::Error as StdError;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

type TestResult = Result<(), Box<dyn StdError>>;

/// Both ends of a new connection: the client's and the server's.
pub(super) async fn met(connector: &dyn Connector, listener: &mut dyn Listener) -> io::Result<(Connected, Connected)> {
    let (client, incoming) = tokio::try_join!(connector.connect(), listener.accept())?;
    Ok((client, incoming.open().await?))
}

/// Listens at `address`, connects, and sends a line each way.
async fn converse(address: &Address) -> TestResult {
    let mut listener = bind(address).await?;
    let connector = connector(&listener.local_address())?;
    assert_eq!(connector.address(), &listener.local_address());

    let (client, server) = met(&*connector, &mut *listener).await?;
    assert_eq!(client.peer(), &listener.local_address());
    assert_eq!(server.peer().scheme(), address.scheme());
    assert_eq!(
        (client.is_near(), server.is_near()),
        (address.is_near(), address.is_near())
    );
    let (mut client, mut server) = (client.into_stream(), server.into_stream());
    assert!(client.is_write_vectored() && server.is_write_vectored());

    client.write_all(b"to the server").await?;
    client.shutdown().await?;
    let mut received = Vec::new();
    server.read_to_end(&mut received).await?;
    assert_eq!(received, b"to the server");

    server.write_all(b"to the client").await?;
    drop(server);
    received.clear();
    client.read_to_end(&mut received).await?;
    assert_eq!(received, b"to the client");
    Ok(())
}

/// The error of binding an address that cannot be bound.
async fn refusal(address: &Address) -> Error {
    bind(address).await.err().expect("binding fails")
}

#[tokio::test]
async fn tcp_carries_bytes_both_ways() -> TestResult {
    converse(&"tcp://127.0.0.1:0".parse()?).await
}

#[tokio::test]
async fn tcp_resolves_host_names() -> TestResult {
    let listener = bind(&"tcp://localhost:0".parse()?).await?;
    let local = listener.local_address().to_string();
    let (_, port) = local.rsplit_once(':').ok_or("no port")?;
    let connected = connector(&format!("tcp://localhost:{port}").parse()?)?
        .connect()
        .await?;
    assert_eq!(connected.peer(), &listener.local_address());
    Ok(())
}

#[tokio::test]
async fn a_taken_tcp_port_is_named() -> TestResult {
    let listener = bind(&"tcp://127.0.0.1:0".parse()?).await?;
    let error = refusal(&listener.local_address()).await;
    assert_eq!(error.code(), Code::AlreadyExists);
    assert!(
        error.message().contains(&listener.local_address().to_string()),
        "{error}"
    );
    assert!(error.message().contains("in use"), "{error}");
    assert!(
        error.cause().is_some() && error.source().is_none(),
        "the text says it once"
    );
    Ok(())
}

#[tokio::test]
async fn mem_carries_bytes_both_ways() -> TestResult {
    converse(&"mem://transport-converse".parse()?).await
}

#[tokio::test]
async fn a_mem_name_is_taken_until_its_listener_is_dropped() -> TestResult {
    let address: Address = "mem://transport-lifecycle".parse()?;
    let connector = connector(&address)?;
    let refused = connector.connect().await.err().ok_or("nobody listens yet")?;
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert!(refused.to_string().contains("mem://transport-lifecycle"), "{refused}");

    let first = bind(&address).await?;
    assert_eq!(refusal(&address).await.code(), Code::AlreadyExists);
    let mut unaccepted = connector.connect().await?.into_stream();

    drop(first);
    assert_eq!(
        unaccepted.read(&mut [0]).await?,
        0,
        "a connection that was never accepted ends"
    );
    assert!(connector.connect().await.is_err());

    let mut second = bind(&address).await?;
    tokio::try_join!(connector.connect(), second.accept())?;
    Ok(())
}

#[tokio::test]
async fn connecting_waits_while_the_mem_accept_queue_is_full() -> TestResult {
    let address: Address = "mem://transport-queue".parse()?;
    let mut listener = bind(&address).await?;
    let connector = connector(&address)?;
    let mut waiting = Vec::new();
    let mut late = loop {
        let mut connecting = connector.connect();
        match polled_once(&mut connecting).await {
            Some(connected) => waiting.push(connected?),
            None => break connecting,
        }
    };
    assert_eq!(waiting.len(), mem::ACCEPT_QUEUE);

    listener.accept().await?;
    assert!(polled_once(&mut late).await.is_some(), "one place became free");
    Ok(())
}

/// What a future gives when polled once.
async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn listening_on_an_instance_is_refused() -> TestResult {
    let error = refusal(&"mem://transport-instance/eu".parse()?).await;
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("`eu`"), "{error}");
    Ok(())
}

#[tokio::test]
async fn custom_addresses_need_their_own_transport() {
    let address = Address::custom("ws://h");
    assert_eq!(refusal(&address).await.code(), Code::Unimplemented);
    assert_eq!(
        connector(&address).expect_err("no transport").code(),
        Code::Unimplemented
    );
}

#[cfg(unix)]
mod unix_sockets {
    use std::{os::unix::net::UnixListener, path::PathBuf};

    use super::*;

    /// A socket path of this test alone, and its address; a file there is removed at the end.
    struct SocketPath(PathBuf);

    impl SocketPath {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("farcall-{}-{name}.sock", std::process::id())))
        }

        fn address(&self) -> Result<Address, Error> {
            format!("unix://{}", self.0.display()).parse()
        }
    }

    impl Drop for SocketPath {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[tokio::test]
    async fn unix_carries_bytes_both_ways() -> TestResult {
        let path = SocketPath::new("converse");
        converse(&path.address()?).await?;
        assert!(!path.0.exists(), "the listener removed its file");
        Ok(())
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() -> TestResult {
        let path = SocketPath::new("stale");
        drop(UnixListener::bind(&path.0)?);
        assert!(path.0.exists(), "std leaves the file behind");

        let mut listener = bind(&path.address()?).await?;
        let error = refusal(&path.address()?).await;
        assert_eq!(error.code(), Code::AlreadyExists);
        assert!(error.message().contains(&path.address()?.to_string()), "{error}");

        // The refused attempt looked for a listener; that connection comes first and is already closed.
        let mut probe = listener.accept().await?.open().await?.into_stream();
        assert_eq!(probe.read(&mut [0]).await?, 0);
        let connector = connector(&path.address()?)?;
        tokio::try_join!(connector.connect(), listener.accept())?;
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() -> TestResult {
        let path = SocketPath::new("file");
        std::fs::write(&path.0, "precious")?;
        assert_eq!(refusal(&path.address()?).await.code(), Code::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path.0)?, "precious");
        Ok(())
    }

    #[tokio::test]
    async fn a_successor_keeps_its_socket_file() -> TestResult {
        let path = SocketPath::new("successor");
        let first = bind(&path.address()?).await?;
        std::fs::remove_file(&path.0)?;
        let _second = bind(&path.address()?).await?;
        drop(first);
        connector(&path.address()?)?.connect().await?;
        Ok(())
    }
}
