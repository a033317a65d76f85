//! Loads.

use std::error::Error;

use serde_json::Value;

use crate::{
    program::{command, farcall},
    service::{serve, services},
};

type Tested = Result<(), Box<dyn Error>>;

const APPLE: &str = r#"{"sku":"apple"}"#;

#[tokio::test]
async fn a_load_of_calls_in_flight_is_measured() -> Tested {
    let (_server, address) = serve(services()).await?;
    let bench = [
        "bench",
        &address,
        "Inventory.stock",
        APPLE,
        "--count",
        "2000",
        "--connections",
        "2",
    ];
    let said = farcall(bench).await?.good();
    assert!(
        said.starts_with("Inventory.stock: 2000 answers and 0 errors in "),
        "{said}"
    );
    for part in ["min ", "p50 ", "p90 ", "p99 ", "p99.9 ", "max ", "█"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_load_at_a_rate_is_measured_as_json() -> Tested {
    let (_server, address) = serve(services()).await?;
    let bench = [
        "bench",
        &address,
        "Inventory.stock",
        APPLE,
        "--rate",
        "1000",
        "--duration",
        "200ms",
        "--json",
    ];
    let said: Value = serde_json::from_str(&farcall(bench).await?.good())?;
    assert_eq!((&said["answers"], &said["errors"]), (&200.into(), &0.into()));
    let latency = &said["latency_us"];
    assert!(
        latency["p50"].as_f64() > Some(0.0) && latency["p50"].as_f64() <= latency["p99.9"].as_f64(),
        "{said}"
    );
    assert!(said["seconds"].as_f64() >= Some(0.19), "{said}");
    Ok(())
}

#[tokio::test]
async fn errors_are_counted_by_code() -> Tested {
    let (_server, address) = serve(services()).await?;
    let bench = [
        "bench",
        &address,
        "Inventory.stock",
        r#"{"sku":"plum"}"#,
        "--count",
        "20",
    ];
    let ran = farcall(bench).await?;
    assert_eq!((ran.status, &*ran.err), (1, ""), "nothing was answered");
    assert!(
        ran.out.contains("0 answers and 20 errors") && ran.out.contains("20 x not found"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("such as Inventory.stock: no shelf for plum"),
        "{}",
        ran.out
    );
    let (status, text) = farcall(["bench", &address, "test.Numbers.sum"]).await?.bad();
    assert_eq!(status, 2);
    assert!(text.contains("choose a method without"), "{text}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_with_what_was_measured() -> Tested {
    let (server, address) = serve(services()).await?;
    let bench = [
        "bench",
        &address,
        "Inventory.next",
        "--in-flight",
        "4",
        "--duration",
        "1h",
    ];
    let child = command(bench).spawn()?;
    // Calls run, so Ctrl-C is listened to.
    let next = crate::service::InventoryClient::connect(server.local_addr()).await?;
    while next.next().await? < 1000 {
        tokio::task::yield_now().await;
    }
    crate::ping::interrupt(&child).await?;
    let ran = crate::program::ended(child).await?;
    assert!(ran.good().starts_with("Inventory.next: "));
    Ok(())
}
