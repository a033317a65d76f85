//! The program `load` with mimalloc, on both sides.

use std::error::Error;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    farcall_benches::run("mimalloc")
}
