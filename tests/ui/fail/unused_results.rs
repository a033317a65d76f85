#![deny(unused_must_use)]

use farcall::{
    Server, Streaming,
    channel::{Receiver, watch},
    stream::Stream,
};

#[farcall::service]
pub trait Rates {
    fn history(&self) -> impl Stream<Item = u32> + Send;
    fn named(&self) -> Streaming<u32>;
    async fn live(&self) -> farcall::Result<Receiver<u32>>;
    async fn latest(&self) -> farcall::Result<watch::Receiver<u32>>;
}

async fn forgotten(server: Server, rates: RatesClient) -> farcall::Result<()> {
    server.listen("tcp://127.0.0.1:0").await?;
    rates.history();
    rates.named();
    rates.live();
    rates.live().await?;
    rates.latest().await?;
    Ok(())
}

fn forgotten_too(rates: RatesBlockingClient) {
    rates.history();
}

fn main() {}
