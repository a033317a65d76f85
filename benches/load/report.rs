//! Samples to tables.

use std::fmt;

use crate::{measure::Sample, spread::Spread, table::Table, waits::Latency, work::Work};

/// What the others are compared with, round by round.
const REFERENCES: [&str; 6] = ["raw", "raw-udp", "farcall", "tarpc", "tonic", "remoc"];

/// The samples of a run, by work and peer in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Section>);

#[derive(Debug)]
struct Section {
    work: Work,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    peer: &'static str,
    /// One for each round.
    samples: Vec<Sample>,
}

impl Report {
    pub(crate) fn add(&mut self, work: Work, peer: &'static str, sample: Sample) {
        let section = find_or_push(
            &mut self.0,
            |section| section.work.name == work.name,
            || Section { work, rows: Vec::new() },
        );
        let row = find_or_push(
            &mut section.rows,
            |row| row.peer == peer,
            || Row {
                peer,
                samples: Vec::new(),
            },
        );
        row.samples.push(sample);
    }
}

fn find_or_push<T>(items: &mut Vec<T>, is_it: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let index = items.iter().position(is_it).unwrap_or_else(|| {
        items.push(new());
        items.len() - 1
    });
    &mut items[index]
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|section| writeln!(f, "{section}"))
    }
}

impl Section {
    fn row(&self, peer: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == peer)
    }

    /// How much, at what cost, and how that compares.
    fn rates(&self) -> Table {
        let unit = self.work.load.unit();
        let references = REFERENCES.iter().filter_map(|reference| self.row(reference));
        let references: Vec<&Row> = references.collect();
        let mut columns = vec![
            format!("{unit}s/s"),
            format!("client CPU, µs/{unit}"),
            format!("server CPU, µs/{unit}"),
        ];
        columns.extend(references.iter().map(|reference| format!("÷ {}", reference.peer)));
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![
                format!("{:.0}", row.spread(|sample| sample.per_second)),
                format!("{:.2}", row.spread(|sample| sample.client_cpu)),
                format!("{:.2}", row.spread(|sample| sample.server_cpu)),
            ];
            cells.extend(
                references
                    .iter()
                    .map(|reference| format!("{:.3}", row.ratio(reference))),
            );
            (row.peer, cells)
        });
        Table::new(columns, rows)
    }

    /// How long the calls took; no rows where they are not timed.
    fn latencies(&self) -> Table {
        let columns = ["p50, µs", "p99, µs", "p99.9, µs", "longest, µs", "longest ÷ p50"];
        let rows = self.rows.iter().filter_map(|row| {
            let cells = [
                format!("{:.1}", row.latency(|latency| latency.p50)?),
                format!("{:.1}", row.latency(|latency| latency.p99)?),
                format!("{:.1}", row.latency(|latency| latency.p999)?),
                format!("{:.0}", row.latency(|latency| latency.longest)?),
                format!("{:.0}", row.latency(|latency| latency.longest / latency.p50)?),
            ];
            Some((row.peer, cells.to_vec()))
        });
        Table::new(columns.map(str::to_owned).to_vec(), rows)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}{}", self.work, self.rates(), self.latencies())
    }
}

impl Row {
    fn spread(&self, figure: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(figure))
    }

    fn ratio(&self, reference: &Self) -> Spread {
        let rounds = self.samples.iter().zip(&reference.samples);
        Spread::of(rounds.map(|(own, other)| own.per_second / other.per_second))
    }

    fn latency(&self, figure: impl Fn(&Latency) -> f64) -> Option<Spread> {
        let latencies: Option<Vec<Latency>> = self.samples.iter().map(|sample| sample.latency).collect();
        Some(Spread::of(latencies?.iter().map(figure)))
    }
}
