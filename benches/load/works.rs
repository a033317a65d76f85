//! The works, in the order in which they are measured.

use crate::work::{Calls, Kind, Load, Size, Slow, Work};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What the flags change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) window: usize,
    pub(crate) connections: usize,
    pub(crate) body: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            window: 128,
            connections: 64,
            body: 16,
        }
    }
}

pub(crate) fn all(sizes: Sizes) -> Vec<Work> {
    let calls = |name, connections, in_flight, body| {
        let calls = Calls {
            connections,
            in_flight,
            body,
        };
        Work {
            name,
            description: calls.to_string(),
            kind: Kind::Rate(Load::calls(calls)),
        }
    };
    let other = |name, description: &str, kind| Work {
        name,
        description: description.to_owned(),
        kind,
    };
    let in_process = |name, in_flight| {
        let calls = Calls {
            in_flight,
            ..Calls::one(sizes.body)
        };
        other(name, &format!("{calls}; in one process"), Kind::InProcess(calls))
    };
    let Sizes {
        window,
        connections,
        body,
    } = sizes;
    let core = Calls {
        connections: 64,
        in_flight: 64,
        body,
    };
    vec![
        calls("seq", 1, 1, body),
        calls("window", 1, window, body),
        calls("window1024", 1, 1024, body),
        calls("conns", connections, 1, body),
        calls("conns1000", 1000, 4, body),
        calls("kib", 1, 128, KIB),
        calls("large", 1, 16, 64 * KIB),
        calls("mib", 1, 1, MIB),
        calls("mib16", 1, 1, 16 * MIB),
        in_process("loopback", 1),
        in_process("loopback128", 128),
        other(
            "beside",
            "calls of 16 bytes, one at a time, beside calls of 1 MiB back to back on the same connection",
            Kind::Beside,
        ),
        other(
            "core",
            &format!("{core}; a core for the server and another for the client"),
            Kind::ServerCore(core),
        ),
        other(
            "asleep",
            "half the peak rate of calls, 1 % of which have a handler that sleeps for 5 ms",
            Kind::Neighbours(Slow::Asleep),
        ),
        other(
            "computing",
            "half the peak rate of calls, up to 1 % and 100 in a second of which have a handler that computes for 5 ms",
            Kind::Neighbours(Slow::Computing),
        ),
        other(
            "callback",
            "the server calls the client's object inside a call, one at a time",
            Kind::Rate(Load::Callbacks),
        ),
        other(
            "items16",
            "one stream from the server, items of 16 bytes",
            Kind::Rate(Load::Items(Size::Small)),
        ),
        other(
            "items64k",
            "one stream from the server, items of 64 KiB",
            Kind::Rate(Load::Items(Size::Large)),
        ),
    ]
}

pub(crate) fn names() -> Vec<&'static str> {
    all(Sizes::default()).iter().map(|work| work.name).collect()
}
