//! Which objects of this side the peer can name, and how often this side has named the peer's.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::{Link, LinkGuard, LinkState};
use crate::{
    Code, Error,
    driver::attachments::{Object, revoked},
    told::Ending,
};

/// The objects of this side that the peer has references to. The same object always has the same number, so that the
/// peer sees that it is the same.
#[derive(Default)]
pub(super) struct ExportedObjects {
    objects: HashMap<u32, ExportedObject>,
    /// By address, which is the object's own as long as it is in the table above.
    numbers: HashMap<usize, u32>,
}

struct ExportedObject {
    object: Arc<dyn Object>,
    /// The peer's latest watch that was not answered.
    watch: Option<u64>,
}

impl ExportedObjects {
    fn find(&self, object: &Arc<dyn Object>) -> Option<u32> {
        self.numbers.get(&address(object)).copied()
    }

    fn insert(&mut self, number: u32, object: &Arc<dyn Object>) {
        self.numbers.insert(address(object), number);
        let object = Arc::clone(object);
        self.objects.insert(number, ExportedObject { object, watch: None });
    }

    /// Takes an object out of the table; it is to be dropped outside the lock.
    pub(super) fn forget(&mut self, number: u32) -> Option<Arc<dyn Object>> {
        let ExportedObject { object, .. } = self.objects.remove(&number)?;
        self.numbers.remove(&address(&object));
        Some(object)
    }

    /// Takes out all of them.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Arc<dyn Object>> + use<> {
        self.numbers = HashMap::new();
        std::mem::take(&mut self.objects)
            .into_values()
            .map(|export| export.object)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<dyn Object>> {
        self.objects.get(&number).map(|export| &export.object)
    }

    /// Takes out the watch that waits for an object to be revoked.
    fn take_watch(&mut self, address: usize) -> Option<u64> {
        let number = self.numbers.get(&address)?;
        self.objects.get_mut(number)?.watch.take()
    }
}

fn address(object: &Arc<dyn Object>) -> usize {
    Arc::as_ptr(object).cast::<()>().addr()
}

/// The peer's objects that this side has references to.
///
/// The peer drops an object when all its references are given back and it has seen as many uses as were told with
/// them, so a reference that is given back tells the uses that were not told before.
#[derive(Default)]
pub(super) struct ImportedObjects {
    objects: HashMap<u32, ImportedObject>,
    /// Objects by the watches that were not answered.
    watches: HashMap<u64, u32>,
    /// How many watches there were: each has a new number, so that a late answer is not taken for another watch's.
    watched: u64,
}

#[derive(Default)]
struct ImportedObject {
    references: usize,
    /// A program that names an object 1,000 million times a second takes 500 years to reach the end of this number.
    uses: u64,
    /// Set if a task here waits for it to be revoked.
    ending: Option<(u64, Arc<Ending>)>,
}

impl ImportedObjects {
    /// One more reference came.
    pub(super) fn add(&mut self, object: u32) {
        self.objects.entry(object).or_default().references += 1;
    }

    /// A message that names the object is on its way.
    pub(super) fn used(&mut self, object: u32) {
        if let Some(import) = self.objects.get_mut(&object) {
            import.uses = import.uses.saturating_add(1);
        }
    }

    /// A reference is given back; returns the uses to tell, and for the last reference what was watched.
    pub(super) fn remove(&mut self, object: u32) -> (u64, Option<Arc<Ending>>) {
        let Entry::Occupied(mut entry) = self.objects.entry(object) else {
            return (0, None);
        };
        let import = entry.get_mut();
        let uses = std::mem::take(&mut import.uses);
        import.references -= 1;
        if import.references > 0 {
            return (uses, None);
        }
        let watched = entry.remove().ending.map(|(watch, ending)| {
            self.watches.remove(&watch);
            ending
        });
        (uses, watched)
    }

    /// The end of an object, with the number of a new watch that must be sent to the peer, if there was none.
    fn watch(&mut self, object: u32) -> (Arc<Ending>, Option<u64>) {
        let import = self.objects.entry(object).or_default();
        if let Some((_, ending)) = &import.ending {
            return (Arc::clone(ending), None);
        }
        self.watched += 1;
        let ending = Arc::<Ending>::default();
        import.ending = Some((self.watched, Arc::clone(&ending)));
        self.watches.insert(self.watched, object);
        (ending, Some(self.watched))
    }

    /// The peer answers a watch. There may be no task that still waits for it.
    fn answered(&mut self, watch: u64) -> Option<Arc<Ending>> {
        let import = self.objects.get(&self.watches.remove(&watch)?)?;
        import.ending.as_ref().map(|(_, ending)| Arc::clone(ending))
    }

