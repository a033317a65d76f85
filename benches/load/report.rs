//! Samples to tables.

use std::fmt;

use crate::{measure::Sample, work::Work};

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
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.work.load.unit();
        let references = REFERENCES.iter().filter_map(|reference| self.row(reference));
        let references: Vec<&Row> = references.collect();
        writeln!(f, "{}\n", self.work)?;
        write!(
            f,
            "| peer | {unit}s/s | client CPU, µs/{unit} | server CPU, µs/{unit} |"
        )?;
        references
            .iter()
            .try_for_each(|reference| write!(f, " ÷ {} |", reference.peer))?;
        writeln!(
            f,
            "\n| --- | ---: | ---: | ---: |{}",
            " ---: |".repeat(references.len())
        )?;
        for row in &self.rows {
            let rate = Spread::of(row.samples.iter().map(|sample| sample.per_second));
            let client = Spread::of(row.samples.iter().map(|sample| sample.client_cpu));
            let server = Spread::of(row.samples.iter().map(|sample| sample.server_cpu));
            write!(f, "| {} | {rate:.0} | {client:.2} | {server:.2} |", row.peer)?;
            references
                .iter()
                .try_for_each(|reference| write!(f, " {:.3} |", row.ratio(reference)))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Row {
    fn ratio(&self, reference: &Self) -> Spread {
        let rounds = self.samples.iter().zip(&reference.samples);
        Spread::of(rounds.map(|(own, other)| own.per_second / other.per_second))
    }
}

/// Median, least and greatest.
#[derive(Debug)]
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Self {
            median,
            least: values[0],
            greatest: values[values.len() - 1],
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self {
            median,
            least,
            greatest,
        } = self;
        write!(f, "{median:.digits$} ({least:.digits$}..{greatest:.digits$})")
    }
}
