//! What helps while one reads and types.

use anyhow::Result;

use crate::check;

#[test]
fn a_call_shows_the_method_and_its_documentation() -> Result<()> {
    check(|editor| {
        let shown = editor.hover("caller.rs: let count = client.«stock»(\"apple\").await?;")?;
        let signature = "pub fn stock(&self, sku: &str) -> __farcall::Call<farcall::Result<u32>>";
        assert!(shown.contains(signature), "{shown}");
        assert!(shown.ends_with("How many of `sku` are on the shelf."), "{shown}");
        Ok(())
    })
}

#[test]
fn a_client_shows_what_it_is() -> Result<()> {
    check(|editor| {
        let client = "caller.rs: pub async fn restock(client: &«InventoryClient») -> farcall::Result<()> {";
        let shown = editor.hover(client)?;
        assert!(shown.contains("pub struct InventoryClient {"), "{shown}");
        assert!(shown.contains("Calls the methods of a remote [`Inventory`]"), "{shown}");
        Ok(())
    })
}

/// The attribute makes much of it, which stands at no place of the user's.
#[test]
fn a_method_shows_itself_and_those_of_the_clients_and_no_more() -> Result<()> {
    check(|editor| {
        let shown = editor.hover("inventory.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32>;")?;
        let functions: Vec<_> = shown.lines().filter(|line| line.contains("fn ")).collect();
        let expected = [
            "pub fn stock(&self, sku: &str) -> impl ::core::future::Future<Output = farcall::Result<u32>> \
             + ::core::marker::Send",
            "pub fn stock(&self, sku: &str) -> __farcall::Call<farcall::Result<u32>>",
            "pub fn stock(&self, sku: &str) -> farcall::Result<u32>",
        ];
        assert_eq!(functions, expected, "{shown}");
        assert!(!shown.contains("macro_support"), "{shown}");
        Ok(())
    })
}

#[test]
fn a_trait_shows_itself_first() -> Result<()> {
    check(|editor| {
        let shown = editor.hover("inventory.rs: pub trait «Inventory» {")?;
        let types: Vec<_> = shown.lines().filter(|line| line.starts_with("pub ")).collect();
        let expected = [
            "pub trait Inventory",
            "pub struct InventoryClient {",
            "pub struct InventoryBlockingClient {",
            "pub struct InventoryServer<T> {",
        ];
        assert_eq!(types, expected, "{shown}");
        Ok(())
    })
}

#[test]
fn a_client_offers_the_methods() -> Result<()> {
    check(|editor| {
        editor.type_over("caller.rs: «client.put(\"apple\", count).await»", "client.")?;
        let offered = editor.completions("caller.rs: client.«»")?;
        for method in ["stock", "put", "suffices", "watch", "with_timeout"] {
            assert!(
                offered.contains(&method.to_owned()),
                "{method} is not among {offered:?}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_default_body_offers_the_methods() -> Result<()> {
    check(|editor| {
        editor.type_over("inventory.rs: let there = self.«stock(sku).await?;»", "")?;
        let offered = editor.completions("inventory.rs: let there = self.«»")?;
        assert!(offered.contains(&"stock(as Inventory)".to_owned()), "{offered:?}");
        Ok(())
    })
}

#[test]
fn an_implementation_is_offered_the_methods_that_it_lacks() -> Result<()> {
    check(|editor| {
        editor.type_over(
            "warehouse.rs: async fn «put(&self, _sku: &str, _count: u32) -> farcall::Result<()> {»",
            "p",
        )?;
        let offered = editor.completions("warehouse.rs: async fn p«»")?;
        assert!(offered.contains(&"async fn put(..)".to_owned()), "{offered:?}");
        Ok(())
    })
}

#[test]
fn a_call_shows_its_arguments() -> Result<()> {
    check(|editor| {
        let signature = editor.signature("caller.rs: client.put(«»\"apple\", count).await")?;
        assert_eq!(
            signature,
            "fn put(&self, sku: &str, count: u32) -> Call<Result<(), Error>>"
        );
        Ok(())
    })
}

#[test]
fn hints_are_about_what_one_wrote() -> Result<()> {
    check(|editor| {
        let hints = editor.hints("caller.rs")?;
        let expected = [
            "let count«» = client.stock(\"apple\").await?; : u32",
            "let count = client.stock(«»\"apple\").await?; sku:",
            "client.put(«»\"apple\", count).await sku:",
            "blocking.stock(«»\"pear\") sku:",
            "inventory.suffices(«»\"plum\", 1).await sku:",
            "inventory.suffices(\"plum\", «»1).await count:",
        ];
        assert_eq!(hints, expected);
        let hints = editor.hints("inventory.rs")?;
        assert!(!hints.is_empty() && !hints.concat().contains("__farcall"), "{hints:?}");
        Ok(())
    })
}
