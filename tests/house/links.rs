//! The links of the documents lead to files and headings that exist, and every chapter of the guide is listed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use farcall_tests::tree::{MADE, files, root};

#[test]
fn relative_links_lead_somewhere() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for document in markdown(&root()) {
        let name = document
            .strip_prefix(root())
            .expect("a file of the repository")
            .display();
        for link in links(&prose(&document)) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().expect("a folder").join(path),
            };
            if !target.exists() {
                wrong.push(format!("{name}: there is no file `{link}`"));
            } else if !heading.is_empty() && !headings(&target).contains(heading) {
                wrong.push(format!("{name}: there is no heading `{link}`"));
            }
        }
    }
    assert!(seen > 50, "links were found: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_chapter_is_in_the_crate_and_on_the_first_page() {
    let guide = fs::read_to_string(root().join("rpc-core/src/guide.rs")).expect("guide.rs");
    let first_page = links(&prose(&root().join("README.md")));
    let mut wrong = Vec::new();
    for chapter in markdown(&root().join("rpc-core/guide")) {
        let name = chapter.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_there = |text: String| guide.contains(&text);
        // Behind a comma is the feature that it needs.
        if !is_there(format!("chapter!({name});")) && !is_there(format!("chapter!({name}, ")) {
            wrong.push(format!("rpc-core/src/guide.rs lacks `chapter!({name});`"));
        }
        if !is_there(format!("//! - [`{name}`]: ")) {
            wrong.push(format!("rpc-core/src/guide.rs does not list `{name}`"));
        }
        if !first_page.contains(&format!("rpc-core/guide/{name}.md")) {
            wrong.push(format!("README.md does not link to the chapter `{name}`"));
        }
        // A label needs a file for the repository, and a module for the crate's documentation.
        let text = prose(&chapter);
        for label in labels(&text) {
            if !text.contains(&format!("\n[{label}]: ")) {
                wrong.push(format!("rpc-core/guide/{name}.md: the label `[{label}]` has no file"));
            }
            if !guide.contains(&format!("\"[{label}]: ")) {
                wrong.push(format!("rpc-core/src/guide.rs: the label `[{label}]` has no module"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documents of a folder.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut found = files(folder, &MADE);
    found.retain(|file| file.extension().is_some_and(|kind| kind == "md"));
    found
}

/// The text of a document without its blocks of code; of code inside a line the backticks are left.
fn prose(document: &Path) -> String {
    let text = fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let mut prose = String::new();
    for (number, block) in text.split("```").enumerate() {
        if number % 2 == 0 {
            let outside = block.split('`').step_by(2).collect::<Vec<_>>();
            prose.push_str(&outside.join("``"));
        }
    }
    prose
}

/// The targets of `[text](target)` and of `[label]: target`.
fn links(prose: &str) -> Vec<String> {
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let defined = prose
        .lines()
        .filter(|line| line.starts_with('['))
        .filter_map(|line| line.split_once("]: "));
    inline
        .chain(defined.map(|(_, target)| target))
        .map(str::to_owned)
        .collect()
}

/// The labels of `[label]`, but for those that are code: they mean items of the crate.
fn labels(prose: &str) -> BTreeSet<String> {
    let spans = prose.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let alone = spans.filter(|(label, after)| !label.contains('`') && !after.starts_with('('));
    alone.map(|(label, _)| label.replace('\n', " ")).collect()
}

/// The headings of a document as GitHub names them in addresses.
fn headings(document: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(document).expect("a document");
    let titles = text.lines().filter(|line| line.starts_with('#'));
    titles
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().chars();
            let kept = kept.filter(|character| character.is_alphanumeric() || " -_".contains(*character));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}
