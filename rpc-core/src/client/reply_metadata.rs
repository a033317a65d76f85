//! The metadata of answers.

use std::sync::Arc;

use crate::{Metadata, sync::Mutex};

/// Receives the metadata that comes back with answers.
///
/// ```no_run
/// # #[farcall::service] pub trait Inventory { async fn stock(&self, sku: &str) -> farcall::Result<u32>; }
/// # async fn example(inventory: InventoryClient) -> farcall::Result<()> {
/// use farcall::client::ReplyMetadata;
///
/// let seen = ReplyMetadata::new();
/// inventory.with_reply_metadata(&seen).stock("apple").await?;
/// println!("served by {:?}", seen.latest().value("shelf"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReplyMetadata(Arc<Mutex<Metadata>>);

impl ReplyMetadata {
    /// Nothing received yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The metadata of the answer that came last, result or error.
    pub fn latest(&self) -> Metadata {
        self.0.lock().clone()
    }

    pub(super) fn replace(&self, metadata: Metadata) {
        *self.0.lock() = metadata;
    }
}
