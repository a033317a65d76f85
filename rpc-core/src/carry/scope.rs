//! The list of the message that this thread encodes or decodes.

use std::{cell::RefCell, mem};

use super::{Carried, Offered, Wire};
use crate::proto::MAX_ATTACHMENTS;

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

const TOO_MANY: &str = "a message carries 1,024 streams, channels and clients at most";
const NOT_ENCODING: &str =
    "streams, channels and clients can be serialised only into the arguments, results and items of calls";
const NOT_DECODING: &str =
    "streams, channels and clients can be deserialised only from the arguments, results and items of calls";

/// Makes `scope` the thread's, and gives the one before. While a thread ends it has none: then messages are bytes and nothing else.
fn exchange(scope: Scope) -> Scope {
    SCOPE
        .try_with(|current| mem::replace(&mut *current.borrow_mut(), scope))
        .unwrap_or(Scope::Outside)
}

/// Puts back what was before, on unwinding as well: a serialiser may itself encode another message.
struct Restore(Option<Scope>);

impl Restore {
    fn enter(scope: Scope) -> Self {
        Self(Some(exchange(scope)))
    }

    /// What the scope has become.
    fn leave(mut self) -> Scope {
        self.0.take().map_or(Scope::Outside, exchange)
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        // What is dropped may be a stream's end, which wakes somebody: not while the scope is borrowed.
        drop(self.0.take().map(exchange));
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

/// Puts something into the list of the message that is being encoded, and gives its place. What is refused is dropped.
pub(crate) fn offer(offered: Offered) -> Result<u32, &'static str> {
    let mut offered = Some(offered);
    // A refused one is dropped behind the borrow: that may run foreign code.
    SCOPE
        .try_with(|current| match &mut *current.borrow_mut() {
            Scope::Encoding(list) if list.len() >= MAX_ATTACHMENTS => Err(TOO_MANY),
            Scope::Encoding(list) => {
                list.extend(offered.take());
                Ok(list.len() as u32 - 1)
            }
            _ => Err(NOT_ENCODING),
        })
        .unwrap_or(Err(NOT_ENCODING))
}

/// Whether a message is being encoded here, so that something may be offered.
pub(crate) fn is_collecting() -> Result<(), &'static str> {
    let collecting = SCOPE.try_with(|current| matches!(&*current.borrow(), Scope::Encoding(_)));
    if collecting.unwrap_or(false) {
        Ok(())
    } else {
        Err(NOT_ENCODING)
    }
}

/// Decodes a message with what came along; what nobody claims is dropped. Most messages carry nothing and come from elsewhere: those
/// cost nothing here.
pub(crate) fn decoding<R>(carried: Vec<Carried>, wire: Wire, decode: impl FnOnce() -> R) -> R {
    if carried.is_empty() && !wire.near {
        decode()
    } else {
        providing(carried, wire, decode)
    }
}

/// Decodes a message with what came along; what nobody claims is dropped.
fn providing<R>(carried: Vec<Carried>, wire: Wire, decode: impl FnOnce() -> R) -> R {
    let carried = carried.into_iter().map(Some).collect();
    let _restore = Restore::enter(Scope::Decoding { carried, wire });
    decode()
}

/// Takes something out of the list of the message that is being decoded.
pub(crate) fn claim(place: u32) -> Result<(Carried, Wire), &'static str> {
    let claim = |scope: &mut Scope| match scope {
        Scope::Decoding { carried, wire } => {
            let wire = *wire;
            let claimed = carried.get_mut(place as usize).and_then(Option::take);
            let claimed = claimed.ok_or("a stream, channel or client that did not come with the message")?;
            Ok((claimed, wire))
        }
        _ => Err(NOT_DECODING),
    };
    SCOPE
        .try_with(|current| claim(&mut current.borrow_mut()))
        .unwrap_or(Err(NOT_DECODING))
}

