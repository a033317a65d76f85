//! The end of something that may be waited for: of an object, or of a connection.

use crate::{Error, told::Told};

/// An end that comes once, for a reason.
pub(crate) type Ending = Told<Error>;
