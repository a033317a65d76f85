//! Calls: arguments, results, failures, and exit statuses.

use std::error::Error;

use farcall::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    program::{farcall, fed},
    service::{serve, services, warehouse},
};

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn a_call_takes_json_and_prints_json() -> Tested {
    let (_server, address) = serve(services()).await?;
    let apple = r#"{"sku":"apple"}"#;
    assert_eq!(
        farcall(["call", &address, "Inventory.stock", apple]).await?.good(),
        "7\n"
    );
    assert_eq!(
        farcall(["call", &address, "Inventory.stock", r#"["apple"]"#])
            .await?
            .good(),
        "7\n"
    );
    let order = concat!(
        r#"{"number":1,"items":[{"kind":"Fruit","count":2},{"kind":{"Tool":{"weight":0.1}},"count":1},"#,
        r#"{"kind":{"Gift":{"kind":{"Pair":[3,"x"]},"count":4}},"count":5}],"note":null}"#,
    );
    let said = farcall(["call", &address, "Inventory.order", &format!(r#"{{"order":{order}}}"#)]).await?;
    assert_eq!(said.good().trim_end(), order);
    Ok(())
}

#[tokio::test]
async fn every_format_carries_the_same() -> Tested {
    let (_server, address) = serve(services()).await?;
    for format in farcall::codec::Format::ALL {
        let format = format.to_string();
        let said = farcall([
            "call",
            &address,
            "Inventory.stock",
            r#"{"sku":"apple"}"#,
            "--format",
            &format,
        ])
        .await?;
        assert_eq!(said.good(), "7\n", "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn a_result_that_is_no_result_is_read_as_it_is() -> Tested {
    let (_server, address) = serve(services()).await?;
    assert_eq!(
        farcall(["call", &address, "Inventory.version"]).await?.good(),
        "\"1.2\"\n"
    );
    assert_eq!(farcall(["call", &address, "test.Numbers.watched"]).await?.good(), "9\n");
    let lazy = farcall(["call", &address, "test.Numbers.lazy"]).await?.good();
    assert_eq!(
        lazy,
        "{\"kind\":\"Fruit\",\"count\":1}\n{\"kind\":\"Fruit\",\"count\":2}\n"
    );
    Ok(())
}

#[tokio::test]
async fn objects_are_addresses_or_stay_where_they_are() -> Tested {
    let (_server, address) = serve(services()).await?;
    for format in farcall::codec::Format::ALL {
        let format = format.to_string();
        let at = format!(r#"{{"at":"{address}/eu"}}"#);
        let said = farcall(["call", &address, "test.Numbers.apples", &at, "--format", &format]).await?;
        assert_eq!(said.good(), "7\n", "{format}");
        let said = farcall(["call", &address, "test.Numbers.warehouses", "--format", &format]).await?;
        assert_eq!(
            said.good(),
            "[\"(object 0 of Inventory)\",\"tcp://127.0.0.1:9\"]\n",
            "{format}"
        );
        let said = farcall(["call", &address, "test.Numbers.parts", "--format", &format]).await?;
        assert_eq!(said.good(), "[1,\"(a stream)\"]\n", "{format}");
    }
    let wrong = farcall(["call", &address, "test.Numbers.apples", r#"{"at":"there"}"#]).await?;
    let (status, text) = wrong.bad();
    assert_eq!(status, 2);
    assert!(
        text.starts_with("error: at: address `there` has no scheme; write `tcp://host:port`"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn arguments_come_from_standard_input() -> Tested {
    let (_server, address) = serve(services()).await?;
    let said = fed(
        ["call", &address, "Inventory.stock", "-"],
        "{\n  \"sku\": \"apple\"\n}\n",
    )
    .await?;
    assert_eq!(said.good(), "7\n");
    let (status, text) = fed(["call", &address, "Inventory.stock", "-"], "apple").await?.bad();
    assert_eq!(status, 2);
    assert!(text.starts_with("error: standard input: no JSON: "), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_failed_call_ends_with_ten_and_its_code() -> Tested {
    let (_server, address) = serve(services()).await?;
    let (status, text) = farcall(["call", &address, "Inventory.stock", r#"{"sku":"plum"}"#])
        .await?
        .bad();
    assert_eq!(
        (status, &*text),
        (
            15,
            "error: Inventory.stock: no shelf for plum (not found; the call was executed)\n"
        )
    );
    let (status, text) = farcall(["call", &address, "Inventory.slow", "--timeout", "50ms"])
        .await?
        .bad();
    assert_eq!(status, 14);
    assert!(text.ends_with("hint: `--timeout` gives it more time\n"), "{text}");
    let (status, text) = farcall(["call", "tcp://127.0.0.1:1", "Inventory.slow"]).await?.bad();
    assert_eq!(status, 24);
    assert!(text.contains("is the server running"), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_services_own_is_printed_as_json() -> Tested {
    let (_server, address) = serve(services()).await?;
    let (status, text) = farcall(["call", &address, "Inventory.take", r#"{"sku":"plum"}"#])
        .await?
        .bad();
    assert_eq!(
        (status, &*text),
        (
            1,
            "error: the method returned an error of its own: {\"SoldOut\":{\"sku\":\"plum\"}}\n"
        )
    );
    let taken = farcall(["call", &address, "Inventory.take", r#"{"sku":"plum","count":3}"#]).await?;
    assert_eq!(taken.good(), "3\n");
    Ok(())
}

#[tokio::test]
async fn metadata_and_instances_reach_the_server() -> Tested {
    let (_server, address) = serve(services()).await?;
    let said = farcall(["call", &address, "Inventory.token", "-m", "token=let me in"]).await?;
    assert_eq!(said.good(), "\"let me in\"\n");
    let eu = format!("{address}/eu");
    assert_eq!(farcall(["call", &eu, "Inventory.token"]).await?.good(), "null\n");
    let said = farcall(["call", &address, "Inventory.token", "--instance", "eu"]).await?;
    assert_eq!(said.good(), "null\n");
    let (status, text) = farcall(["call", &address, "Inventory.token", "--instance", "us"])
        .await?
        .bad();
    assert_eq!(status, 15);
    assert!(text.contains("it has: Inventory, Inventory (instance `eu`)"), "{text}");
    let (status, text) = farcall(["call", &address, "Inventory.token", "-m", "Upper Case=1"])
        .await?
        .bad();
    assert_eq!(status, 2);
    assert!(text.starts_with("error: --metadata: write KEY=VALUE"), "{text}");
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_does() -> Tested {
    let (_server, address) = serve(services()).await?;
    let (status, text) = farcall(["call", &address, "Inventory.stok"]).await?.bad();
    assert_eq!(
        (status, &*text),
        (
            2,
            "error: `Inventory` has no method `stok`; it has: stock, order, take, odd, token, slow, loose, version, \
             next\n"
        )
    );
    let (status, text) = farcall(["call", &address, "Inventry.stock"]).await?.bad();
    assert_eq!(status, 15);
    assert!(
        text.contains("the server does not offer `Inventry`; it has: Inventory"),
        "{text}"
    );
    let (status, text) = farcall(["call", &address, "stock"]).await?.bad();
    assert_eq!(status, 2);
    assert!(text.contains("write SERVICE.METHOD"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_server_without_reflection_needs_a_contract() -> Tested {
    let (_server, address) = serve(Server::new().service(warehouse())).await?;
    let (status, text) = farcall(["call", &address, "Inventory.stock", r#"{"sku":"apple"}"#])
        .await?
        .bad();
    assert_eq!(status, 22);
    assert!(
        text.contains("start it with `Server::reflection`") && text.contains("--contract FILE"),
        "{text}"
    );
    // What is missing is no advice.
    assert!(!text.contains("farcall ls"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_port_of_another_protocol_is_told_and_contracts_are_not_blamed() -> Tested {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp://{}", listener.local_addr()?);
    let answers = async {
        let (mut stranger, _) = listener.accept().await?;
        stranger.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        // Until the program has closed it: what was not read would take the answer away.
        stranger.read_to_end(&mut Vec::new()).await
    };
    let (answered, program) = tokio::join!(answers, farcall(["ls", &address]));
    answered?;
    let (status, text) = program?.bad();
    assert_eq!(status, 19);
    assert!(
        text.contains("speaks HTTP") && !text.contains("contract file"),
        "{text}"
    );
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_and_datagrams_are_addresses_as_well() -> Tested {
    let directory = tempfile::tempdir()?;
    let server = services().start()?;
    let socket = directory.path().join("farcall.sock");
    for address in [format!("unix://{}", socket.display()), "udp://127.0.0.1:0".to_owned()] {
        server.listen(&*address).await?;
        // The datagrams' port is chosen by the system.
        let address = server.local_addrs().last().ok_or("it listens")?.to_string();
        let said = farcall(["call", &address, "Inventory.stock", r#"{"sku":"apple"}"#]).await?;
        assert_eq!(said.good(), "7\n", "{address}");
    }
    Ok(())
}
