//! A table in Markdown.

use std::fmt;

#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<(&'static str, Vec<String>)>,
}

impl Table {
    /// Of rows that have a peer's name and a cell for each column.
    pub(crate) fn new(columns: Vec<String>, rows: impl Iterator<Item = (&'static str, Vec<String>)>) -> Self {
        Self {
            columns,
            rows: rows.collect(),
        }
    }
}

/// Nothing if there are no rows.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n| peer | {} |", self.columns.join(" | "))?;
        writeln!(f, "| --- |{}", " ---: |".repeat(self.columns.len()))?;
        for (peer, cells) in &self.rows {
            writeln!(f, "| {peer} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
