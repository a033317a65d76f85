//! Where every method can hold a remote failure, a client is one more implementation of the trait.

use std::fmt::Debug;

use farcall::Result;

pub trait Named {
    fn name(&self) -> String;
}

#[farcall::service]
pub trait Counter: Named + Debug + Send + Sync + 'static {
    async fn next(&self, step: u32) -> Result<u32>;
    async fn twice(&self) -> Result<u32> {
        self.next(self.next(1).await?).await
    }
}

#[derive(Debug)]
struct Local;

impl Named for Local {
    fn name(&self) -> String {
        "local".to_owned()
    }
}

impl Counter for Local {
    async fn next(&self, step: u32) -> Result<u32> {
        Ok(step + 1)
    }
}

impl Named for CounterClient {
    fn name(&self) -> String {
        "remote".to_owned()
    }
}

async fn described(counter: impl Counter) -> Result<String> {
    let next = tokio::spawn({
        let counter = std::sync::Arc::new(counter);
        async move { Ok::<_, farcall::Error>(format!("{} {}", counter.name(), counter.twice().await?)) }
    });
    next.await.expect("the task does not panic")
}

#[tokio::test]
async fn local_and_remote_are_called_alike() -> Result<()> {
    assert_eq!(described(Local).await?, "local 3");
    assert_eq!(described(CounterClient::loopback(Local)).await?, "remote 3");
    Ok(())
}

pub trait Unimplemented {}

/// No client implements the supertrait, which is not a mistake as long as no code needs it.
#[farcall::service]
pub trait Demanding: Unimplemented {
    async fn next(&self) -> Result<u32>;
}

impl Unimplemented for Local {}

impl Demanding for Local {
    async fn next(&self) -> Result<u32> {
        Ok(1)
    }
}

#[tokio::test]
async fn a_supertrait_that_the_client_lacks() -> Result<()> {
    assert_eq!(DemandingClient::loopback(Local).next().await?, 1);
    Ok(())
}

#[farcall::service]
pub trait Blocking {
    fn next(&self, step: u32) -> Result<u32>;
}

impl Blocking for Local {
    fn next(&self, step: u32) -> Result<u32> {
        Ok(step + 1)
    }
}

fn twice(counter: &impl Blocking) -> Result<u32> {
    counter.next(counter.next(1)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_client_implements_a_trait_without_async() -> Result<()> {
    assert_eq!(twice(&Local)?, 3);
    let client = BlockingBlockingClient::new(farcall::Channel::loopback(BlockingServer::new(Local)));
    let remote = tokio::task::spawn_blocking(move || twice(&client)).await;
    assert_eq!(remote.expect("the task does not panic")?, 3);
    Ok(())
}
