//! No line is wider than a window of 120 columns. Rows of tables and what compilers print cannot be broken.
#![allow(missing_docs, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const COLUMNS: usize = 120;
const KINDS: [&str; 6] = ["md", "py", "rs", "sh", "toml", "yml"];

/// The files of the repository that people write.
fn written(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "corpus", ".git", "snapshots"].contains(&name.as_str()) {
                written(&path, found);
            }
        } else if name == "run"
            || KINDS
                .iter()
                .any(|kind| path.extension().is_some_and(|found| found == *kind))
        {
            found.push(path);
        }
    }
}

fn is_row(line: &str) -> bool {
    line.trim_start()
        .trim_start_matches(['/', '!'])
        .trim_start()
        .starts_with('|')
}

#[test]
fn no_line_is_wider_than_a_window() {
    let mut files = Vec::new();
    written(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut files);
    assert!(files.len() > 400, "only {} files were found", files.len());
    let mut wide = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let lines = text.lines().enumerate();
        wide.extend(
            lines
                .filter(|(_, line)| line.chars().count() > COLUMNS && !is_row(line))
                .map(|(number, _)| format!("{}:{}", file.display(), number + 1)),
        );
    }
    assert!(
        wide.is_empty(),
        "lines of more than {COLUMNS} columns:\n{}",
        wide.join("\n")
    );
}
