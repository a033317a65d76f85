//! Bearer tokens: from the client's source to what the server makes of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Code, Error, Outcome, RunningServer,
    auth::{BearerToken, Callers, Grant, Principal, Rules},
};
use farcall_tests::TestResult;
use futures::{FutureExt, future::join_all};
use tokio::sync::{Notify, watch};

use crate::{
    callers::channel_with,
    desk::{Clerk, DeskClient, StockClient},
};

/// Makes tokens `t1`, `t2`, …, and lets a test hold it back.
#[derive(Clone)]
struct Issuer {
    made: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
    asked: Arc<Notify>,
    life: Duration,
    fails: Arc<AtomicUsize>,
}

impl Issuer {
    fn new(life: Duration) -> Self {
        Self {
            made: Arc::default(),
            open: watch::Sender::new(true),
            asked: Arc::default(),
            life,
            fails: Arc::default(),
        }
    }

    async fn token(self) -> farcall::Result<BearerToken> {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        self.asked.notify_one();
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.expect("the issuer lives");
        let failing = self
            .fails
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() {
            return Err(Error::unavailable("the issuer does not answer"));
        }
        Ok(BearerToken::new(format!("t{number}")).valid_for(self.life))
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    fn desk(&self, server: &Arc<RunningServer>) -> DeskClient {
        let issuer = self.clone();
        let builder = Channel::builder().bearer(move || issuer.token());
        DeskClient::new(channel_with(builder, server, &[]))
    }
}

/// A server that takes every token whose number is at least `least`, and how often it verified one.
fn server(clerk: &Clerk, least: &Arc<AtomicUsize>) -> farcall::Result<(Arc<RunningServer>, Arc<AtomicUsize>)> {
    let verified = Arc::<AtomicUsize>::default();
    let (least, counted) = (Arc::clone(least), Arc::clone(&verified));
    let server = clerk.server().verify_tokens(async move |token: BearerToken| {
        counted.fetch_add(1, Ordering::SeqCst);
        let number: Option<usize> = token.secret().strip_prefix('t').and_then(|text| text.parse().ok());
        match number {
            Some(number) if number >= least.load(Ordering::SeqCst) => Ok(Principal::new(token.secret())
                .scopes(["desk.close", "stock.read"])
                .with_claims(number)),
            _ => Err(Error::unauthenticated("an old token")),
        }
    });
    let rules = Rules::new()
        .allow(Callers::known(), Grant::scopes())
        .allow(Callers::known(), Grant::service("Desk"));
    Ok((Arc::new(server.authorize(rules).start()?), verified))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_verified_once_a_minute() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let (server, verified) = server(&clerk, &Arc::default())?;
    let desk = issuer.desk(&server);
    for _ in 0..10 {
        assert_eq!(desk.subject().await?.as_deref(), Some("t1"));
    }
    assert_eq!((issuer.made(), verified.load(Ordering::SeqCst)), (1, 1));
    tokio::time::advance(Duration::from_secs(61)).await;
    desk.close().await?;
    assert_eq!((issuer.made(), verified.load(Ordering::SeqCst)), (1, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn scopes_decide_what_a_token_is_good_for() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let (server, _) = server(&clerk, &Arc::default())?;
    let source = issuer.clone();
    let builder = Channel::builder().bearer(move || source.token());
    let stock = StockClient::new(channel_with(builder, &server, &[]));
    assert_eq!(stock.count("a").await?, 7);
    let error = stock.put("a").await.expect_err("the token lacks the scope");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::PermissionDenied, Outcome::NotExecuted)
    );
    assert_eq!(
        issuer.made(),
        1,
        "a right that is missing is no reason for another token"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_call_fetches_the_token_and_the_others_wait_for_it() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let (server, _) = server(&clerk, &Arc::default())?;
    let desk = issuer.desk(&server);
    issuer.open.send_replace(false);
    let calls = tokio::spawn(join_all((0..20).map(|_| desk.ping())));
    issuer.asked.notified().await;
    issuer.open.send_replace(true);
    for answer in calls.await? {
        assert_eq!(answer?, 1);
    }
    assert_eq!(issuer.made(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_fetch_is_that_of_all_who_waited_and_the_next_call_tries_again() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let (server, _) = server(&clerk, &Arc::default())?;
    let desk = issuer.desk(&server);
    issuer.fails.store(1, Ordering::SeqCst);
    issuer.open.send_replace(false);
    let calls = tokio::spawn(join_all((0..20).map(|_| desk.ping())));
    issuer.asked.notified().await;
    issuer.open.send_replace(true);
    for answer in calls.await? {
        let error = answer.expect_err("there is no token");
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::Unavailable, Outcome::NotExecuted)
        );
    }
    assert_eq!(issuer.made(), 1);
    assert_eq!(desk.ping().await?, 1);
    assert_eq!((issuer.made(), clerk.ran()), (2, vec!["ping"]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_soon_is_renewed_while_others_use_it() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(100)));
    let (server, _) = server(&clerk, &Arc::default())?;
    let desk = issuer.desk(&server);
    assert_eq!(desk.subject().await?.as_deref(), Some("t1"));
    tokio::time::advance(Duration::from_secs(79)).await;
    assert_eq!((desk.subject().await?.as_deref(), issuer.made()), (Some("t1"), 1));
    tokio::time::advance(Duration::from_secs(2)).await;
    issuer.open.send_replace(false);
    let renewing = tokio::spawn({
        let desk = desk.clone();
        async move { desk.subject().await }
    });
    issuer.asked.notified().await;
    issuer.asked.notified().await;
    assert_eq!((desk.subject().await?.as_deref(), issuer.made()), (Some("t1"), 2));
    issuer.open.send_replace(true);
    assert_eq!(renewing.await??.as_deref(), Some("t2"));
    assert_eq!(desk.subject().await?.as_deref(), Some("t2"));
    // The issuer fails: the token that is still good goes on.
    tokio::time::advance(Duration::from_secs(85)).await;
    issuer.fails.store(1, Ordering::SeqCst);
    assert_eq!((desk.subject().await?.as_deref(), issuer.made()), (Some("t2"), 3));
    assert_eq!((desk.subject().await?.as_deref(), issuer.made()), (Some("t2"), 3));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!((desk.subject().await?.as_deref(), issuer.made()), (Some("t4"), 4));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_fetches_leaves_the_turn_to_the_next() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let (server, _) = server(&clerk, &Arc::default())?;
    let desk = issuer.desk(&server);
    issuer.open.send_replace(false);
    let mut dropped = desk.ping().boxed();
    assert!(futures::poll!(&mut dropped).is_pending());
    issuer.asked.notified().await;
    let waiting = tokio::spawn({
        let desk = desk.clone();
        async move { desk.ping().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(issuer.made(), 1);
    drop(dropped);
    issuer.asked.notified().await;
    issuer.open.send_replace(true);
    assert_eq!(waiting.await??, 1);
    assert_eq!(issuer.made(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once() -> TestResult {
    let (clerk, issuer) = (Clerk::default(), Issuer::new(Duration::from_secs(3600)));
    let least = Arc::new(AtomicUsize::new(0));
    let (server, _) = server(&clerk, &least)?;
    let desk = issuer.desk(&server);
    assert_eq!(desk.subject().await?.as_deref(), Some("t1"));
    // The server forgets what it has verified, and from now on wants the second token.
    least.store(2, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(desk.subject().await?.as_deref(), Some("t2"));
    assert_eq!(clerk.ran(), ["subject", "subject"], "the refused attempt did not run");
    // No token is good any more: one more attempt, and no further one.
    least.store(100, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(61)).await;
    let error = desk.subject().await.expect_err("no token is good");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::Unauthenticated, Outcome::NotExecuted)
    );
    assert_eq!(issuer.made(), 3);
    Ok(())
}

#[tokio::test]
async fn a_token_is_not_sent_where_others_can_read_it() -> TestResult {
    let token = || Channel::builder().bearer(BearerToken::new("t1"));
    for address in [
        "tcp://192.0.2.1:1",
        "udp://192.0.2.1:1",
        "tcp://localhost:1",
        "tcp://stock.example:1",
    ] {
        let error = token().connect_lazily(address).expect_err("it can be read there");
        assert_eq!((error.code(), error.is_retryable()), (Code::FailedPrecondition, false));
        assert!(error.message().contains("allow_unencrypted_bearer"), "{error}");
        token().allow_unencrypted_bearer().connect_lazily(address)?;
    }
    for address in [
        "tcp://127.0.0.1:1",
        "udp://[::1]:1",
        "tcp://[::ffff:127.0.0.1]:1",
        "mem://somewhere",
    ] {
        token().connect_lazily(address)?;
    }
    #[cfg(unix)]
    token().connect_lazily("unix:///tmp/socket")?;
    Ok(())
}

#[tokio::test]
async fn a_transport_of_your_own_is_not_trusted_with_a_token() -> TestResult {
    #[derive(Debug)]
    struct Nowhere(farcall::Address);
    impl farcall::transport::Connector for Nowhere {
        fn connect(&self) -> farcall::transport::Connecting<'_> {
            unreachable!("no connection is made for a call that is refused")
        }

        fn address(&self) -> &farcall::Address {
            &self.0
        }
    }
    let nowhere = Arc::new(Nowhere(farcall::Address::custom("serial://")));
    let channel = Channel::builder().bearer(BearerToken::new("t1")).connector(nowhere);
    let error = DeskClient::new(channel).ping().await.expect_err("it could be read");
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::FailedPrecondition, Outcome::NotExecuted)
    );
    Ok(())
}

#[tokio::test]
async fn two_tokens_in_one_call_are_refused() -> TestResult {
    let clerk = Clerk::default();
    let (server, _) = server(&clerk, &Arc::default())?;
    let desk = DeskClient::new(channel_with(Channel::builder(), &server, &[]));
    let desk = desk.with_metadata("authorization", "Bearer t1");
    assert_eq!(desk.ping().await?, 1);
    let error = desk.with_metadata("authorization", "Bearer t2").ping().await;
    assert_eq!(error.expect_err("which one?").code(), Code::Unauthenticated);
    Ok(())
}
