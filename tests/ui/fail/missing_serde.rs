use serde::{Deserialize, Serialize};

pub struct Opaque;

#[derive(Serialize, Deserialize)]
pub struct Known;

#[derive(Serialize, Deserialize)]
pub struct NotFrom;

#[farcall::service]
pub trait Inventory {
    async fn put(&self, known: Known, opaque: Opaque) -> farcall::Result<()>;
}

#[farcall::service]
pub trait Outputs {
    async fn take(&self) -> Opaque;
}

#[farcall::service]
pub trait Errors {
    async fn fail(&self) -> Result<Known, NotFrom>;
}

fn main() {}
