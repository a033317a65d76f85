//! What the arguments of a call borrow beside the bytes of its message.

use std::sync::OnceLock;

/// Text and bytes that do not stand in a message as they are: text with escapes, bytes in base64. They live as long as
/// this does, so that `&str` and `&[u8]` work in every format.
#[derive(Debug, Default)]
pub(crate) struct Kept(OnceLock<Box<Node>>);

#[derive(Debug)]
struct Node {
    content: Content,
    next: OnceLock<Box<Node>>,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

/// What one of them takes beside its content, about: the node, and what the allocator adds to both.
const NODE: usize = 96;

impl Kept {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds to what is kept, at most `room` bytes.
    pub(super) fn keeper(&self, room: usize) -> Keeper<'_> {
        Keeper { place: &self.0, room }
    }
}

impl Drop for Kept {
    /// One after the other: as many nodes as a peer likes would take much of the stack inside each other.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}

/// Adds to what is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeper<'de> {
    /// Behind what was kept last.
    place: &'de OnceLock<Box<Node>>,
    room: usize,
}

impl<'de> Keeper<'de> {
    /// Keeps a text; `None` where there is no room for it.
    pub(super) fn text(&mut self, text: String) -> Option<&'de str> {
        self.take(text.len())?;
        match self.keep(Content::Text(text))? {
            Content::Text(text) => Some(text),
            Content::Bytes(_) => None,
        }
    }

    /// Keeps bytes; `None` where there is no room for them.
    pub(super) fn bytes(&mut self, bytes: Vec<u8>) -> Option<&'de [u8]> {
        self.take(bytes.len())?;
        match self.keep(Content::Bytes(bytes))? {
            Content::Bytes(bytes) => Some(bytes),
            Content::Text(_) => None,
        }
    }

    fn take(&mut self, bytes: usize) -> Option<()> {
        self.room = self.room.checked_sub(bytes.saturating_add(NODE))?;
        Some(())
    }

    fn keep(&mut self, content: Content) -> Option<&'de Content> {
        let mut node = Box::new(Node {
            content,
            next: OnceLock::new(),
        });
        loop {
            let set = self.place.set(node);
            // Somebody may have decoded the same message before.
            let there = self.place.get()?;
            self.place = &there.next;
            match set {
                Ok(()) => return Some(&there.content),
                Err(back) => node = back,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_in_its_place_and_is_bounded() {
        let kept = Kept::default();
        let mut keeper = kept.keeper(3 * NODE + 7);
        let first = keeper.text("one".into());
        let again = kept.keeper(NODE + 2).bytes(vec![1, 2]);
        let second = keeper.bytes(vec![3; 4]);
        assert_eq!((first, again), (Some("one"), Some(&[1, 2][..])));
        assert_eq!(second, Some(&[3; 4][..]));
        assert_eq!(keeper.text("x".into()), None, "there is no room");
        assert_eq!(keeper.text(String::new()), Some(""));
    }

    #[test]
    fn any_number_is_dropped_without_much_stack() {
        let kept = Kept::default();
        let mut keeper = kept.keeper(usize::MAX);
        for _ in 0..200_000 {
            keeper.text("x".into());
        }
    }
}
