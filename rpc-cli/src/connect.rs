//! From the command line to a channel.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use farcall::{Channel, Client, Code, Error, Limits, Metadata, Outcome, tls::ClientTls};
use tokio::time::timeout;

use crate::{
    cli::{Limit, Pair, Server, Tls},
    failure::Failure,
};

/// How long connecting may take, and a call of a method that says nothing else.
const DEFAULT: Duration = Duration::from_secs(30);

impl Server {
    /// Connects, within the time that a call may take.
    pub(crate) async fn connect(&self) -> Result<Channel, Failure> {
        let channel = self.lazily()?;
        let limit = self.timeout.map_or(Some(DEFAULT), |limit| limit.0);
        let ready = channel.ready();
        match limit {
            None => ready.await?,
            Some(limit) => timeout(limit, ready).await.map_err(|_| {
                let text = format!("no connection to {} within {limit:?}", self.address);
                Error::new(Code::DeadlineExceeded, text).with_outcome(Outcome::NotExecuted)
            })??,
        }
        Ok(channel)
    }

    /// A channel that connects with its first call.
    pub(crate) fn lazily(&self) -> Result<Channel, Failure> {
        let channel = Channel::builder()
            .format(self.format)
            .metadata(self.metadata()?)
            // Values are larger as JSON than in a program that knows their types.
            .limits(Limits::default().max_decoded(1 << 30))
            .timeout(DEFAULT)
            .tls(self.tls.settings())
            .connect_lazily(self.address.clone())?;
        Ok(match &self.instance {
            Some(instance) => channel.with_instance(&**instance),
            None => channel,
        })
    }

    /// A client whose calls take no longer than was said, whatever the method says.
    pub(crate) fn limited<C: Client>(&self, client: C) -> C {
        match self.timeout {
            // A time that never comes is no deadline.
            Some(Limit(limit)) => client.with_timeout(limit.unwrap_or(Duration::MAX)),
            None => client,
        }
    }

    /// The named instance that is meant.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.instance.as_deref().or(self.address.instance())
    }

    fn metadata(&self) -> Result<Metadata, Failure> {
        let mut metadata = Metadata::new();
        for Pair(pair) in &self.metadata {
            // What is not a pair may be a secret that stands in the wrong place.
            let (key, value) = pair.split_once('=').filter(|(key, _)| is_key(key)).ok_or_else(|| {
                let text = "--metadata: write KEY=VALUE, with a key of letters, digits, `-`, `_` and `.`; what was \
                     written is not shown, because it may be a secret";
                Failure::Usage(text.to_owned())
            })?;
            let wrong = |what: &str| Failure::Usage(format!("--metadata {key}: {what}"));
            let appended = if key.ends_with("-bin") {
                let bytes = STANDARD.decode(value).map_err(|_| wrong("the value is not base64"))?;
                metadata.append_bin(key, bytes)
            } else {
                metadata.append(key, value)
            };
            appended.map_err(|error| wrong(error.message()))?;
        }
        Ok(metadata)
    }
}

impl Tls {
    /// What was said, for a channel.
    fn settings(&self) -> ClientTls {
        let mut tls = ClientTls::new();
        if let Some(authority) = &self.authority {
            tls = tls.authority_file(authority);
        }
        if let Some(fingerprint) = &self.pin {
            tls = tls.pinned(fingerprint);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            tls = tls.certificate_files(certificate, key);
        }
        match &self.server_name {
            Some(name) => tls.server_name(name),
            None => tls,
        }
    }
}

fn is_key(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=255).contains(&text.len()) && text.bytes().all(is_legal)
}
