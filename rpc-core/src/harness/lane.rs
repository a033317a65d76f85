//! What keeps its order where frames overtake each other.

use crate::proto::{
    StreamId,
    frame::{Kind, Subject},
};

/// The frames of one call or stream: whether it is a stream, whether the first end numbered it, and its number. Or
/// those of none.
pub(super) type LaneKey = Option<(bool, bool, u32)>;

/// The lane of a frame that `writer` writes.
pub(super) fn lane(kind: Kind, id: u32, writer: usize) -> LaneKey {
    let by_first = |by_writer: bool| (writer == 0) == by_writer;
    match kind.subject() {
        Subject::CallOfSender => Some((false, by_first(true), id)),
        Subject::CallOfRecipient => Some((false, by_first(false), id)),
        Subject::Stream => Some((true, by_first(StreamId(id).is_ours()), StreamId(id).number())),
        Subject::Object | Subject::Connection => None,
    }
}
