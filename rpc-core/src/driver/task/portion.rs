//! How much a driver does before it writes what came of it.

use std::cell::Cell;

/// Frames handled under one hold of the lock, and before the driver writes, at the most.
const MOST: usize = 128;
/// With fewer calls in flight, one more system call costs more than the peer gains by it.
const FEW: usize = 24;
/// Into how many portions the calls in flight are divided. With fewer of them both ends often wait for each other.
const PORTIONS: usize = 6;
/// The portions of a connection that has its thread for itself. Larger ones gain nothing, and smaller ones cost more in
/// system calls than they gain.
const ALONE: (usize, usize) = (8, 32);

thread_local! {
    /// Which driver had the last turn on this thread; zero before the first.
    static LATEST: Cell<usize> = const { Cell::new(0) };
}

/// How much a driver does before it writes what came of it.
///
/// Both ends of a connection are to work at the same time. If one of them answered all calls at once, the other would
/// wait meanwhile, and then the first one would wait. So the calls in flight are handled in portions. Where other
/// connections keep the thread busy, nothing is gained by that, and system calls are saved.
#[derive(Debug, Default)]
pub(super) struct Portion {
    alone: bool,
}

impl Portion {
    /// A turn of a driver begins; the number is its own.
    pub(super) fn begin(&mut self, driver: usize) {
        let latest = LATEST.replace(driver);
        self.alone = latest == driver || latest == 0;
    }

    /// How many frames to handle, when about so many calls are in flight at once.
    pub(super) fn frames(&self, calls: usize) -> usize {
        if self.alone && calls >= FEW {
            (calls / PORTIONS).clamp(ALONE.0, ALONE.1)
        } else {
            MOST
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_alone_on_its_thread_works_in_portions() {
        let (mut one, mut other) = (Portion::default(), Portion::default());
        one.begin(1);
        let calls = [1, 16, 32, 64, 128, 10_000];
        assert_eq!(calls.map(|calls| one.frames(calls)), [128, 128, 8, 10, 21, 32]);
        other.begin(2);
        one.begin(1);
        assert_eq!([one.frames(128), other.frames(128)], [128, 128]);
        one.begin(1);
        assert_eq!(one.frames(128), 21);
    }
}
