//! Which objects of this side the peer can name, and how often this side has named the peer's.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    task::Waker,
};

use super::State;
use crate::{Error, service::LocalObject};

/// The objects of this side that the peer has references to. The same object has the same number, so that the peer can tell.
#[derive(Default)]
pub(super) struct Exports {
    objects: HashMap<u32, Arc<LocalObject>>,
    /// By address, which is the object's own as long as it is in the table above.
    numbers: HashMap<usize, u32>,
}

impl Exports {
    fn find(&self, object: &Arc<LocalObject>) -> Option<u32> {
        self.numbers.get(&address(object)).copied()
    }

    fn insert(&mut self, number: u32, object: &Arc<LocalObject>) {
        self.numbers.insert(address(object), number);
        self.objects.insert(number, Arc::clone(object));
    }

    /// Takes an object out of the table; it is to be dropped outside the lock.
    pub(super) fn forget(&mut self, number: u32) -> Option<Arc<LocalObject>> {
        let object = self.objects.remove(&number)?;
        self.numbers.remove(&address(&object));
        Some(object)
    }

    /// Takes out all of them.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Arc<LocalObject>> + use<> {
        self.numbers = HashMap::new();
        std::mem::take(&mut self.objects).into_values()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<LocalObject>> {
        self.objects.get(&number)
    }
}

fn address(object: &Arc<LocalObject>) -> usize {
    Arc::as_ptr(object).addr()
}

/// How often messages have named each of the peer's objects that this side has references to.
///
/// The peer lets an object go when all its references are given back and it has seen as many uses as were told with them, so a
/// reference takes with it whatever was not told before.
#[derive(Default)]
pub(super) struct Imports(HashMap<u32, Import>);

#[derive(Default)]
struct Import {
    references: usize,
    /// A program that names one 1,000 million times a second takes 500 years to come to the end of this.
    uses: u64,
}

impl Imports {
    /// One more reference came.
    pub(super) fn add(&mut self, object: u32) {
        self.0.entry(object).or_default().references += 1;
    }

    /// A message that names the object is on its way.
    pub(super) fn used(&mut self, object: u32) {
        if let Some(import) = self.0.get_mut(&object) {
            import.uses = import.uses.saturating_add(1);
        }
    }

    /// A reference goes; gives the uses that it tells.
    pub(super) fn remove(&mut self, object: u32) -> u64 {
        let Entry::Occupied(mut entry) = self.0.entry(object) else {
            return 0;
        };
        let import = entry.get_mut();
        let uses = std::mem::take(&mut import.uses);
        import.references -= 1;
        if import.references == 0 {
            entry.remove();
        }
        uses
    }
}

impl State {
    /// Gives the peer one more reference to an object of this side; says whether it is the first one.
    pub(super) fn export(&mut self, object: &Arc<LocalObject>) -> Result<(u32, bool), Error> {
        let known = self.exports.find(object);
        let number = self.connection.export(known)?;
        if known.is_none() {
            self.exports.insert(number, object);
        }
        Ok((number, known.is_none()))
    }
}

impl State {
    /// The object of this side that the peer names so.
    pub(in crate::driver) fn object(&self, number: u32) -> Option<Arc<LocalObject>> {
        self.exports.get(number).cloned()
    }

    /// A reference of this side's goes. The driver is to be woken if it has something to do by that.
    pub(in crate::driver) fn release(&mut self, object: u32) -> Option<Waker> {
        let uses = self.imports.remove(object);
        if !self.is_over() {
            self.connection.release_object(object, uses);
        }
        self.let_go()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_beyond_32_bits() {
        let mut imports = Imports::default();
        imports.add(5);
        imports.0.get_mut(&5).expect("it was added").uses = u64::from(u32::MAX);
        imports.used(5);
        assert_eq!(imports.remove(5), 1 << 32);
    }
}
