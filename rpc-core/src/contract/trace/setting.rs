//! What all runs of a type share.

use std::{cell::Cell, thread};

use super::super::{Samples, Shape};

/// The stack that a run may use, of the 2 MiB that threads have. Only types that nest large values need more.
const STACK: usize = 1280 << 10;
/// The stack of a thread that is made for those: for the largest values, nested as deep as may be, in a debug build.
const LARGE_STACK: usize = 64 << 20;
/// What of it is left for what does not count.
const SPARE: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) samples: &'a Samples,
    pub(super) human_readable: bool,
    /// How much a run may use.
    pub(super) stack: usize,
    /// A run ended because it needed more.
    lacked_stack: Cell<bool>,
}

impl<'a> Setting<'a> {
    fn new(samples: &'a Samples, human_readable: bool, stack: usize) -> Self {
        Self {
            samples,
            human_readable,
            stack,
            lacked_stack: Cell::new(false),
        }
    }

    pub(super) fn lacks_stack(&self) {
        self.lacked_stack.set(true);
    }
}

/// What is traced. A debug build needs several times the stack of a release build, and the stack that is left depends
/// on who calls, but the shape must not: a type that lacks stack is traced again on a thread that has enough.
pub(super) fn with_enough_stack(trace: fn(&Setting<'_>) -> Shape, samples: &Samples, human_readable: bool) -> Shape {
    let here = Setting::new(samples, human_readable, STACK);
    let shape = trace(&here);
    if !here.lacked_stack.get() {
        return shape;
    }
    thread::scope(|scope| {
        let there = move || trace(&Setting::new(samples, human_readable, LARGE_STACK - SPARE));
        let thread = thread::Builder::new().name("farcall-contract".to_owned());
        let thread = thread.stack_size(LARGE_STACK).spawn_scoped(scope, there);
        // Without such a thread it stays opaque where it needs too much.
        thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(shape)
    })
}
