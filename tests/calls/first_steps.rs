//! What a new user does on the first day works, and errors say what was forgotten.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use farcall::{Channel, Code, Error, Outcome, Server, transport::IntoAddress};
use farcall_tests::TestResult;

#[farcall::service]
trait Greeter {
    async fn greet(&self) -> u32;
}

struct English;

impl Greeter for English {
    async fn greet(&self) -> u32 {
        1
    }
}

fn greeter() -> Server {
    Server::new().service(GreeterServer::new(English))
}

#[tokio::test]
async fn a_socket_address_and_a_pair_of_host_and_port_are_tcp_addresses() -> TestResult {
    let socket: SocketAddr = "127.0.0.1:0".parse()?;
    for server in [
        greeter().listen(socket).await?,
        greeter().listen(("127.0.0.1", 0)).await?,
        greeter().listen((socket.ip(), 0)).await?,
    ] {
        let address = server.local_addr().to_string();
        let port = address.rsplit_once(':').ok_or("a port")?.1.parse::<u16>()?;
        let there = SocketAddr::from((socket.ip(), port));
        assert_eq!(GreeterClient::connect(there).await?.greet().await, Ok(1));
        let channel = Channel::connect(("127.0.0.1".to_owned(), port)).await?;
        assert_eq!(GreeterClient::new(channel).greet().await, Ok(1));
    }
    Ok(())
}

#[test]
fn a_pair_of_host_and_port_is_checked_as_a_url_is() -> TestResult {
    let printed = |address: Result<farcall::Address, Error>| address.map(|address| address.to_string());
    assert_eq!(printed(("::1", 80).into_address())?, "tcp://[::1]:80");
    assert_eq!(printed(("example.com", 80).into_address())?, "tcp://example.com:80");
    assert_eq!(
        printed((IpAddr::V6(Ipv6Addr::LOCALHOST), 80).into_address())?,
        "tcp://[::1]:80"
    );
    for host in ["", "a:1", "a/b", "tcp://a", "[::1]", "a b"] {
        let error = (host, 80).into_address().expect_err(host);
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::InvalidArgument, Outcome::NotExecuted)
        );
        let start = format!("address `({host}, 80)` has ");
        assert!(error.message().starts_with(&start), "{error}");
    }
    Ok(())
}

/// `main` prints an error with `Debug`.
#[test]
fn debug_of_an_error_is_its_text_with_the_causes_and_its_alternate_form_has_the_fields() {
    let cause = Error::internal("the disk is full").with_source(std::io::Error::other("no inodes"));
    let error = Error::unavailable("no stock")
        .with_method("Store.stock")
        .with_source(cause);
    let text = "Store.stock: no stock (unavailable; the call was executed); caused by: the disk is full (internal \
        error); caused by: no inodes";
    assert_eq!(format!("{error:?}"), text);
    let fields = format!("{error:#?}");
    assert!(
        fields.starts_with("Error {\n") && fields.contains("code: Unavailable"),
        "{fields}"
    );
}

#[tokio::test]
async fn a_server_without_a_service_does_not_listen() -> TestResult {
    let error = Server::new()
        .listen("tcp://127.0.0.1:0")
        .await
        .expect_err("it has no service");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    let text = "the server has no service; add one with `Server::service` before it starts (failed precondition)";
    assert_eq!(error.to_string(), text);

    let address = "mem://no_service".parse()?;
    let listener = farcall::transport::bind(&address).await?;
    let error = Server::new().listen_on(listener).expect_err("it has no service");
    assert_eq!(error.to_string(), text);

    let server = Server::new().service_per_connection(|_| GreeterServer::new(English));
    let server = server.listen("mem://no_service").await?;
    assert_eq!(GreeterClient::connect(server.local_addr()).await?.greet().await, Ok(1));
    Ok(())
}
