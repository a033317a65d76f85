//! Expansions in full, so that a change of generated code is seen in review.
//!
//! `BLESS=1 cargo test -p farcall-macros` accepts the present output.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::Ident;

use crate::{expand_service, names::ARGUMENTS};

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

/// The tests declare services with each of these names in each place where a user may choose one.
#[test]
fn the_list_of_names_is_whole() {
    let mut names = BTreeSet::new();
    for source in ["inventory", "feed"] {
        let source = source_of(source).parse().expect("the source is Rust");
        identifiers(expand_service(TokenStream::new(), source), &mut names);
    }
    let is_free =
        |name: &&String| !name.to_lowercase().starts_with("__farcall") && syn::parse_str::<Ident>(name).is_ok();
    let mut list = String::from(
        "// Every identifier of an expansion, kept whole by the tests of `farcall-macros`: `BLESS=1` writes \
         it.\ncollide! {\n",
    );
    for name in names.iter().filter(is_free) {
        writeln!(list, "    {} {name}", kind(name)).expect("a string takes text");
    }
    list.push_str("}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/macro_shapes/identifiers.rs");
    assert_is(&path, &list);
}

fn kind(name: &str) -> &'static str {
    match name {
        "Err" | "None" | "Ok" | "Some" => "prelude",
        name if ARGUMENTS.contains(&name) => "shown",
        _ => "hidden",
    }
}

fn identifiers(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                names.insert(ident.to_string());
            }
            TokenTree::Group(group) => identifiers(group.stream(), names),
            _ => {}
        }
    }
}

#[track_caller]
fn assert_expands(name: &str) {
    assert_is(
        &folder().join(format!("{name}.expanded.rs")),
        &expanded(&source_of(name)),
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

fn source_of(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.rs"))).expect("the source is there")
}

#[track_caller]
fn assert_is(path: &Path, actual: &str) {
    if env::var_os("BLESS").is_some() {
        fs::write(path, actual).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(path).expect("the snapshot is there");
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
    assert!(!actual.contains("rpc(b)"), "{actual}");
}

#[test]
fn what_is_no_trait_is_left_as_it_is() {
    let actual = expanded("struct Inventory;");
    assert!(actual.contains("struct Inventory;"), "{actual}");
    assert_eq!(actual.matches("compile_error").count(), 1, "{actual}");
}

#[test]
fn what_is_half_typed_leaves_the_rest() {
    let source = "trait Inventory { fn a(&self) -> u8; async fn half #[doc = \"b\"] async fn b(&self); }";
    let actual = expand_service(TokenStream::new(), source.parse().expect("it has tokens")).to_string();
    assert_eq!(actual.matches("compile_error").count(), 1, "{actual}");
    assert!(!actual.contains("half"), "{actual}");
    for method in ["Inventory.a", "Inventory.b"] {
        assert!(actual.contains(method), "{actual}");
    }
}
