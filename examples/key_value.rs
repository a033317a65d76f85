//! A small key-value store: bytes as values, versions as optimistic locks, driven by a script of commands.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, PoisonError},
};

use farcall::Server;
use serde::{Deserialize, Serialize};

/// A value and the number of times it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    version: u64,
    /// In one piece; plain serde would take each byte by itself.
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
}

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum StoreError {
    #[error("there is no `{key}`")]
    Missing { key: String },
    #[error("`{key}` is at version {actual}, not {expected}")]
    Conflict { key: String, expected: u64, actual: u64 },
    #[error(transparent)]
    Remote(#[from] farcall::Error),
}

#[farcall::service]
trait Store {
    #[rpc(idempotent, timeout = "2s")]
    async fn entry(&self, key: &str) -> Result<Entry, StoreError>;
    /// Writes if the key is at version `expected`, which is 0 for one that is not there; says the new version.
    async fn put_blob(&self, key: &str, blob: &[u8], expected: u64) -> Result<u64, StoreError>;
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Entry>>);

impl Store for Memory {
    async fn entry(&self, key: &str) -> Result<Entry, StoreError> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).cloned().ok_or_else(|| missing(key))
    }

    async fn put_blob(&self, key: &str, blob: &[u8], expected: u64) -> Result<u64, StoreError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let actual = entries.get(key).map_or(0, |entry| entry.version);
        if actual != expected {
            let key = key.to_owned();
            return Err(StoreError::Conflict { key, expected, actual });
        }
        let (version, blob) = (actual + 1, blob.to_vec());
        entries.insert(key.to_owned(), Entry { version, blob });
        Ok(version)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(key).map(drop).ok_or_else(|| missing(key))
    }
}

fn missing(key: &str) -> StoreError {
    StoreError::Missing { key: key.to_owned() }
}

/// One line of the script, as a command line would do it.
async fn run(store: &impl Store, command: &str) -> Result<String, StoreError> {
    let words: Vec<&str> = command.split_whitespace().collect();
    Ok(match words[..] {
        ["put", key, value, expected] => {
            let number = expected
                .parse()
                .map_err(|_| farcall::Error::invalid_argument("no number"))?;
            format!("version {}", store.put_blob(key, value.as_bytes(), number).await?)
        }
        ["get", key] => {
            let entry = store.entry(key).await?;
            format!("{} (version {})", String::from_utf8_lossy(&entry.blob), entry.version)
        }
        ["delete", key] => store.delete(key).await.map(|()| "deleted".to_owned())?,
        _ => return Err(farcall::Error::invalid_argument("put, get or delete").into()),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new()
        .service(StoreServer::new(Memory::default()))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let store = StoreClient::connect(server.local_addr()).await?;
    for (command, expected) in [
        ("put fruit/apple red 0", "version 1"),
        ("put fruit/pear green 0", "version 1"),
        ("put fruit/apple yellow 1", "version 2"),
        ("put fruit/apple blue 1", "`fruit/apple` is at version 2, not 1"),
        ("get fruit/apple", "yellow (version 2)"),
        ("delete fruit/pear", "deleted"),
        ("get fruit/pear", "there is no `fruit/pear`"),
    ] {
        let answer = run(&store, command).await.unwrap_or_else(|error| error.to_string());
        println!("> {command}\n{answer}");
        assert_eq!(answer, expected);
    }
    let photo = vec![0xD8; 4 << 20];
    store.put_blob("photo", &photo, 0).await?;
    assert_eq!(store.entry("photo").await?.blob, photo);
    println!("> a photo of {} bytes went there and back", photo.len());
    Ok(())
}
