//! Errors of other libraries, in every form in which they are written.

use std::io;

mod aliased {
    use anyhow::Result;

    #[farcall::service]
    pub trait Shop {
        async fn price(&self) -> Result<u32>;
    }
}

type Checked<T, E = std::fmt::Error> = Result<T, E>;
type CheckResult = Checked<u32>;

#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> anyhow::Result<u32>;
    async fn read(&self) -> io::Result<Vec<u8>>;
    async fn write(&self) -> Result<(), io::Error>;
    async fn boxed(&self) -> Result<u32, Box<dyn std::error::Error + Send + Sync>>;
    async fn check(&self) -> CheckResult;
}

fn main() {}