/// Whether the message that is being decoded surely comes from this machine.
pub(crate) fn is_near() -> bool {
    SCOPE
        .try_with(|current| matches!(&*current.borrow(), Scope::Decoding { wire, .. } if wire.near))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::{
        any::Any,
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::{
        carry::{Bound, StreamEnd},
        proto::Flow,
    };

    /// Counts the ends that were dropped.
    struct Counted(Arc<AtomicUsize>);

    impl StreamEnd for Counted {
        fn bind(self: Box<Self>, _: Bound) {}

        fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
            self
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            // Somebody who is told may encode a message at once.
            let _ = collecting(|| ());
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn stream(dropped: &Arc<AtomicUsize>) -> Offered {
        Offered::Stream {
            flow: Flow::Sends,
            end: Box::new(Counted(Arc::clone(dropped))),
        }
    }

    #[test]
    fn nothing_is_offered_or_claimed_outside_a_message() {
        let dropped = Arc::default();
        assert_eq!(offer(stream(&dropped)), Err(NOT_ENCODING));
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(claim(0).is_err());
        let (offered, _) = collecting(|| claim(0).is_err());
        assert!(offered, "what is encoded has nothing to claim");
        providing(Vec::new(), Wire::default(), || {
            assert_eq!(offer(stream(&dropped)), Err(NOT_ENCODING));
        });
    }

    #[test]
    fn a_message_inside_another_has_a_list_of_its_own() {
        let dropped = Arc::default();
        let ((), outer) = collecting(|| {
            assert_eq!(offer(stream(&dropped)), Ok(0));
            let ((), inner) = collecting(|| assert_eq!(offer(stream(&dropped)), Ok(0)));
            assert_eq!(inner.len(), 1);
            assert_eq!(offer(stream(&dropped)), Ok(1));
        });
        assert_eq!((outer.len(), dropped.load(Ordering::Relaxed)), (2, 1));
    }

    #[test]
    fn each_place_is_claimed_once_and_the_rest_is_dropped() {
        let dropped = Arc::default();
        let carried = (0..3).map(|_| Carried::Local(stream(&dropped))).collect();
        let claimed = providing(carried, Wire::default(), || {
            let claimed = claim(1).expect("it came along");
            assert!(claim(1).is_err());
            assert!(claim(3).is_err());
            claimed
        });
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        drop(claimed);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn the_list_is_bounded() {
        let dropped = Arc::default();
        let (refused, offered) = collecting(|| (0..=MAX_ATTACHMENTS).find_map(|_| offer(stream(&dropped)).err()));
        assert_eq!((refused, offered.len()), (Some(TOO_MANY), MAX_ATTACHMENTS));
    }

    #[test]
    fn a_serialiser_that_panics_leaves_the_scope_as_it_was() {
        let dropped = Arc::default();
        let ((), offered) = collecting(|| {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                collecting(|| {
                    let _ = offer(stream(&dropped));
                    panic!("on purpose");
                })
            }));
            assert!(panicked.is_err());
            assert_eq!(offer(stream(&dropped)), Ok(0));
        });
        assert_eq!((offered.len(), dropped.load(Ordering::Relaxed)), (1, 1));
        assert!(offer(stream(&dropped)).is_err());
    }

    #[test]
    fn a_thread_that_ends_encodes_bytes_and_nothing_else() {
        struct Late(Arc<AtomicUsize>);
        impl Drop for Late {
            fn drop(&mut self) {
                let (refused, offered) = collecting(|| offer(stream(&self.0)).is_err());
                assert!(refused && offered.is_empty());
                assert!(providing(Vec::new(), Wire::default(), || claim(0).is_err()));
            }
        }
        thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
        let dropped = Arc::default();
        let late = Late(Arc::clone(&dropped));
        let thread = std::thread::spawn(move || {
            // Destructors run in the order of first use on some systems and in the reverse one on others; either is fine.
            LATE.with(|slot| *slot.borrow_mut() = Some(late));
            let _ = collecting(|| ());
        });
        assert!(thread.join().is_ok());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}
