//! Types that are called like those of other libraries and can cross the network, and bounds on `Self` that say
//! nothing about a client.

use std::fmt::Display;

use farcall::{Channel, Client};
use serde::{Deserialize, Serialize};

mod io {
    use super::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Error {
        Full,
        Remote(String),
    }

    impl From<farcall::Error> for Error {
        fn from(error: farcall::Error) -> Self {
            Self::Remote(error.to_string())
        }
    }

    pub(super) type Result<T> = std::result::Result<T, Error>;
}

mod mpsc {
    use super::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Sender(pub(super) u32);
}

#[farcall::service]
trait Store {
    async fn put(&self, sender: mpsc::Sender) -> io::Result<mpsc::Sender>;
    async fn fail(&self) -> Result<(), io::Error>;
    async fn all(&self, senders: &[mpsc::Sender], pair: (u32, Option<mpsc::Sender>)) -> Vec<(u32, mpsc::Sender)>;
}

struct Shelf;

impl Store for Shelf {
    async fn put(&self, sender: mpsc::Sender) -> io::Result<mpsc::Sender> {
        Ok(sender)
    }

    async fn fail(&self) -> Result<(), io::Error> {
        Err(io::Error::Full)
    }

    async fn all(&self, senders: &[mpsc::Sender], pair: (u32, Option<mpsc::Sender>)) -> Vec<(u32, mpsc::Sender)> {
        senders
            .iter()
            .cloned()
            .chain(pair.1)
            .map(|sender| (pair.0, sender))
            .collect()
    }
}

#[tokio::test]
async fn a_name_alone_refuses_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let store = StoreClient::loopback(Shelf);
    let sender = mpsc::Sender(7);
    assert_eq!(store.put(sender.clone()).await, Ok(sender.clone()));
    assert_eq!(store.fail().await, Err(io::Error::Full));
    let all = store.all(&[mpsc::Sender(1)], (2, Some(sender.clone()))).await?;
    assert_eq!(all, [(2, mpsc::Sender(1)), (2, sender)]);
    Ok(())
}

/// Its client does not implement the trait, even if it has a `Display`.
#[farcall::service]
trait Shown
where
    Self: Display,
{
    async fn count(&self) -> u32;
}

/// Nor is this one, although its methods are such as a client could have.
#[farcall::service]
trait Checked
where
    Self: Display,
{
    async fn count(&self) -> farcall::Result<u32>;
}

struct Label;

impl Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("label")
    }
}

impl Shown for Label {
    async fn count(&self) -> u32 {
        1
    }
}

impl Checked for Label {
    async fn count(&self) -> farcall::Result<u32> {
        Ok(2)
    }
}

#[tokio::test]
async fn what_is_asked_of_an_implementation_is_not_asked_of_its_client() -> farcall::Result<()> {
    let shown = ShownClient::new(Channel::local(ShownServer::new(Label)));
    assert_eq!(shown.count().await?, 1);
    let checked = CheckedClient::local(Label);
    assert_eq!(checked.count().await?, 2);
    Client::channel(&checked).revoke();
    Ok(())
}
