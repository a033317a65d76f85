//! The kinds of drift: of a type, wherever it stands in a method, of the arguments, and of the result.

use std::fmt;

use farcall::{
    Error, Result,
    channel::{self, Sender},
    stream::Stream,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Side,
    judge::{Seen, Sight},
};

/// An error with a value of the type that drifts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Held<T> {
    Remote(Error),
    Value(T),
}

impl<T> From<Error> for Held<T> {
    fn from(error: Error) -> Self {
        Self::Remote(error)
    }
}

/// A value as text that does not depend on the versions.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the table's values are JSON")
}

/// What `json` wrote.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A type that drifts.
pub(super) trait Drifting: fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static> Drifting for T {}

/// A service with the type as an argument and as a result. Each drift has an instance of it.
#[farcall::service]
trait Values<T: Drifting> {
    async fn told(&self) -> Result<Vec<String>>;
    async fn put(&self, value: T) -> Result<String>;
    async fn get(&self, index: u32) -> Result<T>;
}

/// A service with the type in all other places.
#[farcall::service]
trait Places<T: Drifting> {
    async fn told(&self) -> Result<Vec<String>>;
    async fn fail(&self, index: u32) -> Result<(), Held<T>>;
    fn items(&self) -> impl Stream<Item = T> + Send;
    async fn take(&self, items: impl Stream<Item = T> + Send) -> Result<Vec<String>>;
    async fn hand(&self, to: Sender<T>) -> Result<()>;
}

/// It has the values of one version.
struct Version<T>(fn() -> Vec<T>);

impl<T: Serialize> Version<T> {
    fn value(&self, index: u32) -> T {
        self.0().swap_remove(index as usize)
    }

    fn tell(&self) -> Vec<String> {
        self.0().iter().map(json).collect()
    }
}

impl<T: Drifting> Values<T> for Version<T> {
    async fn told(&self) -> Result<Vec<String>> {
        Ok(self.tell())
    }
    async fn put(&self, value: T) -> Result<String> {
        Ok(json(&value))
    }
    async fn get(&self, index: u32) -> Result<T> {
        Ok(self.value(index))
    }
}

impl<T: Drifting> Places<T> for Version<T> {
    async fn told(&self) -> Result<Vec<String>> {
        Ok(self.tell())
    }
    async fn fail(&self, index: u32) -> Result<(), Held<T>> {
        Err(Held::Value(self.value(index)))
    }
    fn items(&self) -> impl Stream<Item = T> + Send {
        stream::iter(self.0())
    }
    async fn take(&self, items: impl Stream<Item = T> + Send) -> Result<Vec<String>> {
        Ok(items.map(|value| json(&value)).collect().await)
    }
    async fn hand(&self, to: Sender<T>) -> Result<()> {
        for value in self.0() {
            to.send(value).await?;
        }
        to.finish();
        Ok(())
    }
}

/// One version of a type with these values, as an argument and as a result.
pub(super) fn types<T: Drifting>(drift: &'static str, values: fn() -> Vec<T>) -> Side {
    Side {
        contract: ValuesClient::<T>::contract,
        serve: Box::new(move |server| server.named_service(drift, ValuesServer::new(Version(values)))),
        probe: Box::new(move |channel| Box::pin(probe_values(ValuesClient::new(channel.with_instance(drift)), values))),
    }
}

/// One version of a type with these values, in all other places.
pub(super) fn places<T: Drifting>(drift: &'static str, values: fn() -> Vec<T>) -> Side {
    Side {
        contract: PlacesClient::<T>::contract,
        serve: Box::new(move |server| server.named_service(drift, PlacesServer::new(Version(values)))),
        probe: Box::new(move |channel| Box::pin(probe_places(PlacesClient::new(channel.with_instance(drift)), values))),
    }
}

async fn probe_values<T: Drifting>(client: ValuesClient<T>, values: fn() -> Vec<T>) -> Vec<Sight> {
    let there = meant(client.told().await);
    let (mut put, mut get) = (Vec::new(), Vec::new());
    for sent in values() {
        let meant = value(&sent);
        put.push(seen(&meant, client.put(sent).await.map(|got| parsed(&got))));
    }
    for (index, meant) in (0..).zip(&there) {
        get.push(seen(meant, client.get(index).await.map(|got| value(&got))));
    }
    vec![("put", Seen::worst(put)), ("get", Seen::worst(get))]
}

async fn probe_places<T: Drifting>(client: PlacesClient<T>, values: fn() -> Vec<T>) -> Vec<Sight> {
    let (here, there) = (values().iter().map(value).collect(), meant(client.told().await));
    let mut fail = Vec::new();
    for (index, meant) in (0..).zip(&there) {
        fail.push(match client.fail(index).await {
            Err(Held::Value(got)) => Seen::value(meant, &value(&got)),
            Err(Held::Remote(error)) => Seen::error(&error),
            Ok(()) => Seen::Wrong("an error arrived as a success".to_owned()),
        });
    }
    let items = client.items().map_ok(|item| value(&item)).try_collect().await;
    let taken = client.take(stream::iter(values())).await;
    let taken = taken.map(|texts| texts.iter().map(|text| parsed(text)).collect());
    vec![
        ("fail", Seen::worst(fail)),
        ("items", all_seen(there.clone(), items)),
        ("take", all_seen(here, taken)),
        ("hand", all_seen(there, handed(&client).await)),
    ]
}

