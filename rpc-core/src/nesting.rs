//! How deep foreign code nests on one stack.
//!
//! A call to an object of this process runs inside its caller's poll, and an object that is dropped drops the objects
//! that it keeps. How deep that goes depends on which objects know each other, and a peer may decide that. Here the
//! depth is bounded: by the number of levels, and by the stack that they have used, since foreign code decides the size
//! of a level, too. The stack is measured from the outermost level: what lies below is not part of any nesting.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use crate::unwind::guarded;

/// Levels on one stack. Few calls nest deeper; those need a task now and then.
const LEVELS: u32 = 64;
/// Bytes of stack for polls within polls: an eighth of the 2 MiB that threads have, since a debug build takes some 20
/// KiB per level and one more level of any size begins after the last check.
const POLLS: usize = 256 << 10;
/// Bytes of stack for destructors within destructors.
const DROPS: usize = 128 << 10;

/// The stack of one kind of nesting on this thread.
#[derive(Clone, Copy)]
struct Nest {
    levels: u32,
    /// Where the outermost level began.
    base: usize,
}

impl Nest {
    const fn new() -> Self {
        Self { levels: 0, base: 0 }
    }

    /// With one level more; `None` when that is too deep.
    #[inline]
    fn deeper(self, stack: usize) -> Option<Self> {
        let here = here();
        let base = if self.levels == 0 { here } else { self.base };
        let fits = self.levels < LEVELS && here.abs_diff(base) <= stack;
        fits.then_some(Self {
            levels: self.levels + 1,
            base,
        })
    }
}

/// Where the stack is now.
#[inline]
fn here() -> usize {
    let mark = 0_u8;
    std::ptr::from_ref(&mark).addr()
}

thread_local! {
    static POLLING: Cell<Nest> = const { Cell::new(Nest::new()) };
    static DROPPING: Cell<Nest> = const { Cell::new(Nest::new()) };
    /// What the outermost destructor on this thread drops at its end.
    static LEFT: RefCell<VecDeque<Box<dyn Any>>> = const { RefCell::new(VecDeque::new()) };
}

/// Puts a nest back as it was, on unwinding as well.
struct RestoreNest(&'static std::thread::LocalKey<Cell<Nest>>, Nest);

impl Drop for RestoreNest {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// There is no room for one level more.
#[derive(Debug)]
pub(crate) struct TooDeep;

/// Polls one level deeper.
#[inline]
pub(crate) fn poll<R>(poll: impl FnOnce() -> R) -> Result<R, TooDeep> {
    let outer = POLLING.get();
    POLLING.set(outer.deeper(POLLS).ok_or(TooDeep)?);
    let _restore = RestoreNest(&POLLING, outer);
    Ok(poll())
}

/// The stack that one piece of work may use, together with the polls around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackShare {
    start: usize,
    left: usize,
}

impl StackShare {
    /// A share of `bytes`, less what the polls around it have used.
    #[inline]
    pub(crate) fn of(bytes: usize) -> Self {
        let (start, polling) = (here(), POLLING.get());
        let used = if polling.levels == 0 {
            0
        } else {
            start.abs_diff(polling.base)
        };
        // Foreign code may have switched to another stack.
        let used = if used > bytes { 0 } else { used };
        Self {
            start,
            left: bytes - used,
        }
    }

    /// Whether it has that many bytes left here.
    #[inline]
    pub(crate) fn fits(self, more: usize) -> bool {
        // Fuzzers run under AddressSanitizer, which moves locals to other stacks, so distances of addresses have no
        // meaning there.
        let used = if cfg!(farcall_fuzzing) {
            0
        } else {
            here().abs_diff(self.start)
        };
        used.saturating_add(more) <= self.left
    }
}

/// Drops a value whose destructor may call this again: at once, or after the outermost such destructor on this thread.
pub(crate) fn dispose<T: 'static>(value: T) {
    // While the thread ends there may be no list any more; what is left then does not nest deep.
    let Ok(outer) = DROPPING.try_with(Cell::get) else {
        return drop(value);
    };
    let Some(inner) = outer.deeper(DROPS) else {
        let mut value = Some(value);
        let _ = LEFT.try_with(|left| {
            left.borrow_mut()
                .extend(value.take().map(|value| Box::new(value) as Box<dyn Any>));
        });
        return drop(value);
    };
    DROPPING.set(inner);
    let _restore = RestoreNest(&DROPPING, outer);
    let _rest = (outer.levels == 0).then_some(DropRest);
    drop(value);
}

/// Drops what destructors left, on unwinding as well.
struct DropRest;

impl Drop for DropRest {
    fn drop(&mut self) {
        // The list is not borrowed while an entry is dropped, because that may add others.
        while let Some(left) = LEFT.try_with(|left| left.borrow_mut().pop_front()).ok().flatten() {
            guarded(|| drop(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    /// Disposes of the next one in its destructor, as an object does that keeps an object.
    struct Chain(Option<Box<Chain>>, Rc<Cell<u32>>);

    impl Drop for Chain {
        fn drop(&mut self) {
            let next = self.0.take();
            guarded(|| next.into_iter().for_each(dispose));
            self.1.set(self.1.get() + 1);
            assert_ne!(self.1.get() % 7, 0, "some destructors panic");
        }
    }

    fn chain(length: u32, dropped: &Rc<Cell<u32>>) -> Chain {
        let link = |next| Chain(next, Rc::clone(dropped));
        (1..length).fold(link(None), |next, _| link(Some(Box::new(next))))
    }

    #[test]
    fn a_chain_of_any_length_is_dropped_even_where_destructors_panic() {
        let dropped = Rc::new(Cell::new(0));
        guarded(|| dispose(chain(100_000, &dropped)));
        assert_eq!(dropped.get(), 100_000);
    }

    #[test]
    fn polls_nest_to_a_bound_that_is_free_again_afterwards() {
        fn depth(most: u32) -> u32 {
            if most == 0 {
                return 0;
            }
            poll(|| depth(most - 1) + 1).unwrap_or_default()
        }
        #[expect(clippy::large_stack_arrays, reason = "it is what is measured")]
        fn wide() -> u32 {
            let block = std::hint::black_box([0_u8; 64 << 10]);
            poll(|| wide() + 1).unwrap_or_default() + u32::from(block[7])
        }
        for _ in 0..2 {
            assert_eq!(depth(1_000), LEVELS);
            assert!(wide() < 8, "the size of a level counts");
        }
    }
}
