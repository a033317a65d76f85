//! New names.

use anyhow::Result;

use crate::check;

#[test]
fn a_method_is_renamed_with_its_calls_and_implementations() -> Result<()> {
    check(|editor| {
        let method = "inventory.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32>;";
        let expected = [
            "caller.rs: blocking.«stock»(\"pear\") -> on_hand",
            "caller.rs: let count = client.«stock»(\"apple\").await?; -> on_hand",
            "inventory.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32>; -> on_hand",
            "inventory.rs: let there = self.«stock»(sku).await?; -> on_hand",
            "warehouse.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32> { -> on_hand",
        ];
        assert_eq!(editor.rename(method, "on_hand")?, expected);
        Ok(())
    })
}

#[test]
fn an_argument_is_renamed_within_its_method() -> Result<()> {
    check(|editor| {
        let argument = "inventory.rs: async fn suffices(&self, sku: &str, «count»: u32) -> farcall::Result<bool> {";
        let expected = [
            "inventory.rs: Ok(«count» <= there) -> wanted",
            "inventory.rs: async fn suffices(&self, sku: &str, «count»: u32) -> farcall::Result<bool> { -> wanted",
        ];
        assert_eq!(editor.rename(argument, "wanted")?, expected);
        Ok(())
    })
}

#[test]
fn a_trait_is_renamed_with_its_clients_and_its_server() -> Result<()> {
    check(|editor| {
        let expected = [
            "caller.rs: pub async fn audit(inventory: &(impl «Inventory» + Sync)) -> farcall::Result<bool> { -> Depot",
            "caller.rs: pub async fn restock(client: &«InventoryClient») -> farcall::Result<()> { -> DepotClient",
            "caller.rs: pub fn count(blocking: &«InventoryBlockingClient») -> farcall::Result<u32> { \
             -> DepotBlockingClient",
            "caller.rs: use crate::inventory::{Inventory, InventoryBlockingClient, «InventoryClient»}; -> DepotClient",
            "caller.rs: use crate::inventory::{Inventory, «InventoryBlockingClient», InventoryClient}; \
             -> DepotBlockingClient",
            "caller.rs: use crate::inventory::{«Inventory», InventoryBlockingClient, InventoryClient}; -> Depot",
            "inventory.rs: pub trait «Inventory» { -> Depot",
            "warehouse.rs: impl «Inventory» for Warehouse { -> Depot",
            "warehouse.rs: pub fn server() -> «InventoryServer»<Warehouse> { -> DepotServer",
            "warehouse.rs: use crate::inventory::{Inventory, «InventoryServer»}; -> DepotServer",
            "warehouse.rs: use crate::inventory::{«Inventory», InventoryServer}; -> Depot",
            "warehouse.rs: «InventoryServer»::new(Warehouse) -> DepotServer",
        ];
        assert_eq!(
            editor.rename("inventory.rs: pub trait «Inventory» {", "Depot")?,
            expected
        );
        Ok(())
    })
}
