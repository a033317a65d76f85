#[farcall::service]
pub trait Inventory {
    async fn stock(&self) -> u32;
    #[rpc(name = "stock")]
    async fn count(&self) -> u32;
    // The compiler knows better than the attribute which of these exist.
    #[cfg(any())]
    async fn either(&self) -> u32;
    #[cfg(all())]
    async fn either(&self) -> u32;
}

#[farcall::service]
pub trait Conditional {
    #[cfg(all())]
    async fn first(&self) -> u32;
    #[cfg(not(any()))]
    #[rpc(name = "first")]
    async fn second(&self) -> u32;
}

fn main() {}
