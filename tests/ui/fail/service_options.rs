#[farcall::service(nam = "x")]
pub trait Unknown {
    async fn put(&self) -> u32;
}

#[farcall::service(name = "a/b")]
pub trait Slash {
    async fn put(&self) -> u32;
}

#[farcall::service(bound = "T")]
pub trait Bound<T: Send> {
    async fn put(&self) -> u32;
}

#[farcall::service(crate = 3)]
pub trait Crate {
    async fn put(&self) -> u32;
}

#[farcall::service(bound)]
pub trait Unbound<T> {
    async fn put(&self, value: T) -> u32;
}

#[farcall::service(crate, name = "a", name = "b")]
pub trait Twice {
    async fn put(&self) -> u32;
}

#[farcall::service(blocking)]
pub trait Blocking {
    async fn put(&self) -> u32;
}

#[farcall::service(blocking = "no")]
pub trait Never {
    async fn put(&self) -> u32;
}

fn main() {
    fn _use(_: UnknownClient, _: SlashClient, _: CrateClient) {}
}
