//! Who the other side of a connection is, as far as that was verified: [`Identity`].

use std::{fmt, sync::Arc};

/// Who the other side of a connection is, as its transport has verified: the owner of a certificate, a user of this
/// machine, or what a transport of your own vouches for.
///
/// An identity has one name or several. Each name says of what kind it is, so that a name of one kind never counts as
/// one of another:
///
/// | name | from |
/// | --- | --- |
/// | `uri:spiffe://example.org/orders`, `dns:orders.internal`, `email:ann@example.org`, `ip:192.0.2.1` | the subject alternative names of a certificate, in this order |
/// | `sha256:9f86d081…` | the certificate itself: the SHA-256 of its DER form, in 64 lower-case hexadecimal digits |
/// | `uid:1000` | the user at the other end of a Unix socket |
/// | what a transport of your own says | [`Identity::new`] |
///
/// Plain TCP and UDP verify nothing, so their peers have no identity. Neither have peers over `mem://` and loopback,
/// which are this process itself. [`Context::identity`](crate::Context::identity) returns the caller's.
///
/// ```
/// use farcall::transport::Identity;
///
/// let identity = Identity::new(["serial:ttyS0"]);
/// assert_eq!(identity.name(), "serial:ttyS0");
/// assert!(identity.has_name("serial:ttyS0"));
/// assert!(!identity.has_name("serial:ttyS1"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Identity(Arc<IdentityInner>);

#[derive(PartialEq, Eq)]
struct IdentityInner {
    names: Vec<String>,
    proof: Proof,
}

/// What the names were read from.
#[derive(PartialEq, Eq)]
enum Proof {
    #[cfg(feature = "tls")]
    Certificate(super::tls::PeerCertificate),
    #[cfg(unix)]
    Unix(UnixUser),
    Other,
}

/// The process at the other end of a Unix socket, as the operating system knows it. Its user may act through another
/// process since: the process id is good for logs only.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnixUser {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The process that connected or listens, where the system tells it.
    pub pid: Option<i32>,
}

impl Identity {
    /// An identity that a transport of your own has verified.
    ///
    /// Names that begin with a kind of the table are believed, too: a transport with certificates of its own may give
    /// `dns:` names.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::proven(names.into_iter().map(Into::into).collect(), Proof::Other)
    }

    #[cfg(unix)]
    pub(super) fn unix(user: UnixUser) -> Self {
        Self::proven(vec![format!("uid:{}", user.uid)], Proof::Unix(user))
    }

    #[cfg(feature = "tls")]
    pub(super) fn of_certificate(certificate: super::tls::PeerCertificate) -> Self {
        Self::proven(certificate.names(), Proof::Certificate(certificate))
    }

    fn proven(names: Vec<String>, proof: Proof) -> Self {
        Self(Arc::new(IdentityInner { names, proof }))
    }

    /// The first of the names, for logs; empty if there is no name.
    pub fn name(&self) -> &str {
        self.0.names.first().map_or("", String::as_str)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.iter().map(String::as_str)
    }

    /// Whether this is one of the names, compared byte by byte.
    pub fn has_name(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// The certificate that the peer has shown, and whose private key it has.
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&super::tls::PeerCertificate> {
        match &self.0.proof {
            Proof::Certificate(certificate) => Some(certificate),
            #[cfg(unix)]
            Proof::Unix(_) => None,
            Proof::Other => None,
        }
    }

    /// The user at the other end of a Unix socket.
    #[cfg(unix)]
    pub fn unix_user(&self) -> Option<UnixUser> {
        match &self.0.proof {
            Proof::Unix(user) => Some(*user),
            #[cfg(feature = "tls")]
            Proof::Certificate(_) => None,
            Proof::Other => None,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.0.names).finish()
    }
}

/// The first name.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
