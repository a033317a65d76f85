//! What is shown where the service is not right, or not finished.

use anyhow::Result;

use crate::check;

#[test]
fn a_project_without_mistakes_shows_none() -> Result<()> {
    check(|editor| {
        for name in ["inventory.rs", "caller.rs", "warehouse.rs", "lib.rs"] {
            assert_eq!(editor.diagnostics(name)?, [], "in {name}");
        }
        Ok(())
    })
}

#[test]
fn a_mistake_stays_at_its_place() -> Result<()> {
    check(|editor| {
        editor.type_over(
            "inventory.rs: async fn put(&self, sku: «&str», count: u32) -> farcall::Result<()>;",
            "&mut str",
        )?;
        let place = "async fn put(&self, sku: &«mut» str, count: u32) -> farcall::Result<()>;";
        let message = "the other side cannot change the caller's value: take `&` and return what is new";
        assert_eq!(
            editor.diagnostics("inventory.rs")?,
            [(place.to_owned(), message.to_owned())]
        );
        assert_others_are_there(editor)
    })
}

#[test]
fn a_method_that_an_implementation_lacks_is_named() -> Result<()> {
    check(|editor| {
        editor.type_over(
            "warehouse.rs: async fn «put»(&self, _sku: &str, _count: u32) -> farcall::Result<()> {",
            "pot",
        )?;
        let place = "impl «Inventory» for Warehouse {";
        let message = "not all trait items implemented, missing: `fn put`";
        let found = editor.diagnostics("warehouse.rs")?;
        assert!(found.contains(&(place.to_owned(), message.to_owned())), "{found:?}");
        Ok(())
    })
}

/// Editors close what they open; behind a parenthesis that stays open all is inside of it.
#[test]
fn a_half_typed_method_leaves_the_others() -> Result<()> {
    check(|editor| {
        for half in [
            "fn",
            "async fn",
            "async fn pu",
            "async fn put()",
            "async fn put(&self, sku)",
            "async fn put(&self, sku: )",
            "async fn put(&self, sku: &str) -> farcall::",
            "async fn put(&self, sku: &str) -> farcall::Result<",
            "#[rpc(idem)]",
            "#[rpc(timeout = )] async fn put(&self);",
            "/// Puts",
        ] {
            editor.revert()?;
            let method = "inventory.rs: «async fn put(&self, sku: &str, count: u32) -> farcall::Result<()>;»";
            editor.type_over(method, half)?;
            eprintln!("after `{half}`");
            assert_others_are_there(editor)?;
        }
        Ok(())
    })
}

#[test]
fn a_client_offers_the_methods_of_a_half_typed_trait() -> Result<()> {
    check(|editor| {
        let method = "inventory.rs: «async fn put(&self, sku: &str, count: u32) -> farcall::Result<()>;»";
        editor.type_over(method, "async fn pu")?;
        editor.type_over("caller.rs: «client.put(\"apple\", count).await»", "client.")?;
        let offered = editor.completions("caller.rs: client.«»")?;
        assert!(offered.contains(&"suffices".to_owned()), "{offered:?}");
        Ok(())
    })
}

/// All methods but `put`, and calls of them.
fn assert_others_are_there(editor: &mut crate::editor::Editor) -> Result<()> {
    let found = editor.definition("caller.rs: let count = client.«stock»(\"apple\").await?;")?;
    assert_eq!(
        found,
        ["inventory.rs: async fn «stock»(&self, sku: &str) -> farcall::Result<u32>;"]
    );
    let found = editor.definition("caller.rs: inventory.«suffices»(\"plum\", 1).await")?;
    let method = "inventory.rs: async fn «suffices»(&self, sku: &str, count: u32) -> farcall::Result<bool> {";
    assert_eq!(found, [method]);
    assert_eq!(editor.diagnostics("caller.rs")?, []);
    Ok(())
}
