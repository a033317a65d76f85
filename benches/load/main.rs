//! The program `load` with the system's allocator.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    farcall_benches::run("the system's allocator")
}
