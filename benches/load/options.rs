//! The flags.

use std::{fmt, str::FromStr, time::Duration};

use crate::{
    WORKERS,
    peer::Result,
    peers,
    work::{Calls, Load, Size, Work},
};

pub(crate) const USAGE: &str = "\
Measures farcall beside its peers.

    cargo run --release -p farcall-benches --bin load -- [flags]
    cargo run --release -p farcall-benches --bin load -- idle STREAMS    # memory of so many open streams

    --rounds N    rounds, each with every peer (5)
    --seconds S   seconds of each measurement, fractions allowed (1)
    --window N    calls in flight in the work `window` (128)
    --conns N     connections in the work `conns` (64)
    --body N      bytes of each body of a call but in the works `large` and `mib` (16)
    --only A,B    only these peers and works: `--only raw,tarpc,window`
";

const WORKS: [&str; 8] = [
    "seq", "window", "conns", "large", "mib", "callback", "items16", "items64k",
];

/// What to measure, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
    window: usize,
    connections: usize,
    body: usize,
    only: Vec<String>,
}

impl Options {
    pub(crate) fn parse(flags: &[String]) -> Result<Self> {
        let mut options = Self {
            rounds: 5,
            duration: Duration::from_secs(1),
            window: 128,
            connections: 64,
            body: 16,
            only: Vec::new(),
        };
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            let value = flags.next().ok_or_else(|| format!("{flag} needs a value\n\n{USAGE}"))?;
            match flag.as_str() {
                "--rounds" => options.rounds = positive(flag, value)?,
                "--seconds" => options.duration = Duration::try_from_secs_f64(number(flag, value)?)?,
                "--window" => options.window = positive(flag, value)?,
                "--conns" => options.connections = positive(flag, value)?,
                "--body" => options.body = number(flag, value)?,
                "--only" => options.only = names(value)?,
                _ => return Err(format!("there is no flag {flag}\n\n{USAGE}").into()),
            }
        }
        Ok(options)
    }

    pub(crate) fn works(&self) -> impl Iterator<Item = Work> {
        WORKS
            .into_iter()
            .filter(|work| self.wants(&WORKS, work))
            .map(|name| Work {
                name,
                load: self.load(name),
            })
    }

    pub(crate) fn wants_peer(&self, peer: &str) -> bool {
        self.wants(&peers::names(), peer)
    }

    /// A list that names no member of `group` leaves the whole group in.
    fn wants(&self, group: &[&str], name: &str) -> bool {
        let mut chosen = self
            .only
            .iter()
            .filter(|chosen| group.contains(&chosen.as_str()))
            .peekable();
        chosen.peek().is_none() || chosen.any(|chosen| chosen == name)
    }

    fn load(&self, work: &str) -> Load {
        let one = Calls {
            connections: 1,
            in_flight: 1,
            body: self.body,
        };
        let in_flight = self.window;
        let connections = self.connections;
        Load::Calls(match work {
            "window" => Calls { in_flight, ..one },
            "conns" => Calls { connections, ..one },
            "large" => Calls {
                in_flight: 16,
                body: 64 << 10,
                ..one
            },
            "mib" => Calls { body: 1 << 20, ..one },
            "callback" => return Load::Callbacks,
            "items16" => return Load::Items(Size::Small),
            "items64k" => return Load::Items(Size::Large),
            _ => one,
        })
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        write!(
            f,
            "{cores} cores; client and server are two processes with {WORKERS} runtime workers each; {} rounds of {:?}",
            self.rounds, self.duration
        )
    }
}

fn number<N: FromStr<Err: fmt::Display>>(flag: &str, value: &str) -> Result<N> {
    value.parse().map_err(|error| format!("{flag} {value}: {error}").into())
}

fn positive(flag: &str, value: &str) -> Result<usize> {
    match number(flag, value)? {
        0 => Err(format!("{flag} must be at least 1").into()),
        number => Ok(number),
    }
}

fn names(list: &str) -> Result<Vec<String>> {
    let known = [peers::names().as_slice(), &WORKS].concat();
    list.split(',')
        .map(|name| {
            if known.contains(&name) {
                Ok(name.to_owned())
            } else {
                Err(format!("--only {name}: the names are {}", known.join(", ")).into())
            }
        })
        .collect()
}
