//! A contract in a file, which a test compares with that of the build.

mod file;

use std::{
    env, error, fmt, io,
    path::{Path, PathBuf},
};

use super::{Contract, ContractChange, InvalidContract};

/// Accepts changes of contracts.
const ACCEPT: &str = "FARCALL_ACCEPT_CONTRACTS";
/// Set by continuous integration.
const CI: &str = "CI";

/// What every lock file begins with.
const HEAD: &str =
    "// Written by `Contract::check_lock`. A change of this file changes what old and new peers understand.";

impl Contract {
    /// Compares the contract with the one in a lock file, so that no change of a trait or its types goes unnoticed. One
    /// line in a test:
    ///
    /// ```
    /// use farcall::contract::LockError;
    ///
    /// #[farcall::service]
    /// pub trait Inventory {
    ///     async fn stock(&self, sku: &str) -> farcall::Result<u32>;
    /// }
    ///
    /// // With `#[test]` before it.
    /// fn the_contract_is_the_locked_one() -> Result<(), LockError> {
    ///     InventoryClient::contract().check_lock("contracts/inventory.lock")
    /// }
    /// # fn main() -> Result<(), LockError> {
    /// #     // Where there is no file yet, a run in CI would be an error.
    /// #     let path = std::env::temp_dir().join(format!("farcall-{}.lock", std::process::id()));
    /// #     std::fs::write(&path, InventoryClient::contract().to_string()).expect("there is room for files");
    /// #     InventoryClient::contract().check_lock(&path)?;
    /// #     std::fs::remove_file(&path).expect("it is there");
    /// #     let _ = the_contract_is_the_locked_one;
    /// #     Ok(())
    /// # }
    /// ```
    ///
    /// - The path is relative to the package of the test, because cargo runs tests in the folder of their `Cargo.toml`.
    ///   The file holds the readable text of the contract: commit it, and review how it changes.
    /// - The first run writes the file, with its folders. Where the variable `CI` is set, as continuous integration
    ///   does, a missing file is an error instead, so that a forgotten one is noticed.
    /// - A change is an error. Its text says what has changed, and whom that breaks in which formats.
    /// - `FARCALL_ACCEPT_CONTRACTS=1` accepts what has changed and writes the file again, also in CI.
    ///
    /// The file is replaced as a whole, so a run that is killed leaves the old one or the new one.
    ///
    /// # Errors
    /// The contract has changed, the file is missing in CI, has no contract in it, or cannot be read or written.
    pub fn check_lock(&self, path: impl AsRef<Path>) -> Result<(), LockError> {
        let is_set = |name| env::var_os(name).is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no));
        let given = Given {
            accepts: is_set(ACCEPT),
            needs_file: is_set(CI),
        };
        check(self, path.as_ref(), given).map_err(|reason| LockError {
            path: path.as_ref().to_owned(),
            reason,
        })
    }
}

/// What the environment says.
#[derive(Clone, Copy, Debug, Default)]
struct Given {
    accepts: bool,
    needs_file: bool,
}

fn check(contract: &Contract, path: &Path, given: Given) -> Result<(), Reason> {
    let locked = match file::read(path) {
        Ok(text) => text.parse::<Contract>().map_err(Reason::Invalid),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Reason::Missing),
        // It is no text, so there is nothing in it to keep.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Reason::NoText),
        Err(error) => return Err(Reason::Unreadable(error)),
    };
    let reason = match locked {
        Ok(locked) if locked == *contract => return Ok(()),
        Ok(locked) => Reason::Changed(Box::new(locked.change_to(contract))),
        Err(reason) => reason,
    };
    let is_first = matches!(reason, Reason::Missing) && !given.needs_file;
    if !given.accepts && !is_first {
        return Err(reason);
    }
    file::replace(path, &format!("{HEAD}\n{contract}")).map_err(Reason::Unwritable)
}

/// Why a contract is not the one in its lock file. `Display` and `Debug` are the same text, for people: what has
/// changed, whom that breaks, and what to do.
pub struct LockError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Changed(Box<ContractChange>),
    Missing,
    NoText,
    Invalid(InvalidContract),
    Unreadable(io::Error),
    Unwritable(io::Error),
}

impl LockError {
    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has changed since the file was written, if that is the reason.
    pub fn change(&self) -> Option<&ContractChange> {
        match &self.reason {
            Reason::Changed(change) => Some(change),
            _ => None,
        }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Changed(change) => write!(
                f,
                "{change}To accept this, run the test with {ACCEPT}=1 and commit {path}; where it breaks somebody, \
                 see the chapter `contracts` of farcall's guide"
            ),
            Reason::Missing => write!(
                f,
                "there is no lock file {path}, and the variable {CI} says that none is to be written: run the test \
                 elsewhere once and commit the file"
            ),
            Reason::NoText => write!(
                f,
                "{path} is no contract: it is not UTF-8; repair it, or run the test with {ACCEPT}=1 to write it anew"
            ),
            Reason::Invalid(error) => write!(
                f,
                "{path} is no contract: {error}; repair it, or run the test with {ACCEPT}=1 to write it anew"
            ),
            Reason::Unreadable(error) => write!(f, "the lock file {path} cannot be read: {error}"),
            Reason::Unwritable(error) => write!(f, "the lock file {path} cannot be written: {error}"),
        }
    }
}

impl fmt::Debug for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for LockError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.reason {
            Reason::Changed(_) | Reason::Missing | Reason::NoText => None,
            Reason::Invalid(error) => Some(error),
            Reason::Unreadable(error) | Reason::Unwritable(error) => Some(error),
        }
    }
}
