//! What a listener does for its certificate while it waits for clients.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, Sleep, sleep};

use super::{PeerCertificate, ServerTls, TlsEvent, reload::Refreshed, server::ServerCredentials};
use crate::Error;

/// How often the same certificate is warned of.
const WARNING: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks now and then whether the files have changed, and how long the certificate is still valid. Several listeners
/// may keep up the same certificate; the first that sees a change tells of it.
pub(in crate::transport) struct Upkeep {
    tls: ServerTls,
    next: Pin<Box<Sleep>>,
    reading: Option<Reading>,
    /// The certificate that was warned of, and when.
    warned: Option<(PeerCertificate, Instant)>,
}

type Reading = Pin<Box<dyn Future<Output = Result<Refreshed<ServerCredentials>, Error>> + Send>>;

impl Upkeep {
    /// Reads the certificate.
    ///
    /// # Errors
    /// It cannot be used.
    pub(in crate::transport) async fn start(tls: &ServerTls) -> Result<Self, Error> {
        tls.refresh().await?;
        let mut upkeep = Self {
            tls: tls.clone(),
            next: Box::pin(sleep(tls.interval())),
            reading: None,
            warned: None,
        };
        if let Some(credentials) = tls.credentials() {
            upkeep.check_expiry(&credentials);
        }
        Ok(upkeep)
    }

    /// Ready when a look is done. It must be polled until it is pending, so that it is woken for the next.
    pub(in crate::transport) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reading.is_none() {
            ready!(self.next.as_mut().poll(cx));
            let tls = self.tls.clone();
            self.reading = Some(Box::pin(async move { tls.refresh().await }));
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Pending;
        };
        let read = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        self.next = Box::pin(sleep(self.tls.interval()));
        self.looked(read);
        Poll::Ready(())
    }

    fn looked(&mut self, read: Result<Refreshed<ServerCredentials>, Error>) {
        match read {
            Ok(Refreshed::Same(credentials)) => self.check_expiry(&credentials),
            Ok(Refreshed::New(credentials)) => {
                if let Some(certificate) = &credentials.certificate {
                    self.tls.tell(&TlsEvent::Reloaded(certificate.clone()));
                }
                self.check_expiry(&credentials);
            }
            Ok(Refreshed::Unusable(error)) | Err(error) => self.tls.tell(&TlsEvent::ReloadFailed(error)),
        }
    }

    fn check_expiry(&mut self, credentials: &Arc<ServerCredentials>) {
        let Some(certificate) = &credentials.certificate else {
            return;
        };
        let at = certificate.valid_until();
        let is_near = SystemTime::now()
            .checked_add(self.tls.warns_before())
            .is_none_or(|soon| soon >= at);
        let was_told = self
            .warned
            .as_ref()
            .is_some_and(|(warned, when)| warned == certificate && when.elapsed() < WARNING);
        if is_near && !was_told {
            self.warned = Some((certificate.clone(), Instant::now()));
            let certificate = certificate.clone();
            self.tls.tell(&TlsEvent::Expires { certificate, at });
        }
    }
}
