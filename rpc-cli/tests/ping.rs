//! Round trips.

use std::error::Error;

use farcall::Server;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    program::{command, farcall},
    service::{serve, warehouse},
};

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn round_trips_are_counted_and_summed_up() -> Tested {
    let server = Server::new()
        .service(warehouse())
        .intercept(async |_, _| Err(farcall::Error::unauthenticated("who are you?")));
    let (_server, address) = serve(server).await?;
    let said = farcall(["ping", &address, "--count", "3", "--interval", "1ms"])
        .await?
        .good();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("PING {address}"));
    assert!(
        lines[1].starts_with(&format!("answer from {address}: seq=0 time=")),
        "{said}"
    );
    assert!(
        lines[6].starts_with("3 calls sent, 3 answered, 0% lost, time "),
        "{said}"
    );
    assert!(lines[7].starts_with("rtt min/avg/max/mdev = "), "{said}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_with_the_summary() -> Tested {
    let (_server, address) = serve(Server::new().service(warehouse())).await?;
    let mut child = command(["ping", &address, "--interval", "1ms"]).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    for _ in 0..3 {
        lines.next_line().await?;
    }
    interrupt(&child).await?;
    let mut rest = String::new();
    while let Some(line) = lines.next_line().await? {
        rest = line;
    }
    assert!(rest.starts_with("rtt min/avg/max/mdev = "), "{rest}");
    assert_eq!(child.wait().await?.code(), Some(0));
    Ok(())
}

/// What Ctrl-C does.
#[cfg(unix)]
pub(crate) async fn interrupt(child: &tokio::process::Child) -> Result<(), Box<dyn Error>> {
    let id = child.id().ok_or("it runs")?.to_string();
    let sent = tokio::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .await?;
    assert!(sent.success());
    Ok(())
}
