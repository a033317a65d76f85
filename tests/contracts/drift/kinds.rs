//! The kinds of drift: of a type, wherever it stands in a method, of the arguments, and of the result.

use std::fmt;

use farcall::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Never: a refusal that is no error of the library's would be a wrong value.
pub(super) fn remote<T: fmt::Debug>(held: Held<T>) -> Error {
    match held {
        Held::Remote(error) => error,
        Held::Value(value) => Error::internal(format!("{value:?} is no error of a call")),
    }
}

/// One version of a type: `$root` with `$values`, among `$items`.
macro_rules! side_of_type {
    ($module:ident, $service:literal, { $($item:item)* }, $root:ty, [$($value:expr),+ $(,)?]) => {
        pub(super) mod $module {
            #![allow(
                dead_code,
                unused_imports,
                clippy::all,
                clippy::pedantic,
                reason = "types that stand for those of users"
            )]
            use std::{borrow::Cow, collections::{BTreeMap, HashMap}, num::NonZeroU32, sync::Arc, time::Duration};
            use farcall::{Channel, Result, Server, channel::Sender, stream::Stream};
            use futures::{StreamExt as _, TryStreamExt as _, stream};
            use serde::{Deserialize, Serialize};
            use crate::drift::{judge::Seen, kinds::{Held, json, parsed, remote}, Side};

            $(#[derive(Clone, Debug, Serialize, Deserialize)] $item)*

            type Root = $root;

            fn values() -> Vec<Root> {
                vec![$($value),+]
            }

            fn value(index: u32) -> Root {
                values().swap_remove(index as usize)
            }

            #[farcall::service(name = $service)]
            trait Api {
                async fn told(&self) -> Result<Vec<String>>;
                async fn put(&self, value: Root) -> Result<String>;
                async fn get(&self, index: u32) -> Result<Root>;
                async fn fail(&self, index: u32) -> Result<(), Held<Root>>;
                fn items(&self) -> impl Stream<Item = Root> + Send;
                async fn take(&self, items: impl Stream<Item = Root> + Send) -> Result<Vec<String>>;
                async fn hand(&self, to: Sender<Root>) -> Result<()>;
            }

            struct Impl;

            impl Api for Impl {
                async fn told(&self) -> Result<Vec<String>> {
                    Ok(values().iter().map(json).collect())
                }
                async fn put(&self, value: Root) -> Result<String> {
                    Ok(json(&value))
                }
                async fn get(&self, index: u32) -> Result<Root> {
                    Ok(value(index))
                }
                async fn fail(&self, index: u32) -> Result<(), Held<Root>> {
                    Err(Held::Value(value(index)))
                }
                fn items(&self) -> impl Stream<Item = Root> + Send {
                    stream::iter(values())
                }
                async fn take(&self, items: impl Stream<Item = Root> + Send) -> Result<Vec<String>> {
                    Ok(items.map(|value| json(&value)).collect().await)
                }
                async fn hand(&self, to: Sender<Root>) -> Result<()> {
                    for value in values() {
                        to.send(value).await?;
                    }
                    to.finish();
                    Ok(())
                }
            }

            async fn probe(channel: Channel) -> Vec<(&'static str, Seen)> {
                let client = ApiClient::new(channel);
                let here: Vec<_> = values().iter().map(|value| parsed(&json(value))).collect();
                let told = client.told().await.expect("a method that did not change");
                let there: Vec<_> = told.iter().map(|text| parsed(text)).collect();
                let (mut put, mut get, mut fail) = (Vec::new(), Vec::new(), Vec::new());
                for (value, meant) in values().into_iter().zip(&here) {
                    put.push(match client.put(value).await {
                        Ok(got) => Seen::value(meant, &parsed(&got)),
                        Err(error) => Seen::error(&error),
                    });
                }
                for (index, meant) in there.iter().enumerate() {
                    get.push(match client.get(index as u32).await {
                        Ok(got) => Seen::value(meant, &parsed(&json(&got))),
                        Err(error) => Seen::error(&error),
                    });
                    fail.push(match client.fail(index as u32).await {
                        Err(Held::Value(got)) => Seen::value(meant, &parsed(&json(&got))),
                        Err(held) => Seen::error(&remote(held)),
                        Ok(()) => Seen::Wrong("an error arrived as a success".to_owned()),
                    });
                }
                let items = client.items().map_ok(|item| parsed(&json(&item))).try_collect::<Vec<_>>().await;
                let taken = client.take(stream::iter(values())).await;
                let taken = taken.map(|texts| texts.iter().map(|text| parsed(text)).collect::<Vec<_>>());
                let (to, from) = farcall::channel::channel();
                let handed = match client.hand(to).await {
                    Ok(()) => from.map_ok(|item: Root| parsed(&json(&item))).try_collect::<Vec<_>>().await,
                    Err(error) => Err(error),
                };
                let all = |meant: &[serde_json::Value], got: Result<Vec<_>>| match got {
                    Ok(got) => Seen::value(&meant.into(), &got.into()),
                    Err(error) => Seen::error(&error),
                };
                vec![
                    ("put", Seen::worst(put)),
                    ("get", Seen::worst(get)),
                    ("fail", Seen::worst(fail)),
                    ("items", all(&there, items)),
                    ("take", all(&here, taken)),
                    ("hand", all(&there, handed)),
                ]
            }

            pub(in crate::drift) fn side() -> Side {
                Side {
                    contract: ApiClient::contract,
                    serve: |server| server.service(ApiServer::new(Impl)),
                    probe: |channel| Box::pin(probe(channel)),
                }
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

            pub(in crate::drift) fn side() -> Side {
                Side {
                    contract: ApiClient::contract,
                    serve: |server| server.service(ApiServer::new(Impl)),
                    probe: |channel| Box::pin(probe(channel)),
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

            pub(in crate::drift) fn side() -> Side {
                Side {
                    contract: ApiClient::contract,
                    serve: |server| server.service(ApiServer::new(Impl)),
                    probe: |channel| Box::pin(probe(channel)),
                }
            }
        }
    };
}

pub(super) use {side_of_arguments, side_of_result, side_of_type};
