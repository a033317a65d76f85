//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below `folder`, but for what is in a folder that is called as one of `skipped`.
pub fn files(folder: &Path, skipped: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if !path.is_dir() {
                found.push(path);
            } else if !skipped.iter().any(|skipped| path.ends_with(skipped)) {
                folders.push(path);
            }
        }
    }
    found
}

/// The folders of what people do not write: built, found by fuzzers, kept by git.
pub const MADE: [&str; 3] = [".git", "corpus", "target"];
