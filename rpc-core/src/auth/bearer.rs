//! The token of a channel, on each of its calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{BearerToken, TokenSource, token::KEY};
use crate::{
    Address, Code, Error, Outcome,
    clock::now,
    layer::{Next, Request, Response},
    sync::Mutex,
};

/// How long before its end a token is renewed, at the most.
const MARGIN: Duration = Duration::from_secs(30);
/// A token that lives shorter is renewed when this part of its life is left.
const LAST_PART: u32 = 5;
/// How long after a failed attempt the next one is made, while the token is still good.
const PAUSE: Duration = Duration::from_secs(1);

/// The token of a channel, on each of its calls.
pub(crate) struct Bearer {
    source: Box<dyn TokenSource>,
    cache: Mutex<Cache>,
    /// One call at a time fetches a token. It gives the turn back when it is dropped.
    turn: Semaphore,
    /// Why the token must not be sent.
    refusal: Option<Error>,
}

#[derive(Default)]
struct Cache {
    held: Option<Held>,
    /// How many tokens were fetched.
    fetched: u64,
    /// How many attempts failed, and how the last one did.
    failures: u64,
    failure: Option<Error>,
}

/// A token that was fetched.
#[derive(Clone)]
struct Held {
    token: BearerToken,
    number: u64,
    renew_at: Option<Instant>,
}

/// What there is without waiting.
enum Look {
    Fresh(Held),
    /// It is good for a while yet.
    Aging(Held),
    /// Nothing, after so many failures.
    Missing(u64, Option<Error>),
}

impl Bearer {
    /// The tokens of `source`, on the way to `address`.
    pub(crate) fn new(source: Box<dyn TokenSource>, address: &Address, allow_unencrypted: bool) -> Self {
        Self {
            source,
            cache: Mutex::default(),
            turn: Semaphore::new(1),
            refusal: Self::refusal(address, allow_unencrypted),
        }
    }

    /// Why a token must not be sent to this address.
    pub(crate) fn refusal(address: &Address, allow_unencrypted: bool) -> Option<Error> {
        let is_safe = allow_unencrypted || address.keeps_secrets();
        (!is_safe).then(|| unencrypted(address))
    }

    /// Passes the call on with a token, and once more with a new one if the server does not accept that.
    ///
    /// Dropping the future gives the call up. If it was fetching the token, the next call that needs one does it.
    pub(crate) async fn call(self: Arc<Self>, mut request: Request, next: Next) -> Result<Response, Error> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        // A call that names its own is not given another one.
        if request.metadata.value(KEY).is_some() {
            return next.run(request).await;
        }
        let held = self.token().await?;
        let again = request.is_repeatable().then(|| request.clone());
        request.metadata.append(KEY, held.token.header())?;
        let answer = next.clone().run(request).await;
        if !answer.as_ref().is_err_and(is_unauthenticated) {
            return answer;
        }
        self.forget(held.number);
        let Some(mut request) = again else { return answer };
        let renewed = self.token().await?;
        if renewed.token.secret() == held.token.secret() {
            return answer;
        }
        request.metadata.append(KEY, renewed.token.header())?;
        next.run(request).await
    }

    /// A token that is good now: the one that is held, or a new one.
    async fn token(&self) -> Result<Held, Error> {
        let seen = match self.look() {
            Look::Fresh(held) => return Ok(held),
            Look::Aging(held) => {
                return match self.turn.try_acquire() {
                    Ok(turn) => self.renewed(turn, held).await,
                    Err(_) => Ok(held),
                };
            }
            Look::Missing(failures, _) => failures,
        };
        let closed = |_| Error::internal("the turn to fetch a token is never closed");
        let turn = self.turn.acquire().await.map_err(closed)?;
        // Another call may have had the turn meanwhile.
        match self.look() {
            Look::Fresh(held) | Look::Aging(held) => Ok(held),
            Look::Missing(failures, Some(failure)) if failures != seen => Err(failure),
            Look::Missing(..) => self.fetched(turn).await,
        }
    }

    /// A new token, or `old` if there is none.
    async fn renewed(&self, turn: SemaphorePermit<'_>, old: Held) -> Result<Held, Error> {
        match self.fetched(turn).await {
            Err(_) if old.is_valid() => {
                let mut cache = self.cache.lock();
                if let Some(held) = cache.held.as_mut().filter(|held| held.number == old.number) {
                    held.renew_at = now().checked_add(PAUSE);
                }
                Ok(old)
            }
            fetched => fetched,
        }
    }

    /// A new token. Nothing is changed before it is there, so the future may be dropped at any time.
    async fn fetched(&self, _turn: SemaphorePermit<'_>) -> Result<Held, Error> {
        let fetched = self.source.fetch().await;
        let mut cache = self.cache.lock();
        match fetched {
            Ok(token) => {
                cache.fetched += 1;
                let held = Held::new(token, cache.fetched);
                cache.held = Some(held.clone());
                cache.failure = None;
                Ok(held)
            }
            Err(error) => {
                // The call that waits for the token has not left.
                let error = error.with_outcome(Outcome::NotExecuted);
                cache.failures += 1;
                cache.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    fn look(&self) -> Look {
        let cache = self.cache.lock();
        match &cache.held {
            Some(held) if held.renew_at.is_none_or(|at| now() < at) && held.is_valid() => Look::Fresh(held.clone()),
            Some(held) if held.is_valid() => Look::Aging(held.clone()),
            _ => Look::Missing(cache.failures, cache.failure.clone()),
        }
    }

    /// The server does not accept this token.
    fn forget(&self, number: u64) {
        let mut cache = self.cache.lock();
        if cache.held.as_ref().is_some_and(|held| held.number == number) {
            cache.held = None;
        }
    }
}

impl Held {
    fn new(token: BearerToken, number: u64) -> Self {
        let now = now();
        let renew_at = token.valid_until().and_then(|end| {
            let left = end.saturating_duration_since(now);
            end.checked_sub(MARGIN.min(left / LAST_PART))
        });
        Self {
            token,
            number,
            renew_at,
        }
    }

    fn is_valid(&self) -> bool {
        self.token.valid_until().is_none_or(|end| now() < end)
    }
}

fn is_unauthenticated(error: &Error) -> bool {
    error.code() == Code::Unauthenticated && error.outcome() == Outcome::NotExecuted
}

fn unencrypted(address: &Address) -> Error {
    let text = format!(
        "the token is not sent to `{address}`: whoever reads the connection could use it. Connect over `tls://` or \
         `quic://`; over a transport of your own that encrypts, or a network that you trust, say \
         `ChannelBuilder::allow_unencrypted_bearer`"
    );
    Error::refused_for_good(Code::FailedPrecondition, text)
}
