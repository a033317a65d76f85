#[farcall::service]
pub trait Counter {
    async fn next(&self) -> u32;
}

fn count(_: impl Counter) {}

fn with(client: CounterClient) {
    count(client);
}

fn main() {}