/// What the server means, by a method that did not change.
fn meant(told: Result<Vec<String>>) -> Vec<Value> {
    let told = told.expect("a method that did not change");
    told.iter().map(|text| parsed(text)).collect()
}

/// What comes over a channel that the server sends on.
async fn handed<T: Drifting>(client: &PlacesClient<T>) -> Result<Vec<Value>> {
    let (to, from) = channel::channel();
    client.hand(to).await?;
    from.map_ok(|item: T| value(&item)).try_collect().await
}

fn value(of: &impl Serialize) -> Value {
    parsed(&json(of))
}

fn seen(meant: &Value, got: Result<Value>) -> Seen {
    match got {
        Ok(got) => Seen::value(meant, &got),
        Err(error) => Seen::error(&error),
    }
}

fn all_seen(meant: Vec<Value>, got: Result<Vec<Value>>) -> Seen {
    seen(&meant.into(), got.map(Value::from))
}

/// One version of a type: `$root` with `$values`, among `$items`.
macro_rules! module_of_type {
    ($module:ident, $kind:ident, { $($item:item)* }, $root:ty, [$($value:expr),+ $(,)?]) => {
        pub(super) mod $module {
            #![allow(
                dead_code,
                unused_imports,
                private_interfaces,
                clippy::all,
                clippy::pedantic,
                reason = "types that stand for those of users"
            )]
            use std::{borrow::Cow, collections::{BTreeMap, HashMap}, num::NonZeroU32, time::Duration};
            use serde::{Deserialize, Serialize};
            use crate::drift::{kinds, Side};

            $(#[derive(Debug, Serialize, Deserialize)] $item)*

            pub(in crate::drift) fn side(drift: &'static str) -> Side {
                kinds::$kind::<$root>(drift, || vec![$($value),+])
            }
        }
    };
}

/// One version of a method's arguments.
macro_rules! side_of_arguments {
    ($module:ident, $service:literal, ($($argument:ident: $type:ty = $value:expr),* $(,)?)) => {
        pub(super) mod $module {
            #![allow(clippy::all, clippy::pedantic, reason = "methods that stand for those of users")]
            use farcall::{Channel, Result};
            use crate::drift::{judge::Seen, kinds::{json, parsed}, Side};

            #[farcall::service(name = $service)]
            trait Api {
                async fn call(&self, $($argument: $type),*) -> Result<String>;
            }

            struct Impl;

            impl Api for Impl {
                async fn call(&self, $($argument: $type),*) -> Result<String> {
                    Ok(json(&serde_json::json!({ $(stringify!($argument): $argument),* })))
                }
            }

            async fn probe(channel: Channel) -> Vec<(&'static str, Seen)> {
                let meant = serde_json::json!({ $(stringify!($argument): $value),* });
                vec![("call", match ApiClient::new(channel).call($($value),*).await {
                    Ok(got) => Seen::value(&meant, &parsed(&got)),
                    Err(error) => Seen::error(&error),
                })]
            }

            pub(in crate::drift) fn side(_: &'static str) -> Side {
                Side {
                    contract: ApiClient::contract,
                    serve: Box::new(|server| server.service(ApiServer::new(Impl))),
                    probe: Box::new(|channel| Box::pin(probe(channel))),
                }
            }
        }
    };
}

/// One version of a method's whole result: `$result` is the type behind the arrow, `$value` what the method returns,
/// and `$inner` the value in it.
macro_rules! side_of_result {
    ($module:ident, $service:literal, $result:ty, $value:expr, $inner:expr) => {
        pub(super) mod $module {
            #![allow(
                clippy::all,
                clippy::pedantic,
                reason = "methods that stand for those of users"
            )]
            use crate::drift::{
                Side,
                judge::Seen,
                kinds::{Held, json, parsed},
            };
            use farcall::{Channel, Error, Result};

            #[farcall::service(name = $service)]
            trait Api {
                async fn call(&self) -> $result;
                async fn told(&self) -> Result<String>;
            }

            struct Impl;

            impl Api for Impl {
                async fn call(&self) -> $result {
                    $value
                }
                async fn told(&self) -> Result<String> {
                    Ok(json(&$inner))
                }
            }

            /// An error, where that is what the method returns.
            trait Failed {
                fn seen(self, meant: &serde_json::Value) -> Seen;
            }
            impl Failed for Error {
                fn seen(self, _: &serde_json::Value) -> Seen {
                    Seen::error(&self)
                }
            }
            impl<T: serde::Serialize> Failed for Held<T> {
                fn seen(self, meant: &serde_json::Value) -> Seen {
                    match self {
                        Held::Remote(error) => Seen::error(&error),
                        Held::Value(value) => Seen::value(meant, &parsed(&json(&value))),
                    }
                }
            }

            async fn probe(channel: Channel) -> Vec<(&'static str, Seen)> {
                let client = ApiClient::new(channel);
                let meant = parsed(&client.told().await.expect("a method that did not change"));
                vec![(
                    "call",
                    match client.call().await {
                        Ok(got) => Seen::value(&meant, &parsed(&json(&got))),
                        Err(error) => error.seen(&meant),
                    },
                )]
            }

            pub(in crate::drift) fn side(_: &'static str) -> Side {
                Side {
                    contract: ApiClient::contract,
                    serve: Box::new(|server| server.service(ApiServer::new(Impl))),
                    probe: Box::new(|channel| Box::pin(probe(channel))),
                }
            }
        }
    };
}

pub(super) use {module_of_type, side_of_arguments, side_of_result};
