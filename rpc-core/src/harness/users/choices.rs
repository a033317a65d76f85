//! What users choose.

use fastrand::Rng;

use crate::harness::script::Script;

/// The choices of a script while it lasts, then random ones, the same for the same script.
pub(super) struct Choices<'a> {
    script: Script<'a>,
    rng: Rng,
}

impl<'a> Choices<'a> {
    pub(super) fn new(script: Script<'a>) -> Self {
        let mix = |seed: u64, &byte: &u8| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let seed = script.peek().iter().fold(0, mix);
        Self {
            script,
            rng: Rng::with_seed(seed),
        }
    }

    /// A number below `limit`, which is at most 256.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        match self.script.byte() {
            Some(byte) => usize::from(byte) % limit.max(1),
            None => self.rng.usize(..limit.max(1)),
        }
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<'b, T>(&mut self, values: &'b [T]) -> &'b T {
        &values[self.below(values.len())]
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        let parts = self.below(256) * 256 + self.below(256);
        least + (most - least) * parts / 0xFFFF
    }
}
