//! Tokens that the program knows.

use std::fmt;

use subtle::ConstantTimeEq;

use super::{BearerToken, Principal, VerifyToken, Verifying};
use crate::Error;

/// Tokens that the program knows: a [verifier](crate::Server::verify_tokens) for a few callers with long random tokens.
///
/// A token is compared with every one of them, in a time that depends on its length and not on how much of it is right.
///
/// ```
/// use farcall::{Server, auth::{Principal, StaticTokens}};
///
/// # let (from_a_file, from_another) = ("TjR8pYdMq", "w0cZsQ4u7");
/// let tokens = StaticTokens::new()
///     .token(from_a_file, Principal::new("backup").scopes(["stock.read"]))
///     .token(from_another, Principal::new("orders").scopes(["stock.read", "stock.write"]));
/// let server = Server::new().verify_tokens(tokens);
/// # drop(server);
/// ```
#[derive(Default)]
pub struct StaticTokens(Vec<(BearerToken, Principal)>);

impl StaticTokens {
    /// No tokens: nobody's is good.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more. An empty token is never good.
    #[must_use]
    pub fn token(mut self, secret: impl Into<BearerToken>, principal: Principal) -> Self {
        self.0.push((secret.into(), principal));
        self
    }
}

impl VerifyToken for StaticTokens {
    fn verify(&self, token: BearerToken) -> Verifying {
        let given = token.secret().as_bytes();
        let mut found = None;
        for (own, principal) in &self.0 {
            if own.secret().as_bytes().ct_eq(given).into() {
                found = Some(principal.clone());
            }
        }
        let found = found.filter(|_| !given.is_empty());
        let found = found.ok_or_else(|| Error::unauthenticated("it is none of the static tokens"));
        Box::pin(std::future::ready(found))
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principals = self.0.iter().map(|(_, principal)| principal);
        f.debug_list().entries(principals).finish()
    }
}
