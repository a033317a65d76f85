//! The list of the message that this thread encodes or decodes.

use std::{
    cell::{Cell, RefCell},
    mem,
};

use thin_vec::ThinVec;

use super::{IncomingAttachment, OutgoingAttachment, Wire};
use crate::proto::MAX_ATTACHMENTS;

/// What this thread is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CodecWork {
    /// Nothing: values that need a list refuse to be serialised.
    Other,
    /// It encodes a message, which may carry something already.
    Encoding {
        offered: bool,
    },
    /// It encodes a watched value in a message. The value carries nothing, because it goes on changing later.
    Plain,
    Decoding,
}

/// What came with the message that is being decoded.
struct IncomingList {
    carried: Vec<Option<IncomingAttachment>>,
    wire: Wire,
}

thread_local! {
    /// Apart from the lists: nearly all messages are bytes and nothing else, and they touch only this.
    static WORK: Cell<CodecWork> = const { Cell::new(CodecWork::Other) };
    static OFFERED: RefCell<ThinVec<OutgoingAttachment>> = const { RefCell::new(ThinVec::new()) };
    static CAME: RefCell<Option<IncomingList>> = const { RefCell::new(None) };
}

const TOO_MANY: &str = "a message carries at most 1,024 streams, channels and clients";
const NOT_ENCODING: &str =
    "streams, channels and clients can only be serialised into the arguments, results and items of calls";
const NOT_PLAIN: &str =
    "the value of a watch channel carries a stream, a channel or a client, which cannot be sent with it";
const NOT_CARRIED: &str = "a stream, channel or client did not come with the message: they come only with the \
    arguments, results and items of calls, and a layer that makes an answer of its own loses them";

/// Makes `list` the list of the message that is being encoded, and returns the one before. A thread that ends has no
/// list: then messages are only bytes.
fn exchange_offered(list: ThinVec<OutgoingAttachment>) -> ThinVec<OutgoingAttachment> {
    let exchanged = OFFERED.try_with(|current| mem::replace(&mut *current.borrow_mut(), list));
    exchanged.unwrap_or_default()
}

/// The same for a message that is being decoded.
fn exchange_came(came: Option<IncomingList>) -> Option<IncomingList> {
    let exchanged = CAME.try_with(|current| mem::replace(&mut *current.borrow_mut(), came));
    exchanged.ok().flatten()
}

/// A message that is being encoded. The state before is put back, also on unwinding: a serialiser may itself encode
/// another message.
struct Encoding {
    /// The state before, with the list of an outer message, if that carries something already.
    outer: Option<(CodecWork, ThinVec<OutgoingAttachment>)>,
}

impl Encoding {
    #[inline]
    fn enter() -> Self {
        let outer = WORK.replace(CodecWork::Encoding { offered: false });
        let list = match outer {
            CodecWork::Encoding { offered: true } | CodecWork::Plain => exchange_offered(ThinVec::new()),
            _ => ThinVec::new(),
        };
        Self {
            outer: Some((outer, list)),
        }
    }

    /// Puts back the state before, and returns what the message carries.
    #[inline]
    fn leave(&mut self) -> ThinVec<OutgoingAttachment> {
        let Some((outer, list)) = self.outer.take() else {
            return ThinVec::new();
        };
        let work = WORK.replace(outer);
        if work == (CodecWork::Encoding { offered: true }) || !list.is_empty() {
            exchange_offered(list)
        } else {
            ThinVec::new()
        }
    }
}

impl Drop for Encoding {
    #[inline]
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// A part of a message that is being encoded; it puts the state back in the same way.
struct Part {
    outer: CodecWork,
}

impl Drop for Part {
    fn drop(&mut self) {
        WORK.set(self.outer);
    }
}

/// A message that is being decoded; it puts the state back in the same way.
struct Decoding {
    outer: CodecWork,
    outer_came: Option<IncomingList>,
}

impl Drop for Decoding {
    fn drop(&mut self) {
        WORK.set(self.outer);
        // What is dropped may be a stream's end, which wakes foreign code: not while the list is borrowed.
        drop(exchange_came(self.outer_came.take()));
    }
}

/// Encodes a message, and gives what goes with it.
#[inline]
pub(crate) fn collecting<R>(encode: impl FnOnce() -> R) -> (R, ThinVec<OutgoingAttachment>) {
    let mut encoding = Encoding::enter();
    let encoded = encode();
    let offered = encoding.leave();
    // It is empty now; its destructor, which the compiler does not see through, is for unwinding.
    mem::forget(encoding);
    (encoded, offered)
}

/// Encodes a watched value in a message, where nothing can be offered.
pub(crate) fn plain<R>(encode: impl FnOnce() -> R) -> R {
    let _part = Part {
        outer: WORK.replace(CodecWork::Plain),
    };
    encode()
}

/// Puts something into the list of the message that is being encoded, and gives its place. What is refused is dropped.
pub(crate) fn offer(offered: OutgoingAttachment) -> Result<u32, &'static str> {
    is_collecting()?;
    let mut offered = Some(offered);
    // A refused one is dropped behind the borrow: that may run foreign code.
    let mut put = |list: &mut ThinVec<OutgoingAttachment>| {
        if list.len() >= MAX_ATTACHMENTS {
            return Err(TOO_MANY);
        }
        list.extend(offered.take());
        WORK.set(CodecWork::Encoding { offered: true });
        Ok(list.len() as u32 - 1)
    };
    OFFERED
        .try_with(|list| put(&mut list.borrow_mut()))
        .unwrap_or(Err(NOT_ENCODING))
}

