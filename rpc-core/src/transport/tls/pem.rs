//! Certificates and keys in PEM form, in files or in memory.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

use crate::{Code, Error};

/// PEM text: a file that is read again when it changes, or bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Pem {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

/// What a file looked like when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Pem {
    pub(super) fn file(path: impl AsRef<Path>) -> Self {
        Self::File(path.as_ref().to_owned())
    }

    pub(super) fn bytes(pem: impl AsRef<[u8]>) -> Self {
        Self::Bytes(pem.as_ref().into())
    }

    /// What the file looks like now; `None` if there is no file to look at.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let Self::File(path) = self else { return None };
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: metadata.modified().ok(),
            length: metadata.len(),
        })
    }

    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let text = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let found = found.map_err(|error| self.broken("a certificate", &error))?;
        if found.is_empty() {
            return Err(self.lacks("certificate", "BEGIN CERTIFICATE"));
        }
        Ok(found)
    }

    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| match error {
            pem::Error::NoItemsFound => self.lacks("private key without a password", "BEGIN PRIVATE KEY"),
            error => self.broken("a private key", &error),
        })
    }

    /// The certificates as authorities.
    pub(super) fn authorities(&self) -> Result<Arc<RootCertStore>, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots
                .add(certificate)
                .map_err(|error| self.broken("the certificate of an authority", &error))?;
        }
        Ok(Arc::new(roots))
    }

    fn read(&self) -> Result<Arc<[u8]>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(Arc::clone(bytes)),
            Self::File(path) => fs::read(path).map(Into::into).map_err(|error| unreadable(path, error)),
        }
    }

    /// This certificate and its key are not taken.
    pub(super) fn unusable_with(&self, key: &Self, error: &rustls::Error) -> Error {
        // What `openssl x509 -req` makes if it is told of no extension.
        if format!("{error:?}").contains("UnsupportedCertVersion") {
            return unusable(format!(
                "{self} has a certificate of X.509 version 1, which has no names; make one with subject alternative \
                 names"
            ));
        }
        unusable(format!("{self} and {key} cannot be used together: {error}"))
    }

    fn broken(&self, what: &str, error: &dyn fmt::Display) -> Error {
        unusable(format!("{self} has {what} that cannot be read: {error}"))
    }

    fn lacks(&self, what: &str, line: &str) -> Error {
        unusable(format!("{self} has no {what}: PEM with `-----{line}-----` is expected"))
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    unusable(format!("`{}` cannot be read: {error}", path.display())).with_told_cause(error)
}

/// Settings that cannot work.
pub(super) fn unusable(text: String) -> Error {
    Error::refused_for_good(Code::FailedPrecondition, text)
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Bytes(_) => f.write_str("the PEM text that was given as bytes"),
        }
    }
}

/// Never shows a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Bytes(_) => f.write_str("bytes"),
        }
    }
}
