//! Whether code runs inside the task of a connection, which stands still as long.

use std::cell::Cell;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs foreign code inside the task of a connection.
pub(super) fn inside<R>(foreign: impl FnOnce() -> R) -> R {
    /// Puts back what was, even if the foreign code panics.
    struct Before(bool);

    impl Drop for Before {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }

    let _before = Before(INSIDE.replace(true));
    foreign()
}

/// Whether this is the task of a connection: as long as the caller does not return, nothing of that connection goes on,
/// the deadlines of its calls included.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}
