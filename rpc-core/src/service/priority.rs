//! Which calls a server that is overloaded refuses last.

use crate::Metadata;

/// Which calls a server that is overloaded refuses first, and which last; see
/// [`AdaptiveLimit`](crate::layer::AdaptiveLimit). Without that layer it has no effect.
///
/// The trait on the server decides: `#[rpc(priority = "high")]` or `"low"` on a method, and `Normal` otherwise. A
/// caller may lower the priority of its calls with the metadata [`KEY`](Self::KEY), and cannot raise it, so a hostile
/// caller gains nothing.
///
/// ```
/// use farcall::{Metadata, service::Priority};
///
/// let mut metadata = Metadata::new();
/// metadata.append(Priority::KEY, "low")?;
/// assert_eq!(Priority::Normal.lowered(&metadata), Priority::Low);
///
/// let mut metadata = Metadata::new();
/// metadata.append(Priority::KEY, "high")?;
/// assert_eq!(Priority::Normal.lowered(&metadata), Priority::Normal);
/// # Ok::<(), farcall::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// What can wait, such as batch work and prefetching: refused first.
    Low,
    /// What nothing is said of.
    #[default]
    Normal,
    /// What others depend on, such as health checks and logins: refused last.
    High,
}

impl Priority {
    /// The metadata with which a caller lowers the priority of a call; its values are `low`, `normal` and `high`.
    pub const KEY: &str = "priority";

    /// This priority, or a lower one that the metadata of a call ask for. A value that is none of the three has no
    /// effect.
    #[must_use]
    pub fn lowered(self, metadata: &Metadata) -> Self {
        let asked = metadata.value(Self::KEY).and_then(Self::named);
        asked.map_or(self, |asked| asked.min(self))
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High]
            .into_iter()
            .find(|priority| priority.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}
