//! Calls over a loopback on one thread, for `count.sh` to count their instructions: `instructions BYTES CALLS`.

use std::{env, error::Error};

#[farcall::service]
trait Echo {
    async fn echo(&self, id: u64, body: &[u8]) -> farcall::Result<Vec<u8>>;
}

struct Handler;

impl Echo for Handler {
    async fn echo(&self, _: u64, body: &[u8]) -> farcall::Result<Vec<u8>> {
        Ok(body.to_vec())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let flags: Vec<String> = env::args().skip(1).collect();
    let [bytes, calls] = flags.as_slice() else {
        return Err("usage: instructions BYTES CALLS".into());
    };
    let body = vec![7; bytes.parse()?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(call(&body, calls.parse()?))
}

async fn call(body: &[u8], calls: u64) -> Result<(), Box<dyn Error>> {
    let echo = EchoClient::loopback(Handler);
    for id in 0..calls {
        assert_eq!(echo.echo(id, body).await?.len(), body.len());
    }
    Ok(())
}
