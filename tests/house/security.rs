//! The tests that `docs/security.md` names exist.

use std::{collections::BTreeSet, fs};

use farcall_tests::tree::{files, root};

#[test]
fn every_test_that_the_threats_name_exists() {
    let sources = ["tests", "rpc-core/src"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), &["target"]));
    let code: String = sources
        .filter(|file| file.extension().is_some_and(|kind| kind == "rs"))
        .map(|file| fs::read_to_string(file).expect("a source"))
        .collect();
    let document = fs::read_to_string(root().join("docs/security.md")).expect("the document");
    let rows = document.lines().filter(|line| line.starts_with("| **"));
    let named: BTreeSet<_> = rows
        .filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next())
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 50, "the table was read");
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !code.contains(&format!("fn {name}(")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/security.md names tests that do not exist: {missing:?}"
    );
}
