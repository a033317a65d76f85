//! Runs a type's `Deserialize` and notes what it asks for.
//!
//! One run sees one variant of each enum, and ends where a type refuses a sample. So there are many runs, each with a
//! [`Goal`](plan::Goal): a place that was not asked yet and can be reached. What was learnt is kept in one [`Graph`],
//! where a named type stands once, so the number of runs grows with the number of types and variants, and not with the
//! ways through them. A run that teaches nothing closes its goal, so there is an end.
//!
//! Fields are filled in order, as positional formats do. Once the shape is known, each struct is given its [`fields`]
//! by name, to see which of them may be missing. Other formats with names than those of this build may be used by a
//! peer of another build, so this is always done: it is a part of the contract that is reviewed.

mod access;
mod deserializer;
mod fields;
mod finish;
mod graph;
mod plan;
mod probe;
mod run;
mod setting;

use std::any::type_name;

use serde::Deserialize;

use self::{
    finish::finished,
    graph::Graph,
    run::Run,
    setting::{Setting, with_enough_stack},
};
use super::{Samples, Shape, name::short};
use crate::unwind::caught;

/// How deep values nest in a run: as deep as a decode allows unless it is told otherwise.
const MAX_DEPTH: usize = 128;
/// The largest value, without what it has on the heap. A debug build has many copies of it on the stack.
const LARGEST: usize = 32 << 10;
/// The longest tuple with a place for each element: longer ones are arrays.
const MAX_TUPLE: usize = 16;
/// Elements of the longer tuples of one type.
const MAX_ELEMENTS: usize = 16_000;
/// Places of one type.
const MAX_SLOTS: usize = 8000;
const MAX_RUNS: usize = 20_000;

/// The name of the newtype as which a `Receiver` asks for its place in a message. In a run the visitor is given an
/// item instead, by `visit_some`.
pub(crate) const RECEIVER: &str = "farcall::Receiver";
/// The same for a `Sender`.
pub(crate) const SENDER: &str = "farcall::Sender";
/// The same for the receiver of a watch channel, which brings a value.
pub(crate) const WATCH: &str = "farcall::watch::Receiver";
/// What the name of the newtype begins with as which a client asks for its place in a message; the service's name
/// follows. In a run the visitor is given nothing, by `visit_none`.
pub(crate) const CLIENT: &str = "farcall::Client of ";

/// The shape of a type, as a deserializer sees it that is `human_readable` or not; positional formats are not.
///
/// This runs the type's code many times, and takes some microseconds for a small type and milliseconds for one with
/// hundreds of parts. It ends for every type whose own code does: depth, parts and runs are bounded, and what lies
/// beyond is opaque. Code that panics is taken to refuse its input.
pub(crate) fn shape_of<'de, T: Deserialize<'de>>(samples: &Samples, human_readable: bool) -> Shape {
    if size_of::<T>() > LARGEST {
        return Shape::opaque(short(type_name::<T>()));
    }
    with_enough_stack(traced::<T>, samples, human_readable)
}

fn traced<'de, T: Deserialize<'de>>(setting: &Setting<'_>) -> Shape {
    let mut graph = Graph::new(type_name::<T>());
    let mut runs = 0;
    while runs < MAX_RUNS {
        let Some(goal) = graph.goal() else { break };
        runs += 1;
        let (target, before) = (goal.target, graph.progress());
        let mut run = Run::new(&mut graph, setting, goal);
        if caught(|| run.whole::<T>().is_ok()).is_err() {
            run.panicked();
        }
        if graph.progress() == before {
            graph.close(target);
        }
    }
    let known = fields::known::<T>(&graph, setting, MAX_RUNS - runs);
    finished(&graph, &known)
}
