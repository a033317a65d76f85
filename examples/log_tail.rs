//! A live log: lines come as a stream while they are written, and a reader that has seen enough drops it.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

use farcall::{Server, stream::Stream};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    number: u64,
    text: String,
}

#[farcall::service]
trait Log {
    async fn append(&self, text: &str) -> farcall::Result<u64>;
    /// The last `count` lines, and then those that are written from now on. It ends only when its reader drops it.
    fn tail(&self, count: usize) -> impl Stream<Item = farcall::Result<Line>>;
    /// Waits until there are no followers.
    async fn unwatched(&self) -> farcall::Result<()>;
}

struct Journal {
    lines: Mutex<Vec<Line>>,
    news: broadcast::Sender<Line>,
    followers: watch::Sender<usize>,
}

/// Counts one for as long as its stream is there.
struct Follower(watch::Sender<usize>);

impl Follower {
    fn new(followers: &watch::Sender<usize>) -> Self {
        followers.send_modify(|followers| *followers += 1);
        Self(followers.clone())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.send_modify(|followers| *followers -= 1);
    }
}

impl Log for Journal {
    async fn append(&self, text: &str) -> farcall::Result<u64> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, text) = (lines.len() as u64, text.to_owned());
        lines.push(Line { number, text });
        // Under the lock, so that a follower gets each line once. It is not an error if there are no followers.
        let _ = self.news.send(lines[lines.len() - 1].clone());
        Ok(number)
    }

    fn tail(&self, count: usize) -> impl Stream<Item = farcall::Result<Line>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let old = lines[lines.len().saturating_sub(count)..].to_vec();
        let news = (self.news.subscribe(), Follower::new(&self.followers));
        let news = stream::try_unfold(news, |(mut news, follower)| async {
            // A client that reads slowly makes this stream wait, and then lines are lost, which it is told.
            match news.recv().await {
                Ok(line) => Ok(Some((line, (news, follower)))),
                Err(broadcast::error::RecvError::Closed) => Ok(None),
                Err(error) => Err(farcall::Error::aborted(error.to_string())),
            }
        });
        stream::iter(old).map(Ok).chain(news)
    }

    async fn unwatched(&self) -> farcall::Result<()> {
        let mut followers = self.followers.subscribe();
        let waited = followers.wait_for(|followers| *followers == 0).await;
        waited
            .map(drop)
            .map_err(|_| farcall::Error::aborted("the log is closed"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let journal = Journal {
        lines: Mutex::default(),
        news: broadcast::Sender::new(1024),
        followers: watch::Sender::default(),
    };
    let server = Server::new()
        .service(LogServer::new(journal))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let log = LogClient::connect(server.local_addr()).await?;
    for text in ["boot", "mount", "network"] {
        log.append(text).await?;
    }
    // Another machine writes on, while this one reads along.
    let writer = LogClient::connect(server.local_addr()).await?;
    let shown = |line: &Line| println!("{:>3} {}", line.number, line.text);
    let mut tail = log.tail(2).inspect_ok(shown);
    let old: Vec<Line> = (&mut tail).take(2).try_collect().await?;
    let writing = async {
        for round in 0..5 {
            writer.append(&format!("round {round}")).await?;
        }
        Ok::<_, farcall::Error>(())
    };
    // `take` drops the stream behind its last item, which stops it on the server.
    let (lines, written) = tokio::join!(tail.take(4).try_collect::<Vec<Line>>(), writing);
    written?;
    let numbers: Vec<u64> = old.iter().chain(&lines?).map(|line| line.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6], "two old lines and four new ones");
    log.unwatched().await?;
    println!("six lines are enough; the server's end of the stream is gone, too");
    Ok(())
}
