//! Where connections read what comes in, which the connections of a thread share.
//!
//! A connection needs room only from when something came until it has been acted on. So one buffer serves all that run
//! on a thread: it stays in the processor's caches, and a connection that waits holds none.

use std::cell::Cell;

use bytes::BytesMut;

/// How much room a read has: a batch of small calls, or two pieces of a large one.
const READ: usize = 64 << 10;

thread_local! {
    static SPARE: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// Makes room for a read.
pub(super) fn make_room(input: &mut BytesMut) {
    if input.capacity() == 0 {
        // A thread that ends has no buffer to share any more.
        *input = SPARE.try_with(Cell::take).unwrap_or_default();
    }
    // Where nothing of it is used any more, the buffer is filled from its beginning again.
    let whole = input.is_empty() && input.try_reclaim(READ);
    if !whole && input.capacity() - input.len() < READ / 4 {
        input.reserve(READ);
    }
}

/// Nothing is being read: the buffer is free for others, unless a message in it is still used.
pub(super) fn give_back(input: &mut BytesMut) {
    if input.is_empty() && input.try_reclaim(READ) {
        let input = std::mem::take(input);
        let _ = SPARE.try_with(|spare| spare.set(input));
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    /// Where the free room of a buffer begins.
    fn room(input: &mut BytesMut) -> *const u8 {
        input.chunk_mut().as_mut_ptr()
    }

    #[test]
    fn connections_of_a_thread_read_to_the_same_place() {
        let mut inputs = [BytesMut::new(), BytesMut::new()];
        let places = inputs.each_mut().map(|input| {
            make_room(input);
            let place = room(input);
            input.put_slice(b"a call");
            give_back(input);
            assert!(input.capacity() >= READ, "what was not acted on stays");
            drop(input.split());
            give_back(input);
            assert_eq!(input.capacity(), 0);
            place
        });
        assert_eq!(places[0], places[1]);
    }

    #[test]
    fn a_buffer_with_a_message_in_use_is_not_shared() {
        let (mut one, mut other) = (BytesMut::new(), BytesMut::new());
        make_room(&mut one);
        one.put_slice(b"a call");
        let message = one.split().freeze();
        give_back(&mut one);
        make_room(&mut other);
        other.put_slice(b"another");
        assert_eq!(message, b"a call"[..]);
        drop(message);
        let place = room(&mut one);
        make_room(&mut one);
        assert_ne!(room(&mut one), place, "it is filled from its beginning again");
    }
}
