//! The list of the message that this thread encodes or decodes.

use std::{cell::RefCell, mem};

use super::{Carried, Offered, Wire};

/// What happens on this thread.
enum Scope {
    /// Nothing: values that need a list refuse to be serialised.
    Outside,
    Encoding(Vec<Offered>),
    Decoding {
        carried: Vec<Option<Carried>>,
        wire: Wire,
    },
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Outside) };
}

/// The most of one message: its list fits into one frame.
const MOST: usize = 1024;

const NOT_ENCODING: &str =
    "streams, channels and clients can be serialised only into the arguments, results and items of calls";
const NOT_DECODING: &str =
    "streams, channels and clients can be deserialised only from the arguments, results and items of calls";

/// Puts back what was before, on unwinding as well: a serialiser may itself encode another message.
struct Restore(Scope);

impl Restore {
    fn enter(scope: Scope) -> Self {
        Self(SCOPE.with(|current| mem::replace(&mut *current.borrow_mut(), scope)))
    }

    /// What the scope has become.
    fn leave(mut self) -> Scope {
        let outer = mem::replace(&mut self.0, Scope::Outside);
        mem::forget(self);
        SCOPE.with(|current| mem::replace(&mut *current.borrow_mut(), outer))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        let outer = mem::replace(&mut self.0, Scope::Outside);
        // What is dropped may be a stream's end, which wakes somebody: not while the scope is borrowed.
        drop(SCOPE.with(|current| mem::replace(&mut *current.borrow_mut(), outer)));
    }
}

/// Encodes a message, and gives what goes with it.
pub(crate) fn collecting<R>(encode: impl FnOnce() -> R) -> (R, Vec<Offered>) {
    let restore = Restore::enter(Scope::Encoding(Vec::new()));
    let encoded = encode();
    match restore.leave() {
        Scope::Encoding(offered) => (encoded, offered),
        _ => (encoded, Vec::new()),
    }
}

/// Puts something into the list of the message that is being encoded, and gives its place.
pub(crate) fn offer(offered: Offered) -> Result<u32, &'static str> {
    SCOPE.with(|current| match &mut *current.borrow_mut() {
        Scope::Encoding(list) if list.len() >= MOST => {
            Err("a message carries 1,024 streams, channels and clients at most")
        }
        Scope::Encoding(list) => {
            list.push(offered);
            Ok(list.len() as u32 - 1)
        }
        _ => Err(NOT_ENCODING),
    })
}

/// Decodes a message with what came along; what nobody claims is dropped.
pub(crate) fn providing<R>(carried: Vec<Carried>, wire: Wire, decode: impl FnOnce() -> R) -> R {
    let carried = carried.into_iter().map(Some).collect();
    let _restore = Restore::enter(Scope::Decoding { carried, wire });
    decode()
}

/// Takes something out of the list of the message that is being decoded.
pub(crate) fn claim(place: u32) -> Result<(Carried, Wire), &'static str> {
    SCOPE.with(|current| match &mut *current.borrow_mut() {
        Scope::Decoding { carried, wire } => {
            let wire = *wire;
            let claimed = carried.get_mut(place as usize).and_then(Option::take);
            let claimed = claimed.ok_or("a stream, channel or client that did not come with the message")?;
            Ok((claimed, wire))
        }
        _ => Err(NOT_DECODING),
    })
}

/// Whether the message that is being decoded surely comes from this machine.
pub(crate) fn is_near() -> bool {
    SCOPE.with(|current| matches!(&*current.borrow(), Scope::Decoding { wire, .. } if wire.near))
}
