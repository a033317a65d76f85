#[farcall::service]
pub trait Inventory {
    async fn generic<T>(&self, value: T) -> u32;
    async fn constant<const N: usize>(&self) -> u32;
    async fn bounded(&self) -> u32
    where
        String: Clone;
    unsafe fn vouched(&self) -> u32;
    extern "C" fn foreign(&self) -> u32;
    async fn pattern(&self, (a, b): (u32, u32)) -> u32;
    async fn unnamed(&self, _: u32) -> u32;
    async fn conditional(&self, #[cfg(all())] a: u32) -> u32;
    async fn seventeen(
        &self,
        a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8,
        j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8, q: u8,
    ) -> u32;
}

fn main() {}
