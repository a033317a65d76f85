//! Options of a channel.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::runtime::Handle;
use tower_service::Service;

use super::{
    channel::{CallTarget, Channel, ChannelInner},
    raw::bottom,
};
use crate::{
    Error, Limits, Metadata,
    auth::{Bearer, TokenSource},
    codec::Format,
    contract::ContractCheck,
    driver::{DEFAULT_TIMEOUT, attachments::Wire},
    layer::{Layers, Next, Request, Response},
    reconnect::Reconnect,
    transport::{ClientSecurity, Connector, IntoAddress, secured_connector},
};

/// Options of a [`Channel`]; made by [`Channel::builder`].
///
/// ```no_run
/// # async fn example() -> farcall::Result<()> {
/// use std::time::Duration;
/// use farcall::{Channel, Limits};
///
/// let channel = Channel::builder()
///     .timeout(Duration::from_secs(5))
///     .limits(Limits::default().max_message(64 << 20))
///     .connect("tcp://127.0.0.1:7401")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ChannelBuilder {
    limits: Limits,
    contracts: ContractCheck,
    format: Format,
    timeout: Option<Duration>,
    metadata: Metadata,
    runtime: Option<Handle>,
    /// For a run that can be repeated.
    seed: Option<u64>,
    layers: Layers,
    security: ClientSecurity,
    /// Where the token of each call comes from.
    tokens: Option<Box<dyn TokenSource>>,
    allow_unencrypted: bool,
}

impl Default for ChannelBuilder {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            contracts: ContractCheck::default(),
            format: Format::default(),
            timeout: Some(DEFAULT_TIMEOUT),
            metadata: Metadata::new(),
            runtime: None,
            seed: None,
            layers: Layers::default(),
            security: ClientSecurity::default(),
            tokens: None,
            allow_unencrypted: false,
        }
    }
}

impl ChannelBuilder {
    /// What this side allows its peer; see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether both sides check that they mean the same by a method before its first call on a connection; they do by
    /// default. See [`contract`](crate::contract).
    pub fn contracts(mut self, check: ContractCheck) -> Self {
        self.contracts = check;
        self
    }

    /// How arguments and results are encoded; bincode by default. The server must have been built with it.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// How long each call may take; 30 s by default. A method's own `#[rpc(timeout)]` and a client's `with_timeout`
    /// override it. A call made by a handler never takes longer than the handler's remaining time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Calls without a deadline of their own wait as long as the connection lives.
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Metadata that travels with each call.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The runtime that carries the connection; by default the one in which the first call is made.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Wraps every call in a tower layer; see [`layer`](crate::layer). The layer named first is the outermost.
    ///
    /// A layered channel costs each call some allocations; one without layers costs nothing.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: tower_layer::Layer<Next> + Send + 'static,
        L::Service: Service<Request, Response = Response> + Send + 'static,
        <L::Service as Service<Request>>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        <L::Service as Service<Request>>::Future: Send,
    {
        self.layers.push(layer);
        self
    }

    /// Wraps every call in an async closure, which passes it on with [`Next::run`] or refuses it; a
    /// [`layer`](Self::layer) for the everyday case. It is cloned for each call, with what it holds.
    ///
    /// ```
    /// # let token = "engine";
    /// let channel = farcall::Channel::builder().intercept(async move |mut request, next| {
    ///     request.metadata.append("authorization", format!("Bearer {token}"))?;
    ///     next.run(request).await
    /// });
    /// ```
    pub fn intercept<F, A>(mut self, interceptor: F) -> Self
    where
        F: FnOnce(Request, Next) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Response, Error>> + Send + 'static,
    {
        self.layers.intercept(interceptor);
        self
    }

