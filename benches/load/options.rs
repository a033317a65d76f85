//! The flags.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use crate::{
    measure::Setting,
    peer::Result,
    peers,
    threads::{Flavour, Threads},
    work::Work,
    works::{self, Sizes},
};

pub(crate) const USAGE: &str = "\
Measures farcall beside its peers.

    cargo run --release -p farcall-benches --bin load -- [flags]
    cargo run --release -p farcall-benches --bin load -- idle STREAMS    # memory of so many open streams
    cargo run --release -p farcall-benches --bin load -- scale           # how farcall's cost grows

    --rounds N    rounds, each with every peer (5)
    --seconds S   seconds of each measurement, fractions allowed (1)
    --window N    calls in flight in the work `window` (128)
    --conns N     connections in the work `conns` (64)
    --body N      bytes of each body of a call where the work does not say how many (16)
    --runtime R   of both processes: `workers` (two threads) or `current` (one) (workers)
    --chart PATH  writes the ratios to farcall as an SVG
    --only A,B    only these peers and works: `--only raw,tarpc,window`
";

/// What to measure, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    duration: Duration,
    runtime: Flavour,
    sizes: Sizes,
    /// Where to draw the ratios.
    pub(crate) chart: Option<PathBuf>,
    only: Vec<String>,
}

impl Options {
    pub(crate) fn parse(flags: &[String]) -> Result<Self> {
        let mut options = Self {
            rounds: 5,
            duration: Duration::from_secs(1),
            runtime: Flavour::default(),
            sizes: Sizes::default(),
            chart: None,
            only: Vec::new(),
        };
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            let value = flags.next().ok_or_else(|| format!("{flag} needs a value\n\n{USAGE}"))?;
            match flag.as_str() {
                "--rounds" => options.rounds = positive(flag, value)?,
                "--seconds" => options.duration = Duration::try_from_secs_f64(parsed(flag, value)?)?,
                "--window" => options.sizes.window = positive(flag, value)?,
                "--conns" => options.sizes.connections = positive(flag, value)?,
                "--body" => options.sizes.body = parsed(flag, value)?,
                "--runtime" => options.runtime = parsed(flag, value)?,
                "--chart" => options.chart = Some(value.into()),
                "--only" => options.only = names(value)?,
                _ => return Err(format!("there is no flag {flag}\n\n{USAGE}").into()),
            }
        }
        Ok(options)
    }

    pub(crate) fn works(&self) -> Vec<Work> {
        let mut works = works::all(self.sizes);
        works.retain(|work| self.wants(&works::names(), work.name));
        works
    }

    pub(crate) fn setting(&self) -> Setting {
        let threads = Threads {
            flavour: self.runtime,
            core: None,
        };
        Setting {
            duration: self.duration,
            client: threads,
            server: threads,
        }
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
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        write!(
            f,
            "{cores} cores; client and server are two processes with {} each; {} rounds of {:?}",
            self.runtime, self.rounds, self.duration
        )
    }
}

fn parsed<N: FromStr<Err: fmt::Display>>(flag: &str, value: &str) -> Result<N> {
    value.parse().map_err(|error| format!("{flag} {value}: {error}").into())
}

fn positive(flag: &str, value: &str) -> Result<usize> {
    match parsed(flag, value)? {
        0 => Err(format!("{flag} must be at least 1").into()),
        number => Ok(number),
    }
}

fn names(list: &str) -> Result<Vec<String>> {
    let known = [peers::names().as_slice(), &works::names()].concat();
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
