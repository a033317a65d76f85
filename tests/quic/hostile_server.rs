//! A server may write anything on any stream: the calls on its connection fail, and say why.

use std::time::Duration;

use farcall::{Channel, Code, Limits, Outcome};
use farcall_tests::{
    TestResult, assert_fails, certificates,
    probe::{ProbeClient, ends},
    raw::{self as wire, REPLY, frame, header},
};
use quinn::Connection;

use crate::raw::{lane, lane_of_call, listen};

/// A client whose call meets `attack` fails as lost, with the reason.
async fn fails<F: Future<Output = TestResult>>(attack: impl FnOnce(Connection) -> F, why: &str) -> TestResult {
    let endpoint = listen(b"farcall")?;
    let address = format!("quic://{}", endpoint.local_addr()?);
    let serving = async {
        let incoming = endpoint.accept().await.ok_or("the endpoint is open")?;
        let connection = incoming.await?;
        let mut heard = connection.accept_uni().await?;
        let mut hello = vec![0; 4 + wire::client_hello().len()];
        heard.read_exact(&mut hello).await?;
        let _control = lane(&connection, 0, &wire::server_hello()).await?;
        // The call.
        let _call = connection.accept_uni().await?;
        attack(connection.clone()).await?;
        connection.closed().await;
        TestResult::Ok(())
    };
    let calling = async {
        let channel = Channel::builder().tls(certificates::client());
        let client = ProbeClient::new(channel.connect(address.as_str()).await?);
        let failed = client.add(1, 2).await;
        assert_fails(failed, Code::Unavailable, Outcome::Unknown, &[why, &address]);
        TestResult::Ok(())
    };
    let (served, called) = ends("the call", async { tokio::join!(serving, calling) }).await;
    called.and(served)
}

#[tokio::test]
async fn what_breaks_the_rules_of_lanes_fails_the_calls() -> TestResult {
    let attacks: Vec<(u32, Vec<u8>, &str)> = vec![
        (0, vec![], "a lane that there is already"),
        (u32::MAX - 1, vec![], "a lane above the limit"),
        (
            lane_of_call(0),
            frame(REPLY, 1, &[]),
            "a frame on the lane of another call",
        ),
        (lane_of_call(0), header(REPLY, 0, 65_537), "a frame above the limit"),
    ];
    for (number, bytes, why) in attacks {
        let attack = async |connection: Connection| {
            let mut lane = lane(&connection, number, &bytes).await?;
            // It is dropped here and must not end as if nothing was wrong with it.
            let _ = lane.set_priority(0);
            connection.closed().await;
            drop(lane.finish());
            Ok(())
        };
        fails(attack, why).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_closed_within_a_frame_fails_its_call() -> TestResult {
    let attack = async |connection: Connection| {
        let _lane = lane(&connection, lane_of_call(0), &header(REPLY, 0, 100)).await?;
        connection.close(7_u32.into(), b"enough");
        Ok(())
    };
    fails(attack, "the peer closed it: enough").await
}

/// A server that finishes the handshake and says nothing.
#[tokio::test]
async fn a_server_that_says_no_hello_is_given_up() -> TestResult {
    let endpoint = listen(b"farcall")?;
    let address = format!("quic://{}", endpoint.local_addr()?);
    let serving = async {
        let incoming = endpoint.accept().await.ok_or("the endpoint is open")?;
        let connection = incoming.await?;
        connection.closed().await;
        TestResult::Ok(())
    };
    let limits = Limits::default().handshake_timeout(Duration::from_millis(200));
    let connecting = Channel::builder().tls(certificates::client()).limits(limits);
    let (served, connected) = ends("connecting", async {
        tokio::join!(serving, connecting.connect(address.as_str()))
    })
    .await;
    let error = connected.expect_err("there was no hello");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unavailable, Outcome::NotExecuted),
        "{error}"
    );
    served
}
