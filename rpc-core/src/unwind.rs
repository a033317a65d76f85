//! Foreign code that panics ends, and nothing else with it.
//!
//! The payload of a panic is foreign, too: its destructor may panic again, and so may the payload of that panic. So
//! only this room catches panics and drops their payloads.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a panic said. The hook has reported it already.
#[derive(Debug)]
pub(crate) struct Panicked(String);

impl Panicked {
    /// Takes the text out of a panic's payload, and drops the payload.
    #[cold]
    pub(crate) fn of(carried: Box<dyn Any + Send>) -> Self {
        let text = carried
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| carried.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message")
            .to_owned();
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(carried))) {
            // It may go on for ever: what a second panic carries is leaked.
            std::mem::forget(again);
        }
        Self(text)
    }

    /// The text, or that there is none.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Runs foreign code that may panic. The caller must not look afterwards at what that left half done.
#[inline]
pub(crate) fn caught<R>(foreign: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(foreign)).map_err(Panicked::of)
}

/// Runs foreign code for its effect. A panic is ignored, since the panic hook has reported it.
#[inline]
pub(crate) fn guarded(foreign: impl FnOnce()) {
    let _ = caught(foreign);
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    /// Panics when it is dropped, with another one of the kind that does so.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(left) = self.0.checked_sub(1) {
                panic_any(Bomb(left));
            }
        }
    }

    #[test]
    fn what_a_panic_carries_may_panic_as_often_as_it_likes() {
        for bombs in 0..4 {
            let panicked = caught(|| panic_any(Bomb(bombs))).expect_err("it panics");
            assert_eq!(panicked.text(), "no message");
        }
        guarded(|| panic_any(Bomb(3)));
    }

    #[test]
    fn a_panic_says_its_text() {
        let text = |foreign: fn()| caught(foreign).expect_err("it panics").text().to_owned();
        assert_eq!(text(|| panic!("plain")), "plain");
        assert_eq!(text(|| panic!("with {}", 1)), "with 1");
        assert_eq!(caught(|| 7).ok(), Some(7));
    }
}
