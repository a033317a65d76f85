//! Calls and items per second, and CPU time for each, of farcall beside its peers, on this machine, in one run.
//!
//! Client and server are two processes: this program starts itself again with `serve <peer>`. Every round measures all
//! peers one after the other, so that a machine that slows down slows all of them down; ratios are taken within a
//! round. `README.md` beside it says what is measured and where the comparison is not even.

mod beside;
mod chart;
mod closed;
mod echo;
mod idle;
mod items;
mod measure;
mod options;
mod paced;
mod peer;
mod peers;
mod process;
mod report;
mod scale;
mod slow;
mod spread;
mod table;
mod threads;
mod ticks;
mod waits;
mod work;
mod works;

use std::{
    env, fs,
    io::{self, Read, Write},
    process::exit,
    thread,
};

use crate::{
    measure::measure,
    options::{Options, USAGE},
    peer::{Peer, Result},
    report::Report,
    threads::Threads,
};

/// Does what the program's arguments ask for. `allocator` is the name of the one that the program was built with.
///
/// # Errors
/// When the arguments are not understood, or something cannot be measured.
pub fn run(allocator: &str) -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [command, peer, threads @ ..] if command == "serve" => serve(peer, Threads::parse(threads)?),
        [flag] if flag == "--help" || flag == "-h" => Ok(io::stdout().write_all(USAGE.as_bytes())?),
        [command, streams] if command == "idle" => idle::weigh_all(streams),
        [command, streams, peer] if command == "idle" => {
            let sentence = Threads::default().run(idle::weigh(find(peer)?, streams.parse()?))?;
            Ok(write!(io::stdout(), "{sentence}")?)
        }
        [command] if command == "scale" => scale::show_all(),
        [command, axis, step] if command == "scale" => scale::show(axis, step),
        flags => compare(&Options::parse(flags)?, allocator),
    }
}

fn find(name: &str) -> Result<&'static dyn Peer> {
    peers::find(name).ok_or_else(|| format!("there is no peer called {name:?}").into())
}

fn serve(name: &str, threads: Threads) -> Result<()> {
    let peer = find(name)?;
    // The measuring process holds the other end: however it ends, this one does not outlive it.
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    threads.run(peer.serve())
}

fn compare(options: &Options, allocator: &str) -> Result<()> {
    let mut report = Report::default();
    // What was measured before something failed is worth reading.
    let outcome = measure_all(options, &mut report);
    write!(io::stdout(), "{options}; {allocator}\n\n{report}")?;
    if let Some(path) = &options.chart {
        fs::write(path, chart::draw(&report.comparisons()))?;
    }
    outcome
}

fn measure_all(options: &Options, report: &mut Report) -> Result<()> {
    for round in 1..=options.rounds {
        for work in options.works() {
            for peer in peers::ALL.iter().filter(|peer| options.wants_peer(peer.name())) {
                let sample = measure(*peer, work.kind, options.setting())
                    .map_err(|error| format!("{}, {}: {error}", work.name, peer.name()))?;
                let Some(sample) = sample else { continue };
                writeln!(io::stderr(), "round {round}: {}, {}", work.name, peer.name())?;
                report.add(&work, peer.name(), sample);
            }
        }
    }
    Ok(())
}
