//! Tokens that the program knows.

use std::sync::Arc;

use farcall::{
    Channel, Code,
    auth::{BearerToken, Callers, Grant, Principal, Rules, StaticTokens},
};
use farcall_tests::TestResult;

use crate::{
    callers::channel_with,
    desk::{Clerk, DeskClient},
};

#[tokio::test]
async fn a_static_token_is_good_if_it_is_equal() -> TestResult {
    let tokens = StaticTokens::new()
        .token("engine", Principal::new("ada"))
        .token("", Principal::new("nobody"))
        .token("difference", Principal::new("charles"));
    assert!(!format!("{tokens:?}").contains("engine"));
    let rules = Rules::new().allow(Callers::subject("ada"), Grant::service("Desk"));
    let server = Arc::new(
        Clerk::default()
            .server()
            .verify_tokens(tokens)
            .authorize(rules)
            .start()?,
    );
    let ping = async |token: &'static str| {
        let builder = Channel::builder().bearer(BearerToken::new(token));
        let answer = DeskClient::new(channel_with(builder, &server, &[])).ping().await;
        answer.map_err(|error| error.code())
    };
    assert_eq!(ping("engine").await, Ok(1));
    assert_eq!(ping("difference").await, Err(Code::PermissionDenied));
    for token in ["engin", "engine2", "Engine", ""] {
        assert_eq!(ping(token).await, Err(Code::Unauthenticated), "{token}");
    }
    Ok(())
}
