//! Whether a server tells its callers what it offers. Without the feature, nothing is left of this.

use std::sync::Arc;

#[cfg(feature = "reflection")]
use crate::reflection::{Made, Offers};
use crate::{
    Peer, Service,
    auth::Rules,
    dispatch::{MakeService, Offer},
};

/// What is to be told.
#[derive(Default)]
pub(super) struct Reflecting {
    #[cfg(feature = "reflection")]
    is_on: bool,
    /// The services that each connection has for itself.
    #[cfg(feature = "reflection")]
    made: Vec<Made>,
}

#[cfg_attr(not(feature = "reflection"), expect(clippy::unused_self, reason = "nothing is told"))]
impl Reflecting {
    #[cfg(feature = "reflection")]
    pub(super) fn switch_on(&mut self) {
        self.is_on = true;
    }

    /// What makes a service for each connection, and notes what that is.
    pub(super) fn noting<S: Service>(&mut self, make: impl Fn(&Peer) -> S + Send + Sync + 'static) -> MakeService {
        #[cfg(feature = "reflection")]
        let make = {
            let made = Made::default();
            self.made.push(made.clone());
            move |peer: &Peer| {
                let service = make(peer);
                made.note(&service);
                service
            }
        };
        Box::new(move |peer| Arc::new(make(peer)))
    }

    /// The services, and the one that tells of them, if there is to be one.
    #[cfg(feature = "reflection")]
    pub(super) fn with(self, mut services: Vec<Offer>, rules: Option<&Arc<Rules>>) -> Vec<Offer> {
        if self.is_on {
            let mut offers = Offers::new(self.made, rules.cloned());
            for offer in &services {
                offers.add(offer.instance.clone(), &*offer.service);
            }
            services.push(Offer {
                instance: None,
                service: Arc::new(offers.into_service()),
            });
        }
        services
    }

    #[cfg(not(feature = "reflection"))]
    pub(super) fn with(self, services: Vec<Offer>, _rules: Option<&Arc<Rules>>) -> Vec<Offer> {
        services
    }
}
