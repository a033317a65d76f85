//! What the server would have to borrow although it owns, and types that others call like those of std.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Row(pub u32);

mod clock {
    pub struct Duration;
}

#[farcall::service]
pub trait Inventory {
    async fn rows(&self, rows: Vec<&Row>) -> farcall::Result<()>;
    async fn pair(&self, pair: (&Row, u32)) -> farcall::Result<()>;
    async fn twice(&self, row: &&Row) -> farcall::Result<()>;
    async fn wait(&self, row: Row) -> farcall::Result<clock::Duration>;
}

fn main() {}
