//! From a token to whom it speaks for.

use std::pin::Pin;

use super::{BearerToken, Principal};
use crate::Error;

/// The future of [`VerifyToken::verify`].
pub type Verifying = Pin<Box<dyn Future<Output = Result<Principal, Error>> + Send>>;

/// Finds out whom a token speaks for. An async closure does; it is cloned for each token, with what it holds.
pub trait VerifyToken: Send + Sync + 'static {
    /// Verifies a token. The future is dropped with the call that has brought the token.
    ///
    /// # Errors
    /// [`Unavailable`](crate::Code::Unavailable) if it could not find out; all other errors mean that the token is not
    /// good. The text is for the log of the server, where the token is cut out of it; callers do not get it.
    fn verify(&self, token: BearerToken) -> Verifying;
}

impl<F, V> VerifyToken for F
where
    F: FnOnce(BearerToken) -> V + Clone + Send + Sync + 'static,
    V: Future<Output = Result<Principal, Error>> + Send + 'static,
{
    fn verify(&self, token: BearerToken) -> Verifying {
        let verify = self.clone();
        Box::pin(async move { verify(token).await })
    }
}