    /// Everything that is watched, in order: the same seed of a simulated network must give the same run.
    pub(super) fn endings(&self) -> impl Iterator<Item = Arc<Ending>> {
        let mut endings: Vec<_> = self
            .objects
            .values()
            .filter_map(|import| import.ending.clone())
            .collect();
        endings.sort_unstable_by_key(|(watch, _)| *watch);
        endings.into_iter().map(|(_, ending)| ending)
    }

    /// Whether this side knows that an object of the peer is revoked.
    fn is_revoked(&self, object: u32) -> bool {
        let ending = self.objects.get(&object).and_then(|import| import.ending.as_ref());
        ending.is_some_and(|(_, ending)| ending.is_told())
    }
}

impl LinkState {
    /// Gives the peer one more reference to an object of this side; returns whether it is the first one.
    pub(super) fn export(&mut self, object: &Arc<dyn Object>) -> Result<(u32, bool), Error> {
        let known = self.exports.find(object);
        let number = self.connection.export(known)?;
        if known.is_none() {
            self.exports.insert(number, object);
        }
        Ok((number, known.is_none()))
    }

    /// The object of this side that has this number.
    pub(in crate::driver) fn object(&self, number: u32) -> Option<Arc<dyn Object>> {
        self.exports.get(number).cloned()
    }
}

impl LinkGuard<'_> {
    /// The peer has no reference to an object any more.
    pub(super) fn released(&mut self, object: u32) {
        if let Some(object) = self.exports.forget(object) {
            object.unwatch(self.link.key());
            self.due.rare().objects.push(object);
        }
    }

    /// The peer wants to know when an object is revoked.
    pub(super) fn watched(&mut self, number: u32, watch: u64) {
        let link = self.link;
        let Some(export) = self.exports.objects.get_mut(&number) else {
            return;
        };
        if export.watch.replace(watch).is_some() {
            return;
        }
        let (link, key, address) = (Arc::downgrade(link), link.key(), address(&export.object));
        let told = move || {
            if let Some(link) = link.upgrade() {
                link.tell_revoked(address);
            }
        };
        if !export.object.watch(key, Box::new(told)) {
            export.watch = None;
            self.connection.tell_revoked(watch);
        }
    }

    /// The peer has revoked an object that this side watches.
    pub(super) fn revoked(&mut self, watch: u64) {
        if let Some(ending) = self.imports.answered(watch) {
            self.due.rare().endings.push((ending, revoked()));
        }
    }
}

impl Link {
    /// The end of an object of the peer: it is revoked, or the connection is over. This side has a reference to it.
    pub(crate) fn watch(self: &Arc<Self>, object: u32) -> Arc<Ending> {
        let mut state = self.lock();
        if let Some(why) = state.end_reason() {
            return Arc::new(Ending::of(why.clone()));
        }
        let (ending, fresh) = state.imports.watch(object);
        if let Some(watch) = fresh {
            state.connection.watch_object(object, watch);
        }
        state.wake_for_output();
        ending
    }

    /// Whether a call to an object of the peer may succeed, as far as this side knows.
    pub(crate) fn is_callable(&self, object: u32) -> bool {
        let state = self.state.lock();
        !state.is_over() && !state.is_closing() && !state.imports.is_revoked(object)
    }

    /// Gives back a reference to an object of the peer.
    pub(in crate::driver) fn release(self: &Arc<Self>, object: u32) {
        let mut state = self.lock();
        let (uses, watched) = state.imports.remove(object);
        if let Some(ending) = watched {
            let why = "this side has dropped its last reference to the object";
            let why = Error::new(Code::NotFound, why);
            state.due.rare().endings.push((ending, why));
        }
        if !state.is_over() {
            state.connection.release_object(object, uses);
        }
        state.let_go();
    }

    /// The object of this side with that address was revoked.
    fn tell_revoked(self: &Arc<Self>, address: usize) {
        let mut state = self.lock();
        let watch = state.exports.take_watch(address);
        if let Some(watch) = watch.filter(|_| !state.is_over()) {
            state.connection.tell_revoked(watch);
        }
        state.wake_for_output();
    }

    /// Tells this connection apart from the other connections of an object.
    pub(super) fn key(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_beyond_32_bits() {
        let mut imports = ImportedObjects::default();
        imports.add(5);
        imports.objects.get_mut(&5).expect("it was added").uses = u64::from(u32::MAX);
        imports.used(5);
        assert_eq!(imports.remove(5).0, 1 << 32);
    }
}
