//! Who is let in: tokens first, and then the rules.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Access, BearerToken, Principal, Rules, VerifyToken, rules::refusal, token::token_in};
use crate::{Code, Error, Metadata, Peer, clock::now, events, service::MethodDescriptor, sync::Mutex};

/// How long a connection's token is believed without asking the verifier again, at the most.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// What a server has to decide about each call.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) rules: Option<Arc<Rules>>,
    pub(crate) verifier: Option<Arc<dyn VerifyToken>>,
}

impl Control {
    /// What the connections share; `None` if there is nothing to decide.
    pub(crate) fn into_shared(self) -> Option<Arc<Self>> {
        (self.rules.is_some() || self.verifier.is_some()).then(|| Arc::new(self))
    }
}

/// What a caller asks for.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// An object that was handed to it.
    Object,
    /// A method of a service.
    Method {
        method: &'static MethodDescriptor,
        instance: Option<Arc<str>>,
    },
    /// Something that the server does not have.
    Unknown,
}

/// The decisions about the calls of one connection.
pub(crate) struct Gate {
    control: Arc<Control>,
    peer: Arc<Peer>,
    /// The token that was verified last. Callers rarely have a second one.
    remembered: Mutex<Option<Remembered>>,
}

struct Remembered {
    token: BearerToken,
    principal: Principal,
    until: Instant,
}

/// What was decided about a call.
pub(crate) enum Admission {
    /// It goes on, for whom its token speaks.
    Admitted(Option<Principal>),
    /// Its token has to be verified first.
    Unverified(Unverified),
}

/// A call whose token has to be verified.
pub(crate) struct Unverified {
    gate: Arc<Gate>,
    verifier: Arc<dyn VerifyToken>,
    token: BearerToken,
    asked: Asked,
}

impl Gate {
    pub(crate) fn new(control: Arc<Control>, peer: Arc<Peer>) -> Arc<Self> {
        Arc::new(Self {
            control,
            peer,
            remembered: Mutex::default(),
        })
    }

    /// Whether a call goes on.
    ///
    /// # Errors
    /// It does not. The error depends on the caller and not on what it asks for.
    pub(crate) fn admit(self: &Arc<Self>, asked: Asked, metadata: &Metadata) -> Result<Admission, Error> {
        let Some(verifier) = &self.control.verifier else {
            return self.decide(&asked, None, metadata).map(|()| Admission::Admitted(None));
        };
        let token = match token_in(metadata) {
            Ok(Some("")) => return Err(self.refuse_token("the token is empty")),
            Ok(Some(token)) => token,
            Ok(None) => return self.decide(&asked, None, metadata).map(|()| Admission::Admitted(None)),
            Err(()) => return Err(self.refuse_token("the call has several values of `authorization`")),
        };
        if let Some(principal) = self.remembered(token) {
            self.decide(&asked, Some(&principal), metadata)?;
            return Ok(Admission::Admitted(Some(principal)));
        }
        Ok(Admission::Unverified(Unverified {
            gate: Arc::clone(self),
            verifier: Arc::clone(verifier),
            token: BearerToken::new(token),
            asked,
        }))
    }

    /// Whom this token speaks for, if it was verified not long ago. It is compared only with a token of its own
    /// connection, so the time that this takes tells nobody of another one's token.
    fn remembered(&self, token: &str) -> Option<Principal> {
        let remembered = self.remembered.lock();
        let remembered = remembered.as_ref()?;
        let is_same = remembered.token.secret() == token && now() < remembered.until;
        is_same.then(|| remembered.principal.clone())
    }

    fn remember(&self, token: BearerToken, principal: &Principal) -> Result<(), Error> {
        let now = now();
        let until = now + REMEMBERED_FOR;
        let until = principal.valid_until().map_or(until, |valid| valid.min(until));
        if until <= now {
            return Err(self.refuse_token("the token has expired"));
        }
        let fresh = Remembered {
            token,
            principal: principal.clone(),
            until,
        };
        // The one before is dropped outside the lock: its claims are foreign.
        let before = self.remembered.lock().replace(fresh);
        drop(before);
        Ok(())
    }

    fn decide(&self, asked: &Asked, principal: Option<&Principal>, metadata: &Metadata) -> Result<(), Error> {
        let Some(rules) = &self.control.rules else {
            return Ok(());
        };
        let identity = self.peer.identity();
        let (allowed, path) = match asked {
            Asked::Object => (true, ""),
            Asked::Unknown => (rules.allow_unknown(identity, principal), MethodDescriptor::UNKNOWN.path),
            Asked::Method { method, instance } => {
                let access = Access {
                    peer: self.peer.address(),
                    identity,
                    principal,
                    metadata,
                    method,
                    instance: instance.as_deref(),
                };
                (rules.allow_access(&access), method.path)
            }
        };
        if allowed {
            return Ok(());
        }
        events::call_refused(path, &*self.peer, "no rule allows it");
        Err(refusal(identity.is_some() || principal.is_some()))
    }

    fn refuse_token(&self, why: &str) -> Error {
        events::token_refused(&*self.peer, why);
        Error::refused(Code::Unauthenticated, "the server does not accept the token")
    }
}

impl Unverified {
    /// Verifies the token, and decides then. Dropping the future gives that up and leaves nothing behind.
    ///
    /// # Errors
    /// The call does not go on.
    pub(crate) async fn verify(self, metadata: &Metadata) -> Result<Principal, Error> {
        let Self {
            gate,
            verifier,
            token,
            asked,
        } = self;
        let principal = match verifier.verify(token.clone()).await {
            Ok(principal) => principal,
            Err(error) => {
                let why = error.message().replace(token.secret(), "(the token)");
                let refusal = gate.refuse_token(&why);
                return Err(match error.code() {
                    Code::Unavailable => Error::refused(Code::Unavailable, "the server cannot verify tokens now"),
                    _ => refusal,
                });
            }
        };
        gate.remember(token, &principal)?;
        gate.decide(&asked, Some(&principal), metadata)?;
        Ok(principal)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("rules", &self.rules)
            .field("verifies_tokens", &self.verifier.is_some())
            .finish()
    }
}
