//! A rolling deploy: servers of two versions take turns under the calls of clients of both.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Code, Error, Outcome, Result, RunningServer, Server,
    codec::Format,
    contract::{Compatibility, FormatKind},
};
use farcall_tests::{TestResult, until};
use futures::future::join_all;
use serde::{Deserialize, Serialize};

/// The new version adds a field that may be missing, and turns the sign of what `refund` takes.
macro_rules! version {
    ($version:ident, $number:literal, $cents:ty, { $($note:tt)* }, { $($with:tt)* }) => {
        mod $version {
            use super::*;

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct Order {
                sku: String,
                count: u32,
                $($note)*
            }

            pub(super) fn order(count: u32) -> Order {
                Order { sku: "apple".to_owned(), count, $($with)* }
            }

            #[farcall::service]
            pub(super) trait Shop {
                async fn buy(&self, order: Order) -> Result<(u32, Order)>;
                async fn refund(&self, cents: $cents) -> Result<i64>;
                async fn version(&self) -> u32;
            }

            #[derive(Clone)]
            pub(super) struct Till;

            impl Shop for Till {
                async fn buy(&self, order: Order) -> Result<(u32, Order)> {
                    Ok((order.count, order))
                }
                async fn refund(&self, cents: $cents) -> Result<i64> {
                    Ok(cents.into())
                }
                async fn version(&self) -> u32 {
                    $number
                }
            }

            pub(super) async fn listen(address: &str) -> Result<RunningServer> {
                Server::new().service(ShopServer::new(Till)).listen(address).await
            }

            /// Calls until it is told to stop.
            pub(super) async fn client(channel: Channel, seen: Arc<Seen>) {
                let shop = ShopClient::new(channel);
                for number in 1.. {
                    if seen.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let before = shop.version().await;
                    let bought = shop.buy(order(number)).await;
                    if let Ok((count, order)) = &bought {
                        assert_eq!((*count, &order.sku[..], order.count), (number, "apple", number));
                    }
                    let refunded = shop.refund(7).await;
                    if let Ok(refunded) = &refunded {
                        assert_eq!(*refunded, 7);
                    }
                    // Where the server changed between them, nobody knows which one was called.
                    match (before, shop.version().await) {
                        (Ok(before), Ok(after)) if before != after => {}
                        (Ok(server), Ok(_)) => seen.note($number, server, [bought.map(drop), refunded.map(drop)]),
                        (Err(error), _) | (_, Err(error)) => Seen::lost(&error),
                    }
                }
            }
        }
    };
}

version!(old, 1, i32, {}, {});
version!(new, 2, u32, { note: Option<String>, }, { note: Some("wrapped".to_owned()) });

/// What became of the calls of one client.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    /// By the versions of the client and of the server: what came of `buy` and of `refund`.
    outcomes: Mutex<BTreeMap<(u32, u32), [Counts; 2]>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    well: u32,
    refused: u32,
}

impl Seen {
    fn note(&self, client: u32, server: u32, results: [Result<()>; 2]) {
        let mut outcomes = self.outcomes.lock().expect("no panic");
        let counts = outcomes.entry((client, server)).or_default();
        for (counts, result) in counts.iter_mut().zip(results) {
            match result {
                Ok(()) => counts.well += 1,
                Err(error) if error.code() == Code::FailedPrecondition => {
                    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
                    counts.refused += 1;
                }
                Err(error) => Self::lost(&error),
            }
        }
    }

    /// Servers that come and go cost calls, but no value.
    fn lost(error: &Error) {
        assert!(matches!(error.code(), Code::Unavailable | Code::Cancelled), "{error}");
    }

    /// How often `buy` and `refund` of this client met this server.
    fn met(&self, client: u32, server: u32) -> u32 {
        let outcomes = self.outcomes.lock().expect("no panic");
        outcomes
            .get(&(client, server))
            .map_or(0, |counts| counts[0].well + counts[0].refused)
    }
}

/// So often each client meets each server in its turn.
const MEETINGS: u32 = 20;

async fn roll(address: &str, format: Format) -> TestResult<Arc<Seen>> {
    let seen = Arc::new(Seen::default());
    let mut server = old::listen(address).await?;
    let channel = || Channel::builder().format(format).connect(address);
    let clients = vec![
        tokio::spawn(old::client(channel().await?, Arc::clone(&seen))),
        tokio::spawn(new::client(channel().await?, Arc::clone(&seen))),
    ];
    let mut turns = [0; 2];
    for version in [1, 2, 1, 2, 1] {
        turns[version - 1] += MEETINGS;
        let (version, most) = (version as u32, turns[version - 1]);
        let met = || [1, 2].iter().all(|&client| seen.met(client, version) >= most);
        until(|| met() || clients.iter().any(tokio::task::JoinHandle::is_finished)).await;
        server.shutdown(Duration::from_secs(5)).await;
        server = if version == 1 {
            new::listen(address).await?
        } else {
            old::listen(address).await?
        };
    }
    seen.stop.store(true, Ordering::Relaxed);
    for client in join_all(clients).await {
        client?;
    }
    Ok(seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_gets_a_wrong_value_while_versions_change() -> TestResult {
    let change = old::ShopClient::contract().change_to(&new::ShopClient::contract());
    for &format in Format::ALL {
        let seen = roll(&format!("mem://contracts-rolling-{format}"), format).await?;
        let outcomes = seen.outcomes.lock().expect("no panic").clone();
        let impact = change.impact(FormatKind::of(format));
        for ((client, server), counts) in outcomes {
            let notes = if client == 1 {
                &impact.old_clients
            } else {
                &impact.old_servers
            };
            for (method, counts) in ["buy", "refund"].into_iter().zip(counts) {
                let compatibility = notes
                    .iter()
                    .filter(|note| note.method == method)
                    .map(|note| note.compatibility);
                let refuses = client != server && compatibility.max() == Some(Compatibility::Incompatible);
                let never = if refuses { counts.well } else { counts.refused };
                assert_eq!(
                    never, 0,
                    "{format}, client {client}, server {server}, {method}: {counts:?}"
                );
            }
        }
    }
    Ok(())
}
