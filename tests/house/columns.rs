//! No line is wider than a window of 120 columns. Rows of tables and what compilers print cannot be broken.

use std::fs;

use farcall_tests::tree::{MADE, files, root};

const COLUMNS: usize = 120;
const KINDS: [&str; 6] = ["md", "py", "rs", "sh", "toml", "yml"];

fn is_row(line: &str) -> bool {
    line.trim_start()
        .trim_start_matches(['/', '!'])
        .trim_start()
        .starts_with('|')
}

#[test]
fn no_line_is_wider_than_a_window() {
    let skipped = [&MADE[..], &["snapshots"]].concat();
    let mut files = files(&root(), &skipped);
    files.retain(|file| {
        let kind = file.extension().map(|kind| kind.to_string_lossy());
        file.ends_with(".ci/run") || kind.is_some_and(|kind| KINDS.contains(&&*kind))
    });
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
