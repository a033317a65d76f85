use std::{pin::Pin, rc::Rc, task::{Context, Poll}};

use farcall::stream::Stream;

#[farcall::service]
pub trait Inventory {
    fn watch(&self) -> impl Stream<Item = farcall::Result<u32>>;
}

struct Local;

struct Never(#[allow(dead_code)] Rc<u8>);

impl Stream for Never {
    type Item = farcall::Result<u32>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

impl Inventory for Local {
    fn watch(&self) -> impl Stream<Item = farcall::Result<u32>> {
        Never(Rc::new(1))
    }
}

fn main() {
    let _ = InventoryClient::loopback(Local);
}
