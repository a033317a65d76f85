//! One value that changes.
