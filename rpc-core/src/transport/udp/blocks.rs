//! Buffers that a thread lends for one turn, so that an idle session holds none.

use std::{cell::Cell, io::IoSliceMut};

/// Buffers filled by one receive.
pub(super) const BATCH: usize = 8;
/// The longest run of datagrams that the system hands over in one buffer.
const LONGEST: usize = 64 << 10;

thread_local! {
    static RECEIVE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static SEND: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `receive` with this thread's buffers.
pub(super) fn with_buffers<R>(receive: impl FnOnce(&mut [IoSliceMut<'_>; BATCH]) -> R) -> R {
    let mut block = RECEIVE
        .take()
        .unwrap_or_else(|| vec![0; BATCH * LONGEST].into_boxed_slice());
    let mut parts = block.chunks_exact_mut(LONGEST);
    let mut buffers = std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
    let result = receive(&mut buffers);
    RECEIVE.set(Some(block));
    result
}

/// This thread's buffer for datagrams that leave, empty.
pub(super) fn take_output() -> Vec<u8> {
    let mut output = SEND.take();
    output.clear();
    output
}

/// Gives the buffer back once all of it has left.
pub(super) fn give_output(output: Vec<u8>) {
    SEND.set(output);
}
