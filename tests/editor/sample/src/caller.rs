//! Callers of the service.

use crate::inventory::{Inventory, InventoryBlockingClient, InventoryClient};

/// Calls from a task.
pub async fn restock(client: &InventoryClient) -> farcall::Result<()> {
    let count = client.stock("apple").await?;
    client.put("apple", count).await
}

/// Calls from a thread.
pub fn count(blocking: &InventoryBlockingClient) -> farcall::Result<u32> {
    blocking.stock("pear")
}

/// Calls everything that there is.
pub async fn audit(inventory: &(impl Inventory + Sync)) -> farcall::Result<bool> {
    inventory.suffices("plum", 1).await
}
