//! From one place to another.

use anyhow::Result;
use lsp_types::request::{GotoDeclaration, GotoImplementation, GotoTypeDefinition};

use crate::check;

const ATTRIBUTE: &str = "inventory.rs: #[«farcall::service»]";
const TRAIT: &str = "inventory.rs: pub trait «Inventory» {";
const STOCK: &str = "inventory.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32>;";
const CALL: &str = "caller.rs: let count = client.«stock»(\"apple\").await?;";
const BLOCKING_CALL: &str = "caller.rs: blocking.«stock»(\"pear\")";
const CALL_IN_THE_TRAIT: &str = "inventory.rs: let there = self.«stock»(sku).await?;";
const IMPLEMENTATION: &str = "warehouse.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32> {";

#[test]
fn a_call_leads_to_the_method() -> Result<()> {
    check(|editor| {
        for call in [CALL, BLOCKING_CALL, CALL_IN_THE_TRAIT] {
            assert_eq!(editor.definition(call)?, [STOCK], "from {call}");
        }
        Ok(())
    })
}

#[test]
fn a_call_of_whatever_implementation_leads_to_the_method() -> Result<()> {
    check(|editor| {
        let found = editor.definition("caller.rs: inventory.«suffices»(\"plum\", 1).await")?;
        let method = "inventory.rs: async fn «suffices»(&self, sku: &str, count: u32) -> farcall::Result<bool> {";
        assert_eq!(found, [method]);
        Ok(())
    })
}

#[test]
fn an_implementation_leads_to_the_method() -> Result<()> {
    check(|editor| {
        assert_eq!(editor.follow::<GotoDeclaration>(IMPLEMENTATION)?, [STOCK]);
        Ok(())
    })
}

#[test]
fn a_client_leads_to_the_trait() -> Result<()> {
    check(|editor| {
        for client in [
            "caller.rs: pub async fn restock(client: &«InventoryClient») -> farcall::Result<()> {",
            "caller.rs: use crate::inventory::{Inventory, InventoryBlockingClient, «InventoryClient»};",
        ] {
            assert_eq!(editor.definition(client)?, [TRAIT], "from {client}");
        }
        Ok(())
    })
}

#[test]
fn a_blocking_client_leads_to_the_trait() -> Result<()> {
    check(|editor| {
        let client = "caller.rs: pub fn count(blocking: &«InventoryBlockingClient») -> farcall::Result<u32> {";
        assert_eq!(editor.definition(client)?, [TRAIT]);
        Ok(())
    })
}

#[test]
fn a_server_leads_to_the_trait() -> Result<()> {
    check(|editor| {
        assert_eq!(
            editor.definition("warehouse.rs: pub fn server() -> «InventoryServer»<Warehouse> {")?,
            [TRAIT]
        );
        Ok(())
    })
}

#[test]
fn the_type_of_a_client_is_found_at_the_trait() -> Result<()> {
    check(|editor| {
        let client = "caller.rs: let count = «client».stock(\"apple\").await?;";
        assert_eq!(editor.follow::<GotoTypeDefinition>(client)?, [TRAIT]);
        Ok(())
    })
}

/// The client and pointers are implementations, too, and the attribute is what makes them so.
#[test]
fn a_trait_and_a_method_lead_to_their_implementations() -> Result<()> {
    check(|editor| {
        let found = editor.follow::<GotoImplementation>(TRAIT)?;
        assert_eq!(found, [ATTRIBUTE, "warehouse.rs: impl Inventory for «Warehouse» {"]);
        assert_eq!(editor.follow::<GotoImplementation>(STOCK)?, [ATTRIBUTE, IMPLEMENTATION]);
        Ok(())
    })
}

#[test]
fn a_method_has_references_in_calls_and_implementations() -> Result<()> {
    check(|editor| {
        let expected = [BLOCKING_CALL, CALL, STOCK, CALL_IN_THE_TRAIT, IMPLEMENTATION];
        assert_eq!(editor.references(STOCK)?, expected);
        Ok(())
    })
}

#[test]
fn a_client_has_references_in_the_project_alone() -> Result<()> {
    check(|editor| {
        let found = editor
            .references("caller.rs: pub async fn restock(client: &«InventoryClient») -> farcall::Result<()> {")?;
        assert_eq!(
            found,
            [
                "caller.rs: pub async fn restock(client: &«InventoryClient») -> farcall::Result<()> {",
                "caller.rs: use crate::inventory::{Inventory, InventoryBlockingClient, «InventoryClient»};",
                TRAIT,
            ]
        );
        Ok(())
    })
}

#[test]
fn what_is_generated_is_found_by_name() -> Result<()> {
    check(|editor| {
        let names = [
            "Inventory",
            "InventoryBlockingClient",
            "InventoryClient",
            "InventoryServer",
        ];
        assert_eq!(
            editor.symbols("Inventory")?,
            names.map(|name| (name.to_owned(), TRAIT.to_owned()))
        );
        Ok(())
    })
}
