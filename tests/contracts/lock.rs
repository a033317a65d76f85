//! A test that compares a contract with its lock file, run as a process of its own, with variables of its own.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use farcall::contract::{Contract, LockError};
use farcall_tests::process::{ROLE, is_child};
use tempfile::TempDir;

mod first {
    #[farcall::service]
    pub(super) trait Inventory {
        async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    }
}

mod second {
    #[farcall::service]
    pub(super) trait Inventory {
        async fn stock(&self, sku: &str, shelf: Option<u8>) -> farcall::Result<u64>;
    }
}

const VERSION: &str = "FARCALL_TEST_VERSION";
const PATH: &str = "FARCALL_TEST_PATH";
const ACCEPT: (&str, &str) = ("FARCALL_ACCEPT_CONTRACTS", "1");
const CI: (&str, &str) = ("CI", "true");

fn contract(version: &str) -> Contract {
    match version {
        "first" => first::InventoryClient::contract(),
        _ => second::InventoryClient::contract(),
    }
}

/// What a user writes, but for the version.
#[test]
fn in_a_process_of_its_own() -> Result<(), LockError> {
    match (is_child(), env::var_os(PATH)) {
        (true, Some(path)) => contract(&env::var(VERSION).unwrap_or_default()).check_lock(path),
        _ => Ok(()),
    }
}

struct Package {
    folder: TempDir,
}

impl Package {
    fn new() -> io::Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("contracts/shop/inventory.lock")
    }

    fn text(&self) -> io::Result<String> {
        fs::read_to_string(self.path())
    }

    /// The error of the test, or nothing if it passes.
    fn check(&self, version: &str, variables: &[(&str, &str)]) -> io::Result<String> {
        self.check_at(Path::new("contracts/shop/inventory.lock"), version, variables)
    }

    fn check_at(&self, path: &Path, version: &str, variables: &[(&str, &str)]) -> io::Result<String> {
        let mut command = Command::new(env::current_exe()?);
        command
            .args([
                "--exact",
                "lock::in_a_process_of_its_own",
                "--nocapture",
                "--test-threads=1",
            ])
            // As cargo does.
            .current_dir(self.folder.path())
            .env_remove(CI.0)
            .env_remove(ACCEPT.0)
            .envs([(ROLE, "1"), (VERSION, version)])
            .env(PATH, path)
            .envs(variables.iter().copied());
        let output = command.output()?;
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        if output.status.success() {
            assert!(said[0].contains("1 passed"), "{said:?}");
            return Ok(String::new());
        }
        Ok(said.concat())
    }
}

const FIRST: &str = "\
// Written by `Contract::check_lock`. A change of this file changes what old and new peers understand.
service Inventory
fn stock(sku: string) -> Result<u32>
";

#[test]
fn the_first_run_writes_the_file_and_later_ones_compare() -> io::Result<()> {
    let package = Package::new()?;
    assert_eq!(package.check("first", &[])?, "");
    assert_eq!(package.text()?, FIRST);
    assert_eq!(package.check("first", &[])?, "");
    assert_eq!(package.check("first", &[CI])?, "");
    Ok(())
}

#[test]
fn a_change_is_an_error_that_says_whom_it_breaks() -> io::Result<()> {
    let package = Package::new()?;
    package.check("first", &[])?;
    let expected = "\
the contract of `Inventory` has changed:
  `stock`: argument `shelf`: added (number 1 of 2, Option<u8>)
  `stock`: the result: the type was `u32` and is `u64`
bincode, postcard: breaks old clients and old servers
  breaks: `stock`: its types have changed, so calls of it are refused
CBOR, JSON: breaks old clients
  breaks: `stock`: the result: it is `u32` for an old client and `u64` for a new server: numbers that do not fit fail
  harmless: `stock`: argument `shelf`: an old client does not have it, and it is `None` for a new server
  harmless: `stock`: argument `shelf`: an old server does not have it and drops it
To accept this, run the test with FARCALL_ACCEPT_CONTRACTS=1 and commit contracts/shop/inventory.lock";
    for variables in [&[][..], &[CI]] {
        let error = package.check("second", variables)?;
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(package.text()?, FIRST, "the file stays as it is");
    Ok(())
}

#[test]
fn a_change_is_accepted_when_that_is_asked_for() -> io::Result<()> {
    let package = Package::new()?;
    package.check("first", &[])?;
    assert_eq!(package.check("second", &[CI, ACCEPT])?, "");
    assert_eq!(package.check("second", &[])?, "");
    assert!(
        package
            .text()?
            .contains("fn stock(sku: string, shelf: Option<u8>) -> Result<u64>\n")
    );
    assert_ne!(package.check("first", &[("FARCALL_ACCEPT_CONTRACTS", "0")])?, "");
    let files = fs::read_dir(package.path().parent().expect("it has a folder"))?;
    assert_eq!(files.count(), 1, "nothing is left beside it");
    Ok(())
}

#[test]
fn a_missing_file_is_an_error_in_ci() -> io::Result<()> {
    let package = Package::new()?;
    let error = package.check("first", &[CI])?;
    assert!(
        error.contains("there is no lock file contracts/shop/inventory.lock, and the variable CI says"),
        "{error}"
    );
    assert!(!package.path().exists());
    assert_eq!(package.check("first", &[("CI", "false")])?, "");
    Ok(())
}

#[test]
fn a_garbled_file_is_an_error_with_its_line() -> io::Result<()> {
    let package = Package::new()?;
    package.check("first", &[])?;
    fs::write(package.path(), FIRST.replace("u32>", "u32"))?;
    let error = package.check("first", &[])?;
    let expected =
        "inventory.lock is no contract: line 3: expected `>`, found the end; repair it, or run the test with";
    assert!(error.contains(expected), "{error}");
    assert_eq!(package.check("first", &[ACCEPT])?, "");
    assert_eq!(package.text()?, FIRST);
    Ok(())
}

#[test]
fn a_file_that_is_no_text_can_be_written_anew() -> io::Result<()> {
    let package = Package::new()?;
    package.check("first", &[])?;
    fs::write(package.path(), b"service\xff")?;
    let error = package.check("first", &[])?;
    assert!(
        error.contains("it is not UTF-8; repair it, or run the test with"),
        "{error}"
    );
    assert_eq!(package.check("first", &[ACCEPT])?, "");
    assert_eq!(package.text()?, FIRST);
    Ok(())
}

#[test]
fn line_ends_and_comments_do_not_count() -> io::Result<()> {
    let package = Package::new()?;
    package.check("first", &[])?;
    fs::write(package.path(), FIRST.replace('\n', "\r\n// ours\r\n"))?;
    assert_eq!(package.check("first", &[])?, "");
    assert!(package.text()?.contains("// ours"), "it is not written again");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_an_error() -> io::Result<()> {
    let package = Package::new()?;
    let folder = package.check_at(Path::new("."), "first", &[])?;
    assert!(folder.contains("the lock file . cannot be read: "), "{folder}");
    fs::write(package.folder.path().join("contracts"), "a file")?;
    let below = package.check_at(Path::new("contracts/inventory.lock"), "first", &[ACCEPT])?;
    assert!(
        below.contains("the lock file contracts/inventory.lock cannot be "),
        "{below}"
    );
    Ok(())
}
