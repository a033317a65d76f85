//! Sessions: a login returns an object that lives on the server, with the state of one user; it lives as long as the
//! client has it.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, PoisonError},
};

use farcall::Server;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum LoginError {
    #[error("there is no user `{user}`")]
    Unknown { user: String },
    #[error(transparent)]
    Remote(#[from] farcall::Error),
}

#[farcall::service]
trait Shop {
    /// A session of one's own.
    async fn open(&self, user: &str) -> Result<SessionClient, LoginError>;
    /// Waits until so many sessions are open.
    async fn until_open(&self, sessions: usize) -> farcall::Result<()>;
}

/// No method says whose basket it is about: that is what the object knows.
#[farcall::service]
trait Session {
    async fn add(&self, article: &str, count: u32) -> farcall::Result<u32>;
    async fn basket(&self) -> farcall::Result<BTreeMap<String, u32>>;
}

#[derive(Default)]
struct Market {
    open: watch::Sender<usize>,
}

impl Shop for Market {
    async fn open(&self, user: &str) -> Result<SessionClient, LoginError> {
        if !["ada", "grace"].contains(&user) {
            let user = user.to_owned();
            return Err(LoginError::Unknown { user });
        }
        println!("server: {user} comes");
        self.open.send_modify(|open| *open += 1);
        Ok(SessionClient::local(Basket {
            user: user.to_owned(),
            articles: Mutex::default(),
            open: self.open.clone(),
        }))
    }

    async fn until_open(&self, sessions: usize) -> farcall::Result<()> {
        let mut open = self.open.subscribe();
        let waited = open.wait_for(|open| *open == sessions).await;
        waited
            .map(drop)
            .map_err(|_| farcall::Error::aborted("the shop is closed"))
    }
}

struct Basket {
    user: String,
    articles: Mutex<BTreeMap<String, u32>>,
    open: watch::Sender<usize>,
}

impl Session for Basket {
    async fn add(&self, article: &str, count: u32) -> farcall::Result<u32> {
        let mut articles = self.articles.lock().unwrap_or_else(PoisonError::into_inner);
        let there = articles.entry(article.to_owned()).or_default();
        *there = there.saturating_add(count);
        Ok(*there)
    }

    async fn basket(&self) -> farcall::Result<BTreeMap<String, u32>> {
        Ok(self.articles.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Runs when the client has dropped its last handle, and when its connection is lost.
impl Drop for Basket {
    fn drop(&mut self) {
        println!("server: {} leaves", self.user);
        self.open.send_modify(|open| *open -= 1);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::new()
        .service(ShopServer::new(Market::default()))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let shop = ShopClient::connect(server.local_addr()).await?;

    let (ada, grace) = (shop.open("ada").await?, shop.open("grace").await?);
    ada.add("apple", 3).await?;
    grace.add("pear", 1).await?;
    // A client may be cloned and shared; all of them are of the one session.
    assert_eq!(ada.clone().add("apple", 2).await?, 5);
    assert_eq!(ada.basket().await?, BTreeMap::from([("apple".to_owned(), 5)]));
    assert_eq!(grace.basket().await?, BTreeMap::from([("pear".to_owned(), 1)]));

    let nobody = shop.open("nobody").await.map(drop);
    println!("client: {}", nobody.expect_err("there is no such user"));

    shop.until_open(2).await?;
    drop(ada);
    shop.until_open(1).await?;
    drop(grace);
    shop.until_open(0).await?;
    println!("client: both sessions are over; nobody had to log out");
    Ok(())
}
