//! Who may not call learns nothing: not even whether there is something to call.

use std::{collections::BTreeSet, sync::Arc};

use farcall::{
    Code, Error, Server,
    auth::{BearerToken, Callers, Grant, Principal, Rules},
    service::method_id,
};
use farcall_tests::{
    TestResult,
    raw::{self, FAILURE, REQUEST},
};

use crate::{
    callers,
    desk::{Clerk, DeskClient, DeskServer, Sealed, StockServer},
};

const HAS_INSTANCE: u8 = 2;
const HAS_METADATA: u8 = 4;
const HAS_CLAIM: u8 = 16;

/// A call by hand, whose arguments and claim fit no method.
fn call(number: u32, service: &str, method: &str, instance: Option<&str>, token: &str) -> Vec<u8> {
    let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
    let flags = HAS_CLAIM | flag(instance.is_some(), HAS_INSTANCE) | flag(!token.is_empty(), HAS_METADATA);
    let mut head = method_id(service, method).to_le_bytes().to_vec();
    head.push(flags);
    if let Some(name) = instance {
        // FNV-1a, by which instances are named on the wire.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        head.extend(hash.to_le_bytes());
    }
    head.extend([0xAB; 16]);
    if !token.is_empty() {
        let value = format!("Bearer {token}");
        let mut block = vec![13];
        block.extend(b"authorization");
        block.extend((value.len() as u32).to_le_bytes());
        block.extend(value.as_bytes());
        head.extend((block.len() as u32).to_le_bytes());
        head.extend(block);
    }
    head.extend([0xFF; 9]);
    raw::frame(REQUEST, number, &head)
}

/// What there is, and what there is not.
const ASKED: [(&str, &str, Option<&str>); 8] = [
    ("Stock", "count", None),
    ("Stock", "put", None),
    ("Stock", "count", Some("eu")),
    ("Desk", "close", None),
    ("Stock", "nothing", None),
    ("Nothing", "count", None),
    ("Stock", "count", Some("nowhere")),
    ("Desk", "close", Some("eu")),
];

/// A server that knows one token, and lets somebody do almost nothing.
fn server(clerk: &Clerk) -> Server {
    Server::new()
        .service(Sealed(StockServer::new(clerk.clone()), clerk.clone()))
        .named_service("eu", Sealed(StockServer::new(clerk.clone()), clerk.clone()))
        .service(Sealed(DeskServer::new(clerk.clone()), clerk.clone()))
        .verify_tokens(async |token: BearerToken| match token.secret() {
            "good" => Ok(Principal::new("ada").scopes(["desk.read"])),
            "later" => Err(Error::unavailable("the issuer does not answer")),
            _ => Err(Error::unauthenticated("unknown")),
        })
        .authorize(
            Rules::new()
                .allow(Callers::anyone(), Grant::method("Desk.ping"))
                .allow("uid:2", Grant::service("Stock")),
        )
}

#[tokio::test]
async fn what_is_forbidden_and_what_does_not_exist_are_the_same_bytes() -> TestResult {
    let clerk = Clerk::default();
    let server = server(&clerk).start()?;
    let cases = [
        (&[][..], "", Code::Unauthenticated),
        (&["uid:1"], "", Code::PermissionDenied),
        // It may call something of the service, if there was anything that requires nothing.
        (&["uid:2"], "", Code::PermissionDenied),
        (&[], "good", Code::PermissionDenied),
        (&[], "bad", Code::Unauthenticated),
        (&["uid:1"], "bad", Code::Unauthenticated),
        (&[], "later", Code::Unavailable),
    ];
    for (names, token, code) in cases {
        let mut peer = callers::raw(&server, names).await?;
        let mut answers = BTreeSet::new();
        // Twice: the second time, the connection knows the token.
        for _ in 0..2 {
            for (service, method, instance) in ASKED {
                peer.send(&call(0, service, method, instance, token)).await?;
                let frame = peer.next().await?;
                assert_eq!(frame.kind, FAILURE, "{service}.{method} for {names:?}");
                answers.insert(frame.payload);
            }
        }
        let answers: Vec<_> = answers.into_iter().collect();
        assert_eq!(answers.len(), 1, "{names:?} {token}: {answers:?}");
        assert_eq!(answers[0][0], code as u8, "{names:?} {token}");
        let text = String::from_utf8_lossy(&answers[0]);
        for name in ["Stock", "Desk", "count", "eu", "good", "bad"] {
            assert!(
                !text.contains(&format!("`{name}")) && !text.contains("it has"),
                "{text}"
            );
        }
    }
    assert!(clerk.ran().is_empty(), "no argument was looked at");
    Ok(())
}

#[tokio::test]
async fn who_may_call_everything_gets_the_usual_help() -> TestResult {
    let clerk = Clerk::default();
    let server = clerk.run(Rules::new().allow("uid:0", Grant::everything()))?;
    let mut peer = callers::raw(&server, &["uid:0"]).await?;
    peer.send(&call(0, "Stock", "nothing", None, "")).await?;
    let frame = peer.next().await?;
    assert_eq!(frame.payload[0], Code::Unimplemented as u8);
    assert!(frame.text().contains("it has: count, put"), "{}", frame.text());
    Ok(())
}

#[tokio::test]
async fn layers_see_no_call_that_is_refused() -> TestResult {
    let clerk = Clerk::default();
    let seen = Clerk::default();
    let notes = seen.clone();
    let server = server(&clerk).intercept(async move |request, next| {
        notes.note("layer");
        next.run(request).await
    });
    let server = Arc::new(server.start()?);
    for token in ["", "good"] {
        let mut peer = callers::raw(&server, &["uid:1"]).await?;
        for (service, method, instance) in ASKED {
            peer.send(&call(0, service, method, instance, token)).await?;
            let frame = peer.next().await?;
            assert_eq!(frame.payload[0], Code::PermissionDenied as u8, "{}", frame.text());
        }
    }
    assert!(clerk.ran().is_empty() && seen.ran().is_empty());
    assert_eq!(DeskClient::new(callers::channel(&server, &[])).ping().await?, 1);
    assert_eq!(seen.ran(), ["layer"]);
    Ok(())
}
