//! Reflection tells a caller of what it may call.

use std::sync::Arc;

use farcall::{
    Code,
    auth::{Grant, Rules},
    contract::MethodContract,
    reflection::ReflectionClient,
};
use farcall_tests::TestResult;

use crate::{callers::channel, desk::Clerk};

#[tokio::test]
async fn reflection_tells_only_of_what_the_caller_may_call() -> TestResult {
    let rules = Rules::new()
        .allow("uid:1", Grant::service("farcall.Reflection"))
        .allow("uid:1", Grant::requirement("stock.read").at_instance("eu"))
        .allow("uid:2", Grant::service("Desk"))
        .allow("uid:3", Grant::everything());
    let server = Arc::new(Clerk::default().server().reflection().authorize(rules).start()?);
    let client = |name: &str| ReflectionClient::new(channel(&server, &[name]));

    let offered = client("uid:1").services().await?;
    let shown = offered
        .iter()
        .map(|offered| (&*offered.service, offered.instance.as_deref(), offered.methods));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [("Stock", Some("eu"), 1), ("farcall.Reflection", None, 2)]
    );
    let told = client("uid:1").describe("Stock", Some("eu")).await?;
    assert_eq!(
        told.contract
            .methods()
            .iter()
            .map(MethodContract::name)
            .collect::<Vec<_>>(),
        ["count"]
    );
    // What it may not call, and what there is not, are the same to it.
    let forbidden = client("uid:1")
        .describe("Stock", None)
        .await
        .expect_err("it may not call that");
    let missing = client("uid:1")
        .describe("Stick", None)
        .await
        .expect_err("there is none");
    assert_eq!(forbidden.message().replace("Stock`", "Stick`"), missing.message());
    assert!(!missing.message().contains("Desk"), "{missing}");

    let error = client("uid:2").services().await.expect_err("it may not ask");
    assert_eq!(error.code(), Code::PermissionDenied);
    assert_eq!(client("uid:3").services().await?.len(), 4);
    Ok(())
}