    /// Whom the channel trusts over `tls://` and `quic://`, and what certificate it shows. By default it trusts the
    /// authorities of the operating system and shows none. Has no effect on other addresses.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::tls::ClientTls) -> Self {
        self.security.tls = tls;
        self
    }

    /// Sends a bearer token with each call, as metadata `authorization`; a call that has such metadata keeps its own.
    ///
    /// The source is asked when the first call needs a token, and again shortly before the token ends: 30 s before, or
    /// when a fifth of its life is left if that is later. One call at a time asks it. The others use the token that is
    /// still good, or wait if there is none, and then get the token or the error of the one that asked. If the source
    /// fails while the token is still good, that is used on, and the source asked again after a second.
    ///
    /// If the server refuses a call as [`Unauthenticated`](crate::Code::Unauthenticated) and has not executed it, the
    /// call is sent once more with a new token, unless there are streams or clients among its arguments.
    ///
    /// The layers of the channel do not see the token. Calls to objects do not bring it: a reference is itself the
    /// permission.
    ///
    /// **A token is sent only where nobody can read it:** over `tls://`, `quic://`, `unix://`, `mem://`, in a loopback,
    /// and over `tcp://` and `udp://` to an IP address of this machine, such as `127.0.0.1`. To other addresses, to
    /// names such as `localhost`, and over transports of your own, connecting fails as `FailedPrecondition`, unless
    /// [`allow_unencrypted_bearer`](Self::allow_unencrypted_bearer) is set. This is about tokens given here: metadata
    /// that the program adds by itself goes anywhere.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use farcall::{Channel, auth::BearerToken};
    ///
    /// # async fn log_in() -> farcall::Result<String> { Ok("mF_9.B5f-4.1JqM".into()) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let builder = Channel::builder().bearer(async || {
    ///     let token = log_in().await?;
    ///     Ok(BearerToken::new(token).valid_for(Duration::from_secs(3600)))
    /// });
    /// let error = builder.connect("tcp://stock.example:7401").await.unwrap_err();
    /// assert_eq!(error.code(), farcall::Code::FailedPrecondition);
    /// # }
    /// ```
    pub fn bearer(mut self, source: impl TokenSource) -> Self {
        self.tokens = Some(Box::new(source));
        self
    }

    /// Lets the token of [`bearer`](Self::bearer) be sent where others may read it: inside a network that you trust, or
    /// over a transport of your own that encrypts.
    pub fn allow_unencrypted_bearer(mut self) -> Self {
        self.allow_unencrypted = true;
        self
    }

    /// Leaves nothing to chance: the waits between attempts follow from the seed.
    pub(crate) fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Connects to `address` and waits until the server has said hello.
    ///
    /// Cancel safe: dropping the future gives the attempt up.
    ///
    /// # Errors
    /// Fails fast with the cause: the address is invalid, nothing listens there, or the peer does not speak farcall.
    pub async fn connect(self, address: impl IntoAddress) -> Result<Channel, Error> {
        let channel = self.connect_lazily(address)?;
        channel.ready().await?;
        Ok(channel)
    }

    /// A channel that connects with its first call.
    ///
    /// # Errors
    /// When the address is invalid, no transport for it is built in, or others could read a [token](Self::bearer) on
    /// the way there.
    pub fn connect_lazily(self, address: impl IntoAddress) -> Result<Channel, Error> {
        let address = address.into_address()?;
        let connector = secured_connector(&address, &self.security)?;
        let unsafe_for_tokens = || Bearer::refusal(&address, self.allow_unencrypted);
        if let Some(refusal) = self.tokens.as_ref().and_then(|_| unsafe_for_tokens()) {
            return Err(refusal);
        }
        Ok(self.channel(connector, address.instance()))
    }

    /// A channel over a transport of your own; it connects with its first call.
    pub fn connector(self, connector: Arc<dyn Connector>) -> Channel {
        let instance = connector.address().instance().map(str::to_owned);
        self.channel(connector, instance.as_deref())
    }

    fn channel(mut self, connector: Arc<dyn Connector>, instance: Option<&str>) -> Channel {
        let limits = self.limits.normalised();
        let wire = Wire {
            format: self.format,
            limits: (&limits).into(),
            checks: false,
            near: connector.address().is_near(),
            tells_panics: false,
        };
        if let Some(tokens) = self.tokens {
            // The innermost, so that no layer sees the token.
            let bearer = Arc::new(Bearer::new(tokens, connector.address(), self.allow_unencrypted));
            self.layers.intercept(move |request, next| bearer.call(request, next));
        }
        // Some layers keep time or have tasks.
        let runtime = self.runtime.clone();
        let _entered = runtime.as_ref().map(Handle::enter);
        let server = Reconnect::new(
            connector,
            limits,
            self.contracts,
            self.format,
            self.timeout,
            self.runtime,
            self.seed,
        );
        let inner = Arc::new_cyclic(|inner: &Weak<ChannelInner>| {
            let inner = inner.clone();
            // The stack sits inside the channel that it calls, so it holds it weakly.
            let bottom = Next::bottom(move |request| bottom(inner.upgrade().map(Channel::bare), request));
            ChannelInner {
                target: CallTarget::Server(server),
                wire,
                timeout: self.timeout,
                metadata: self.metadata,
                layers: self.layers.around(bottom),
            }
        });
        Channel::bare(inner).instance(instance)
    }
}

impl Channel {
    /// Connects with default options; see [`ChannelBuilder::connect`].
    ///
    /// # Errors
    /// Fails fast with the cause.
    pub async fn connect(address: impl IntoAddress) -> Result<Self, Error> {
        Self::builder().connect(address).await
    }

    /// Options first.
    pub fn builder() -> ChannelBuilder {
        ChannelBuilder::default()
    }
}

impl fmt::Debug for ChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBuilder")
            .field("limits", &self.limits)
            .field("contracts", &self.contracts)
            .field("format", &self.format)
            .field("timeout", &self.timeout)
            .field("metadata", &self.metadata)
            .field("layers", &self.layers)
            .field("bearer", &self.tokens.is_some())
            .finish_non_exhaustive()
    }
}
