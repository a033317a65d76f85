//! A service of which only a part is used causes no warning, and forbidding unsafe code is fine.
#![forbid(unsafe_code)]
#![deny(warnings, unused, missing_docs)]

#[farcall::service]
trait Silent {
    async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    fn version(&self) -> String;
    fn watch(&self, rows: impl farcall::stream::Stream<Item = u32>) -> farcall::Streaming<u32>;
}

struct Quiet;

impl Silent for Quiet {
    async fn stock(&self, _sku: &str) -> farcall::Result<u32> {
        Ok(1)
    }
    fn version(&self) -> String {
        String::new()
    }
    fn watch(&self, rows: impl farcall::stream::Stream<Item = u32> + Send + 'static) -> farcall::Streaming<u32> {
        farcall::Streaming::new(rows)
    }
}

/// Deprecated as a whole.
#[deprecated]
#[farcall::service]
pub trait Old {
    /// Counts.
    async fn count(&self) -> farcall::Result<u32>;
}

#[test]
fn it_is_served() {
    let _ = SilentServer::new(Quiet);
}
