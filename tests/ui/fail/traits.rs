#[farcall::service]
pub trait Lifetime<'a> {
    async fn put(&self, text: &'a str) -> u32;
}

#[farcall::service]
pub unsafe trait Unsafe {
    async fn put(&self) -> u32;
}

#[farcall::service]
pub trait Items {
    const LIMIT: usize;
    type Lent<'a>;
    #[cfg(all())]
    type Sometimes;
    fn fine(&self) -> u32;
}

#[farcall::service]
pub trait Foreign: Iterator {
    async fn put(&self) -> Option<Self::Item>;
}

#[farcall::service]
pub trait Macros {
    some_macro!();
}

fn main() {}
