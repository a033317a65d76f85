//! Samples to tables.

use std::fmt;

use crate::{
    chart::{Bar, Comparison},
    measure::Sample,
    spread::Spread,
    table::Table,
    waits::Latency,
    work::{Kind, Work},
};

/// What every peer is compared with, round by round, beside farcall.
const REFERENCES: [&str; 3] = ["raw", "raw-udp", "tarpc"];

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
    pub(crate) fn add(&mut self, work: &Work, peer: &'static str, sample: Sample) {
        let section = find_or_push(
            &mut self.0,
            |section| section.work.name == work.name,
            || Section {
                work: work.clone(),
                rows: Vec::new(),
            },
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

impl Report {
    /// The rates beside farcall's. Fixed ones say nothing.
    pub(crate) fn comparisons(&self) -> Vec<Comparison> {
        let rated = self
            .0
            .iter()
            .filter(|section| !matches!(section.work.kind, Kind::Neighbours(_)));
        rated.filter_map(Section::comparison).collect()
    }
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

    fn comparison(&self) -> Option<Comparison> {
        let farcall = self.row("farcall")?;
        let bars = self.rows.iter().filter(|row| !row.peer.starts_with("raw"));
        Some(Comparison {
            title: format!("{}: {}", self.work.name, self.work.description),
            unit: self.work.kind.rate(),
            bars: bars
                .map(|row| Bar {
                    peer: row.peer,
                    rate: row.spread(|sample| sample.per_second).median,
                    ratio: row.ratio(farcall).median,
                })
                .collect(),
        })
    }

    /// How much, at what cost, and how that compares.
    fn rates(&self) -> Table {
        let unit = self.work.kind.unit();
        let farcall = self.row("farcall");
        let references: Vec<&Row> = REFERENCES.iter().filter_map(|name| self.row(name)).collect();
        let mut columns = vec![
            self.work.kind.rate().to_owned(),
            format!("client CPU, µs/{unit}"),
            format!("server CPU, µs/{unit}"),
            "busy cores, client + server".to_owned(),
        ];
        columns.extend(farcall.map(|_| "farcall ÷ it".to_owned()));
        columns.extend(references.iter().map(|reference| format!("÷ {}", reference.peer)));
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![
                row.spread(|sample| sample.per_second).to_string(),
                row.spread(|sample| sample.client.each).to_string(),
                row.spread(|sample| sample.server.each).to_string(),
                row.busy(),
            ];
            cells.extend(farcall.map(|farcall| farcall.ratio(row).to_string()));
            cells.extend(references.iter().map(|reference| row.ratio(reference).to_string()));
            (row.peer, cells)
        });
        Table::new("peer", columns, rows)
    }

    /// How long the calls took; no rows where they are not timed.
    fn latencies(&self, title: &'static str, latency: impl Fn(&Sample) -> Option<Latency>) -> Table {
        let columns: [Column; 5] = [
            ("p50, µs", |latency| latency.p50),
            ("p99, µs", |latency| latency.p99),
            ("p99.9, µs", |latency| latency.p999),
            ("longest, µs", |latency| latency.longest),
            ("longest ÷ p50", |latency| latency.longest / latency.p50),
        ];
        let rows = self.rows.iter().filter_map(|row| {
            let rounds: Option<Vec<Latency>> = row.samples.iter().map(&latency).collect();
            let rounds = rounds?;
            let cells = columns.map(|(_, figure)| Spread::of(rounds.iter().map(figure)).to_string());
            Some((row.peer, cells.to_vec()))
        });
        Table::new(title, columns.map(|(name, _)| name.to_owned()).to_vec(), rows)
    }
}

/// A name, and what stands below it.
type Column = (&'static str, fn(&Latency) -> f64);

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { name, description, .. } = &self.work;
        writeln!(f, "`{name}`: {description}")?;
        self.rates().fmt(f)?;
        self.latencies("latency", |sample| sample.latency).fmt(f)?;
        self.latencies("latency when quiet", |sample| sample.quiet).fmt(f)
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

    fn busy(&self) -> String {
        let client = self.spread(|sample| sample.client.cores).median;
        let server = self.spread(|sample| sample.server.cores).median;
        format!("{client:.2} + {server:.2}")
    }
}
