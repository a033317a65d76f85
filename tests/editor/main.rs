//! What rust-analyzer shows to a user who writes a service, implements and calls it.
//!
//! It is given the project in `sample/`, with the library in `sysroot/` as the standard one. Generated code is in no
//! file, so an editor finds its way by the spans that the attribute gives to it.
//!
//! Needs rust-analyzer: the program that `FARCALL_RUST_ANALYZER` names, or the one on the `PATH`. The tests say so
//! where there is none. The expected texts are those of the release that comes with Rust 1.95.
#![allow(missing_docs, clippy::print_stderr, reason = "a test that says when it cannot run")]

mod client;
mod editor;
mod mistakes;
mod navigation;
mod places;
mod questions;
mod renaming;
mod typing;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use anyhow::{Result, anyhow};

use editor::Editor;

/// One for all checks, since a server takes its time to know a project. `None` where there is no rust-analyzer.
static EDITOR: OnceLock<Result<Option<Mutex<Editor>>, String>> = OnceLock::new();

/// Runs `body` with the project as it is saved.
fn check(body: impl FnOnce(&mut Editor) -> Result<()>) -> Result<()> {
    let editor = EDITOR.get_or_init(|| open().map_err(|error| format!("{error:#}")));
    let Some(editor) = editor.as_ref().map_err(|error| anyhow!("{error}"))? else {
        return Ok(());
    };
    // A check that failed has left nothing that `revert` does not take back.
    let mut editor = editor.lock().unwrap_or_else(PoisonError::into_inner);
    editor.revert()?;
    body(&mut editor)
}

fn open() -> Result<Option<Mutex<Editor>>> {
    let Some(program) = rust_analyzer() else {
        eprintln!("SKIPPED: rust-analyzer is missing");
        return Ok(None);
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = here.join("sample");
    // The sample has the versions that are tested everywhere else.
    fs::copy(here.join("../../Cargo.lock"), sample.join("Cargo.lock"))?;
    let editor = Editor::open(&program, &sample, Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    Ok(Some(Mutex::new(editor)))
}

fn rust_analyzer() -> Option<PathBuf> {
    if let Some(program) = env::var_os("FARCALL_RUST_ANALYZER") {
        return Some(program.into());
    }
    // Where rustup has not installed it there is still a program of that name, which fails.
    let version = Command::new("rust-analyzer").arg("--version").output();
    let works = version.is_ok_and(|output| output.status.success());
    works.then(|| "rust-analyzer".into())
}
