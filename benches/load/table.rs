//! A table in Markdown.

use std::fmt;

#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    columns: Vec<String>,
    rows: Vec<(&'static str, Vec<String>)>,
}

impl Table {
    /// `title` stands above the peers. Of rows that have a peer's name and a cell for each column.
    pub(crate) fn new(
        title: &'static str,
        columns: Vec<String>,
        rows: impl Iterator<Item = (&'static str, Vec<String>)>,
    ) -> Self {
        Self {
            title,
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
        writeln!(f, "\n| {} | {} |", self.title, self.columns.join(" | "))?;
        writeln!(f, "| --- |{}", " ---: |".repeat(self.columns.len()))?;
        for (peer, cells) in &self.rows {
            writeln!(f, "| {peer} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
