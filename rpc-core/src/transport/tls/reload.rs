//! A rustls configuration that is made of files, and made again when they have changed.

use std::{fmt, sync::Arc};

use tokio::task::spawn_blocking;

use super::pem::{Pem, Stamp, unusable};
use crate::{Error, sync::Mutex};

/// What a configuration is made of.
pub(super) trait Settings: Send + Sync + 'static {
    type Config: Send + Sync + 'static;

    /// The files and texts that it is made of.
    fn sources(&self) -> Vec<&Pem>;

    /// Reads them. May block.
    fn load(&self) -> Result<Arc<Self::Config>, Error>;
}

/// Settings, and the configuration that was made of them last.
pub(super) struct Loaded<S: Settings> {
    settings: S,
    latest: Mutex<Latest<S::Config>>,
}

/// What was read last.
struct Latest<C> {
    config: Option<Arc<C>>,
    /// How the files looked when they were read, also without success.
    stamps: Vec<Option<Stamp>>,
}

/// Whether the files have changed.
pub(super) enum Refreshed<C> {
    Same(Arc<C>),
    /// They have, and this is made of them.
    New(Arc<C>),
    /// They have, but cannot be used: the earlier configuration stays.
    Unusable(Error),
}

impl<S: Settings> Loaded<S> {
    pub(super) fn new(settings: S) -> Arc<Self> {
        Arc::new(Self {
            settings,
            latest: Mutex::new(Latest {
                config: None,
                stamps: Vec::new(),
            }),
        })
    }

    pub(super) fn settings(&self) -> &S {
        &self.settings
    }

    /// The configuration that was made last.
    pub(super) fn latest(&self) -> Option<Arc<S::Config>> {
        self.latest.lock().config.clone()
    }

    /// The configuration, made of what the files have now. Cancel safe: what a dropped future has begun to read counts
    /// as read when it is done.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<Refreshed<S::Config>, Error> {
        let loaded = Arc::clone(self);
        let read = spawn_blocking(move || loaded.refresh_now());
        read.await
            .unwrap_or_else(|_| Err(unusable("reading the certificates was stopped with its runtime".into())))
    }

    fn refresh_now(&self) -> Result<Refreshed<S::Config>, Error> {
        // Before they are read: a change that comes meanwhile is seen the next time.
        let stamps: Vec<_> = self.settings.sources().iter().map(|source| source.stamp()).collect();
        {
            let latest = self.latest.lock();
            if let Some(config) = &latest.config
                && latest.stamps == stamps
            {
                return Ok(Refreshed::Same(Arc::clone(config)));
            }
        }
        let made = self.settings.load();
        let mut latest = self.latest.lock();
        latest.stamps = stamps;
        match made {
            Ok(config) => {
                latest.config = Some(Arc::clone(&config));
                Ok(Refreshed::New(config))
            }
            Err(error) if latest.config.is_some() => Ok(Refreshed::Unusable(error)),
            Err(error) => Err(error),
        }
    }

    /// Reads the files, changed or not.
    ///
    /// # Errors
    /// They cannot be used; the earlier configuration stays.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<(), Error> {
        self.latest.lock().stamps.clear();
        match self.refresh().await? {
            Refreshed::New(_) | Refreshed::Same(_) => Ok(()),
            Refreshed::Unusable(error) => Err(error),
        }
    }
}

impl<S: Settings + fmt::Debug> fmt::Debug for Loaded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}
