//! What stands on the command line.

use std::{fmt, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use farcall::{Address, codec::Format};

/// Lists, describes, calls and measures the services of a farcall server.
#[derive(Debug, Parser)]
#[command(name = "farcall", version, max_term_width = 100, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    /// Colours in the output
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "\
Addresses: tcp://host:port, tls://host:port, udp://host:port, quic://host:port, unix:///path/to.sock; a path behind \
the port is a named instance.

Exit status: 0 done; 1 the method returned an error of its own, contracts differ, or nothing answered; 2 wrong usage \
or JSON that does not fit; 3 a file or the output failed; 10 + the code of a failed call (15 not found, 24 \
unavailable, 26 unauthenticated, ...); 130 stopped by Ctrl-C.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the services of a server
    Ls {
        #[command(flatten)]
        server: Server,
        /// One JSON object for each service
        #[arg(long)]
        json: bool,
    },
    /// Print a service as a Rust trait, with its docs and types
    Describe {
        #[command(flatten)]
        server: Server,
        /// A service or one of its methods; without it, all services
        #[arg(value_name = "SERVICE[.METHOD]")]
        name: Option<String>,
        #[command(flatten)]
        source: Source,
        /// The contracts as JSON
        #[arg(long)]
        json: bool,
    },
    /// Call a method: JSON in, JSON out
    #[command(after_help = CALL_HELP)]
    Call {
        #[command(flatten)]
        target: Target,
    },
    /// Print each new value: of a stream, of a watched value, or of a call that is repeated
    Watch {
        #[command(flatten)]
        target: Target,
        /// The time between two calls of a method that returns a plain value
        #[arg(long, default_value = "1s", value_parser = humantime::parse_duration, value_name = "TIME")]
        interval: Duration,
    },
    /// Measure round trips
    Ping {
        #[command(flatten)]
        server: Server,
        /// How many; without it, until Ctrl-C
        #[arg(short, long, value_name = "N")]
        count: Option<u64>,
        /// The time between two of them
        #[arg(short, long, default_value = "1s", value_parser = humantime::parse_duration, value_name = "TIME")]
        interval: Duration,
    },
    /// Put load on a method and print its latencies
    Bench {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        load: Load,
        /// The result as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Compare the contracts of a server with those of another one, or with a file
    Diff {
        #[command(flatten)]
        server: Server,
        /// Another server, or a file that `lock` wrote
        #[arg(value_name = "ADDRESS|FILE")]
        other: String,
        /// Only this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Write the contract of a service to a file
    Lock {
        #[command(flatten)]
        server: Server,
        service: String,
        /// Where to; `-` is standard output
        #[arg(short, long, default_value = "-", value_name = "FILE")]
        output: PathBuf,
    },
    /// Print a script that completes command lines
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

const CALL_HELP: &str = "\
Streams: the items of a stream argument are an array, or `-` (or left out) for JSON lines from standard input; items \
of a result are printed as JSON lines.

Examples:
  farcall call tcp://127.0.0.1:7401 Inventory.stock '{\"sku\":\"apple\"}'
  seq 3 | farcall call tcp://127.0.0.1:7401 Numbers.sum";

/// How a server is reached.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    /// Where the server listens, such as `tcp://127.0.0.1:7401`
    pub(crate) address: Address,
    /// A named instance, as a path behind the address would be
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,
    /// Metadata of each call; bytes as base64 where the key ends in -bin
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub(crate) metadata: Vec<Pair>,
    /// How long connecting and each call may take, such as 500ms; `none` for no limit [default: what the method says,
    /// or 30s; none for streams]
    #[arg(short, long, value_parser = limit, value_name = "TIME")]
    pub(crate) timeout: Option<Limit>,
    /// The format of arguments and results
    #[arg(long, default_value_t, value_parser = format, value_name = "FORMAT")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) tls: Tls,
}

/// Whom to trust over `tls://` and `quic://`, and what to show.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Encrypted addresses")]
pub(crate) struct Tls {
    /// Trust the authorities in this PEM file, and not those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "pin")]
    pub(crate) authority: Option<PathBuf>,
    /// Trust the certificate with this SHA-256, whoever signed it
    #[arg(long, value_name = "SHA256")]
    pub(crate) pin: Option<String>,
    /// Show the certificate in this PEM file
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// The name that the server's certificate must have, if it is not the host of the address
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
}

/// Where contracts come from.
#[derive(Args, Clone, Debug)]
pub(crate) struct Source {
    /// Use the contract in this file, which `lock` wrote, and not the server's reflection
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,
}

/// A method of a server, and its arguments.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    #[command(flatten)]
    pub(crate) server: Server,
    #[arg(value_name = "SERVICE.METHOD")]
    pub(crate) method: String,
    /// The arguments as a JSON object by name; `-` reads them from standard input
    #[arg(default_value = "{}", value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) arguments: String,
    #[command(flatten)]
    pub(crate) source: Source,
}

/// How much, and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct Load {
    /// Calls in a second, sent whether earlier ones are answered or not
    #[arg(long, conflicts_with = "in_flight", value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Calls at the same time, each after the answer of the one before
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) in_flight: u32,
    /// Connections over which the calls are spread
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How long [default: 10s]
    #[arg(long, value_parser = humantime::parse_duration, conflicts_with = "count", value_name = "TIME")]
    pub(crate) duration: Option<Duration>,
    /// How many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

/// What should be `KEY=VALUE`. It may be a secret, so nothing prints it: it is looked at where a mistake in it is
/// reported without its text.
#[derive(Clone)]
pub(crate) struct Pair(pub(crate) String);

impl From<String> for Pair {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair(redacted)")
    }
}

/// A limit of time, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(pub(crate) Option<Duration>);

fn limit(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        _ => humantime::parse_duration(text)
            .map(|limit| Limit(Some(limit)))
            .map_err(|error| format!("{error}; write a time such as 5s or 300ms, or none")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("write calls in a second, from 0.001 to 10000000".to_owned()),
    }
}

fn format(text: &str) -> Result<Format, String> {
    let known = Format::ALL.iter().find(|format| format.to_string() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Format::ALL.iter().map(Format::to_string).collect();
        format!("this program has the formats {}", names.join(", "))
    })
}

impl Color {
    /// Makes all output follow it.
    pub(crate) fn write_global(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
