//! A call goes on if a rule allows it, and otherwise does not.

use farcall::{
    Code, Error, Outcome, Result, Server,
    auth::{Callers, Grant, Rules},
};
use farcall_tests::TestResult;

use crate::{
    callers::channel,
    desk::{Clerk, DeskClient, StockClient},
};

fn denied<T: std::fmt::Debug>(answer: Result<T>, code: Code) {
    let error = answer.expect_err("no rule allows it");
    assert_eq!((error.code(), error.outcome()), (code, Outcome::NotExecuted), "{error}");
}

#[tokio::test]
async fn without_a_rule_nobody_may_do_anything() -> TestResult {
    let clerk = Clerk::default();
    let server = clerk.run(Rules::new())?;
    denied(
        DeskClient::new(channel(&server, &[])).ping().await,
        Code::Unauthenticated,
    );
    denied(
        DeskClient::new(channel(&server, &["uid:0"])).ping().await,
        Code::PermissionDenied,
    );
    assert!(clerk.ran().is_empty());
    Ok(())
}

#[tokio::test]
async fn each_grant_allows_what_it_names() -> TestResult {
    let clerk = Clerk::default();
    let rules = Rules::new()
        .allow("dns:service", Grant::service("Desk"))
        .allow("dns:method", Grant::method("Desk.close"))
        .allow("dns:read", Grant::requirement("stock.read"))
        .allow("dns:eu", Grant::requirement("stock.write").at_instance("eu"))
        .allow("dns:root", Grant::everything());
    let server = clerk.run(rules)?;
    let expected = [
        ("dns:service", vec!["ping"]),
        ("dns:method", vec!["close"]),
        ("dns:read", vec!["count", "count"]),
        ("dns:eu", vec!["put"]),
        ("dns:root", vec!["ping", "close", "count", "put", "count", "put"]),
        ("dns:other", vec![]),
    ];
    for (name, ran) in expected {
        let channel = channel(&server, &[name]);
        let desk = DeskClient::new(channel.clone());
        let (shared, eu) = (
            StockClient::new(channel.clone()),
            StockClient::new(channel.with_instance("eu")),
        );
        let answers = [
            desk.ping().await.map(drop),
            desk.close().await,
            shared.count("a").await.map(drop),
            shared.put("a").await,
            eu.count("a").await.map(drop),
            eu.put("a").await,
        ];
        assert_eq!(clerk.ran(), ran, "{name}");
        assert_eq!(
            answers.iter().filter(|answer| answer.is_ok()).count(),
            ran.len(),
            "{name}"
        );
        for error in answers.into_iter().filter_map(Result::err) {
            denied::<()>(Err(error), Code::PermissionDenied);
        }
    }
    Ok(())
}

#[tokio::test]
async fn any_name_of_the_caller_counts_and_its_kind_too() -> TestResult {
    let clerk = Clerk::default();
    let rules = Rules::new()
        .allow("uri:spiffe://example.org/desk/*", Grant::service("Desk"))
        .allow(Callers::subject("dns:orders"), Grant::service("Desk"));
    let server = clerk.run(rules)?;
    let ping = async |names: &[&str]| DeskClient::new(channel(&server, names)).ping().await;
    assert_eq!(ping(&["dns:x", "uri:spiffe://example.org/desk/7"]).await?, 1);
    denied(ping(&["dns:spiffe://example.org/desk/7"]).await, Code::PermissionDenied);
    // A name of a certificate is not a subject of a token.
    denied(ping(&["dns:orders"]).await, Code::PermissionDenied);
    Ok(())
}

#[tokio::test]
async fn known_callers_and_anyone_are_different() -> TestResult {
    let clerk = Clerk::default();
    let rules = Rules::new()
        .allow(Callers::anyone(), Grant::method("Desk.ping"))
        .allow(Callers::known(), Grant::method("Desk.close"));
    let server = clerk.run(rules)?;
    let stranger = DeskClient::new(channel(&server, &[]));
    assert_eq!(stranger.ping().await?, 1);
    denied(stranger.close().await, Code::Unauthenticated);
    DeskClient::new(channel(&server, &["uid:1"])).close().await?;
    Ok(())
}

#[tokio::test]
async fn a_rule_of_code_sees_metadata_and_allows_nothing_when_it_panics() -> TestResult {
    let clerk = Clerk::default();
    let rules = Rules::new().allow_if(|access| {
        assert!(access.metadata().value("panic").is_none(), "as the test wants");
        access.identity().is_some() && access.metadata().value("tenant") == access.instance()
    });
    let server = clerk.run(rules)?;
    let stock = StockClient::new(channel(&server, &["uid:1"]).with_instance("eu"));
    assert_eq!(stock.clone().with_metadata("tenant", "eu").count("a").await?, 7);
    denied(
        stock.clone().with_metadata("tenant", "us").count("a").await,
        Code::PermissionDenied,
    );
    denied(
        stock.clone().with_metadata("panic", "yes").count("a").await,
        Code::PermissionDenied,
    );
    // The connection lives on.
    assert_eq!(stock.with_metadata("tenant", "eu").count("a").await?, 7);
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_a_rule_stops_the_start() {
    let rules = Rules::new().allow("dns:*", Grant::everything());
    let error: Error = Clerk::default().run(rules).expect_err("the star means too much");
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("`dns:*`"), "{error}");
}

#[tokio::test]
async fn rules_hold_for_the_services_of_a_connection() -> TestResult {
    use crate::desk::DeskServer;
    let clerk = Clerk::default();
    let own = clerk.clone();
    let server = Server::new()
        .service_per_connection(move |_| DeskServer::new(own.clone()))
        .authorize(Rules::new().allow("uid:1", Grant::method("Desk.ping")));
    let server = std::sync::Arc::new(server.start()?);
    let desk = DeskClient::new(channel(&server, &["uid:1"]));
    assert_eq!(desk.ping().await?, 1);
    denied(desk.close().await, Code::PermissionDenied);
    Ok(())
}
