//! References to objects: the peer's to those of this side, which are counted for each, and those of this side.
//!
//! A reference is sent as an entry of a list. The peer gives each one back with a frame that says how often messages
//! named it. Frames may overtake each other, so an object is dropped only when nothing is missing: all references came
//! back, and it was named as often as they say.

use slab::Slab;

use super::Violation;

/// The most references to objects of one side at a time. It bounds the frames about them that the other side has not
/// written yet.
pub(super) const MAX_REFERENCES: usize = 1 << 18;

#[derive(Debug, Default)]
struct ReferenceCounts {
    /// The references that did not come back.
    out: u64,
    /// How often it was named, and how often according to the references that came back.
    named: u64,
    claimed: u64,
    /// How often it was named in messages that were not handed out yet.
    waiting: u64,
    /// How often it may still be watched. Each watch may be answered, so they are bounded by what was given out.
    watches: u64,
    /// The event that it is dropped waits to be taken.
    queued: bool,
}

impl ReferenceCounts {
    /// Whether the peer may name it: it has a reference, or a message from when it had one is still on its way.
    fn is_known(&self) -> bool {
        self.out > 0 || self.named < self.claimed
    }

    fn is_over(&self) -> bool {
        self.out == 0 && self.named == self.claimed && self.waiting == 0
    }
}

/// The references of both sides.
#[derive(Debug)]
pub(super) struct References {
    /// The objects of this side that the peer has references to.
    objects: Slab<ReferenceCounts>,
    limit: usize,
    /// The references to all of them that did not come back.
    out: usize,
    /// References to objects of the peer's.
    imports: usize,
    /// Those that go back to the peer with what waits to be written.
    releasing: usize,
}

impl References {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            objects: Slab::new(),
            limit,
            out: 0,
            imports: 0,
            releasing: 0,
        }
    }

    /// The objects that the peer has references to, and the references to objects of the peer's.
    pub(super) fn len(&self) -> usize {
        self.objects.len() + self.imports
    }

    /// Whether the peer may have a reference to one more object.
    pub(super) fn has_room(&self) -> bool {
        self.objects.len() < self.limit
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// One more reference goes out: to an object that is here, or to a new one. `None` when there are too many.
    pub(super) fn export(&mut self, object: Option<u32>) -> Option<u32> {
        if self.out >= MAX_REFERENCES {
            return None;
        }
        let exported = self.find_or_insert(object)?;
        self.out += 1;
        Some(exported)
    }

    fn find_or_insert(&mut self, object: Option<u32>) -> Option<u32> {
        if let Some(object) = object
            && let Some(export) = self.objects.get_mut(object as usize)
        {
            export.out += 1;
            export.watches += 1;
            return Some(object);
        }
        if !self.has_room() {
            return None;
        }
        let counts = ReferenceCounts {
            out: 1,
            watches: 1,
            ..ReferenceCounts::default()
        };
        // The limit keeps every key far below 2^32.
        Some(self.objects.insert(counts) as u32)
    }

    /// A message that names the object has come.
    pub(super) fn name(&mut self, object: u32) -> Result<(), Violation> {
        let Some(export) = self.objects.get_mut(object as usize).filter(|export| export.is_known()) else {
            return Err(Violation::new(format!("object {object}, which it has no reference to")));
        };
        export.named += 1;
        export.waiting += 1;
        Ok(())
    }

    /// A message that names the object was handed out or dropped; returns whether the object must be dropped.
    pub(super) fn hand_out(&mut self, object: u32) -> bool {
        self.change(object, |export| export.waiting = export.waiting.saturating_sub(1))
    }

    /// A reference comes back, or never left; returns whether the object must be dropped.
    pub(super) fn release(&mut self, object: u32, uses: u64) -> Result<bool, Violation> {
        let (out, claimed) = self
            .objects
            .get(object as usize)
            .map_or((0, 0), |export| (export.out, export.claimed));
        if out == 0 {
            return Err(Violation::new(format!(
                "more releases of object {object} than references"
            )));
        }
        let Some(claimed) = claimed.checked_add(uses) else {
            return Err(Violation::new(format!("object {object} named more than 2^64 times")));
        };
        self.out -= 1;
        Ok(self.change(object, |export| {
            export.out -= 1;
            export.claimed = claimed;
        }))
    }

    /// The peer, which has a reference, watches the object.
    pub(super) fn watch(&mut self, object: u32) -> Result<(), Violation> {
        let known = self.objects.get_mut(object as usize).filter(|export| export.out > 0);
        let Some(export) = known.filter(|export| export.watches > 0) else {
            return Err(Violation::new(format!(
                "a watch of object {object}, which it has no reference to or has watched once for each"
            )));
        };
        export.watches -= 1;
        Ok(())
    }

    fn change(&mut self, object: u32, change: impl FnOnce(&mut ReferenceCounts)) -> bool {
        let Some(export) = self.objects.get_mut(object as usize) else {
            return false;
        };
        change(export);
        let goes = export.is_over() && !export.queued;
        export.queued |= goes;
        goes
    }

    /// The event that an object is dropped is about to be taken: returns whether that is still true, and forgets the
    /// object then.
    pub(super) fn forget(&mut self, object: u32) -> bool {
        let Some(export) = self.objects.get_mut(object as usize) else {
            return false;
        };
        export.queued = false;
        let over = export.is_over();
        if over {
            self.objects.remove(object as usize);
        }
        over
    }

    // ---- the objects of the peer ---------------------------------------------------------------------------------

    /// A reference to an object of the peer's has come.
    pub(super) fn import(&mut self) -> Result<(), Violation> {
        self.imports += 1;
        if self.imports + self.releasing > MAX_REFERENCES {
            return Err(Violation::new(format!(
                "more than {MAX_REFERENCES} references at a time"
            )));
        }
        Ok(())
    }

    /// A reference to an object of the peer's goes back with what is written next.
    pub(super) fn give_back(&mut self) {
        self.imports = self.imports.saturating_sub(1);
        self.releasing += 1;
    }

    /// All that waited to be written was taken.
    pub(super) fn handle_taken(&mut self) {
        self.releasing = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More often than 32 bits can count.
    #[test]
    fn an_object_that_was_named_4_billion_times_goes() {
        let mut references = References::new(1);
        let object = references.export(None).expect("there is room");
        let named = (1 << 32) + 7;
        references.objects[object as usize].named = named - 1;
        assert!(
            !references.release(object, named).expect("there is a reference"),
            "one is still on its way"
        );
        references.name(object).expect("it is known as long as one is missing");
        assert!(references.hand_out(object));
        assert!(references.forget(object));
    }
}
