//! A configuration that clients watch: each has the newest one at hand, and hears when it changes.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error;

use farcall::{Server, channel::watch};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Config {
    version: u32,
    greeting: String,
}

#[farcall::service]
trait Settings {
    /// The configuration as it is, and as it will be.
    async fn config(&self) -> farcall::Result<watch::Receiver<Config>>;
    async fn greet(&self, greeting: &str) -> farcall::Result<u32>;
}

struct Store(watch::Sender<Config>);

impl Settings for Store {
    async fn config(&self) -> farcall::Result<watch::Receiver<Config>> {
        Ok(self.0.subscribe())
    }

    async fn greet(&self, greeting: &str) -> farcall::Result<u32> {
        self.0.send_modify(|config| {
            config.version += 1;
            greeting.clone_into(&mut config.greeting);
        });
        Ok(self.0.latest().version)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let first = Config {
        version: 1,
        greeting: "hello".to_owned(),
    };
    let server = Server::new()
        .service(SettingsServer::new(Store(watch::channel(first).0)))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let client = SettingsClient::connect(server.local_addr()).await?;
    let mut config = client.config().await?;
    println!("at first: {:?}", config.latest());
    assert_eq!(config.latest().version, 1, "it came with the answer");

    // Another task changes it. A slow receiver sees the newest version and not all of them.
    let admin = SettingsClient::connect(server.local_addr()).await?;
    for greeting in ["good morning", "good day", "good evening"] {
        admin.greet(greeting).await?;
    }
    loop {
        config.changed().await?;
        let latest = config.latest();
        println!("changed to {latest:?}");
        if latest.version == 4 {
            break;
        }
    }
    assert_eq!(config.latest().greeting, "good evening");

    // When the server goes, so does the watching; what was seen last is still there.
    drop(server);
    let end = loop {
        if let Err(end) = config.changed().await {
            break end;
        }
    };
    println!("{end}; the last one was {:?}", config.latest());
    Ok(())
}
