//! Where a client's tokens come from.

use std::pin::Pin;

use super::BearerToken;
use crate::Error;

/// The future of [`TokenSource::fetch`].
pub type Fetching = Pin<Box<dyn Future<Output = Result<BearerToken, Error>> + Send>>;

/// Where a client's tokens come from. An async closure is one, which is cloned for each token with what it holds; so is
/// a [`BearerToken`] that stays the same.
pub trait TokenSource: Send + Sync + 'static {
    /// Gets a new token. The future is polled by a call that needs the token, and dropped with it.
    ///
    /// # Errors
    /// They are those of the calls that wait for the token.
    fn fetch(&self) -> Fetching;
}

impl<F, T> TokenSource for F
where
    F: FnOnce() -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Result<BearerToken, Error>> + Send + 'static,
{
    fn fetch(&self) -> Fetching {
        let fetch = self.clone();
        Box::pin(async move { fetch().await })
    }
}

impl TokenSource for BearerToken {
    fn fetch(&self) -> Fetching {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}
