use std::{cell::Cell, rc::Rc};

#[farcall::service]
pub trait Counter {
    async fn next(&self) -> u32;
}

struct Alone(Rc<Cell<u32>>);

impl Counter for Alone {
    async fn next(&self) -> u32 {
        7
    }
}

fn main() {
    let _ = CounterClient::loopback(Alone(Rc::default()));
}
