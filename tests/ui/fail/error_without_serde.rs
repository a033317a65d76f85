//! An error type has two things to do: cross the network, and hold what goes wrong there.

#[derive(Debug)]
pub enum StockError {
    Unknown,
}

impl From<farcall::Error> for StockError {
    fn from(_: farcall::Error) -> Self {
        Self::Unknown
    }
}

#[farcall::service]
pub trait Inventory {
    async fn stock(&self, sku: &str) -> Result<u32, StockError>;
}

fn main() {}
