//! Expansions in full, so that a change of generated code is seen in review.
//!
//! `BLESS=1 cargo test -p farcall-macros` accepts the present output.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;

use crate::expand_service;

fn expanded(source: &str) -> String {
    let tokens: TokenStream = source.parse().expect("the source is Rust");
    let file = syn::parse2(expand_service(TokenStream::new(), tokens)).expect("the expansion is a list of items");
    prettyplease::unparse(&file)
}

#[test]
fn calls() {
    assert_expands("inventory");
}

#[test]
fn streams() {
    assert_expands("feed");
}

#[track_caller]
fn assert_expands(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let source = fs::read_to_string(folder.join(format!("{name}.rs"))).expect("the source is there");
    let path = folder.join(format!("{name}.expanded.rs"));
    let actual = expanded(&source);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &actual).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&path).expect("the snapshot is there");
    assert!(
        expected == actual,
        "the expansion differs from {}:\n{actual}",
        path.display()
    );
}

#[test]
fn a_mistake_leaves_the_trait_and_reports_all() {
    let actual = expanded("trait Inventory { async fn a(&mut self); #[rpc(b)] async fn c(&self, (d, e): (u8, u8)); }");
    assert!(actual.contains("trait Inventory"), "{actual}");
    assert!(actual.contains("struct InventoryClient"), "{actual}");
    assert_eq!(actual.matches("compile_error").count(), 3, "{actual}");
    assert!(!actual.contains("rpc"), "{actual}");
}

#[test]
fn what_is_no_trait_is_left_as_it_is() {
    let actual = expanded("struct Inventory;");
    assert!(actual.contains("struct Inventory;"), "{actual}");
    assert_eq!(actual.matches("compile_error").count(), 1, "{actual}");
}