/// Whether a message is being encoded here, so that something may be offered.
pub(crate) fn is_collecting() -> Result<(), &'static str> {
    match WORK.get() {
        CodecWork::Encoding { .. } => Ok(()),
        CodecWork::Plain => Err(NOT_PLAIN),
        _ => Err(NOT_ENCODING),
    }
}

/// Decodes a message with what came along; what the type does not claim is dropped. Most messages carry nothing and
/// come from another process: those cost nothing here.
pub(crate) fn decoding<R>(carried: ThinVec<IncomingAttachment>, wire: Wire, decode: impl FnOnce() -> R) -> R {
    if carried.is_empty() && !wire.near {
        decode()
    } else {
        providing(carried, wire, decode)
    }
}

/// Decodes a message with what came along; what the type does not claim is dropped.
fn providing<R>(carried: ThinVec<IncomingAttachment>, wire: Wire, decode: impl FnOnce() -> R) -> R {
    let carried = carried.into_iter().map(Some).collect();
    let _decoding = Decoding {
        outer: WORK.replace(CodecWork::Decoding),
        outer_came: exchange_came(Some(IncomingList { carried, wire })),
    };
    decode()
}

/// Takes something out of the list of the message that is being decoded.
pub(crate) fn claim(place: u32) -> Result<(IncomingAttachment, Wire), &'static str> {
    let claim = |came: &mut IncomingList| {
        let claimed = came.carried.get_mut(place as usize).and_then(Option::take);
        Ok((claimed.ok_or(NOT_CARRIED)?, came.wire))
    };
    with_came(claim).unwrap_or(Err(NOT_CARRIED))
}

/// Whether the message that is being decoded certainly comes from this machine.
pub(crate) fn is_near() -> bool {
    with_came(|came| came.wire.near).unwrap_or(false)
}

fn with_came<R>(ask: impl FnOnce(&mut IncomingList) -> R) -> Option<R> {
    if WORK.get() != CodecWork::Decoding {
        return None;
    }
    CAME.try_with(|came| came.borrow_mut().as_mut().map(ask)).ok().flatten()
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
        driver::attachments::{Bound, StreamEnd},
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

    fn stream(dropped: &Arc<AtomicUsize>) -> OutgoingAttachment {
        OutgoingAttachment::Stream {
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
        providing(ThinVec::new(), Wire::default(), || {
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
    fn nothing_is_offered_in_a_plain_part_but_by_messages_of_its_own() {
        let dropped = Arc::default();
        let ((), outer) = collecting(|| {
            assert_eq!(offer(stream(&dropped)), Ok(0));
            plain(|| {
                assert_eq!(offer(stream(&dropped)), Err(NOT_PLAIN));
                let ((), inner) = collecting(|| assert_eq!(offer(stream(&dropped)), Ok(0)));
                assert_eq!(inner.len(), 1);
                assert_eq!(is_collecting(), Err(NOT_PLAIN));
            });
            assert_eq!(offer(stream(&dropped)), Ok(1));
        });
        assert_eq!((outer.len(), dropped.load(Ordering::Relaxed)), (2, 2));
    }

    #[test]
    fn each_place_is_claimed_once_and_the_rest_is_dropped() {
        let dropped = Arc::default();
        let carried = (0..3).map(|_| IncomingAttachment::Local(stream(&dropped))).collect();
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
    fn a_thread_that_ends_loses_nothing() {
        struct Late(Arc<AtomicUsize>);
        impl Drop for Late {
            fn drop(&mut self) {
                let (refused, offered) = collecting(|| offer(stream(&self.0)).is_err());
                assert_eq!(
                    offered.len(),
                    usize::from(!refused),
                    "it goes with the message, or is refused"
                );
                assert!(providing(ThinVec::new(), Wire::default(), || claim(0).is_err()));
            }
        }
        thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
        let dropped = Arc::default();
        let late = Late(Arc::clone(&dropped));
        let thread = std::thread::spawn(move || {
            // Destructors run in the order of first use on some systems and in the reverse one on others; either is
            // fine.
            LATE.with(|slot| *slot.borrow_mut() = Some(late));
            let _ = collecting(|| ());
        });
        assert!(thread.join().is_ok());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}
