//! Places in documents as people point at them: a line, and « » around the place in it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use lsp_types::{Position, Range};

/// The range that `marked` shows: a line of `text`, without its indentation, with « and » in it.
pub(crate) fn find(text: &str, marked: &str) -> Result<Range> {
    let (before, rest) = marked.split_once('«').context("a place has a «")?;
    let (inside, after) = rest.split_once('»').context("a place has a »")?;
    let line = format!("{before}{inside}{after}");
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, candidate)| candidate.trim() == line);
    let (number, found) = lines.next().with_context(|| format!("no line is `{line}`"))?;
    ensure!(lines.next().is_none(), "several lines are `{line}`");
    let start = found.len() - found.trim_start().len() + before.len();
    let position = |column: usize| Position::new(number as u32, column as u32);
    Ok(Range::new(position(start), position(start + inside.len())))
}

/// The opposite of [`find`]. Where the range has several lines the first is shown, with … in place of the others.
pub(crate) fn show(text: &str, range: Range) -> Result<String> {
    let line = text
        .lines()
        .nth(range.start.line as usize)
        .context("the line is there")?;
    let (end, rest) = if range.end.line == range.start.line {
        (range.end.character as usize, "")
    } else {
        (line.len(), "…")
    };
    let start = range.start.character as usize;
    let part = |part: std::ops::Range<usize>| line.get(part).context("the range is within the line");
    let (before, inside, after) = (part(0..start)?, part(start..end)?, part(end..line.len())?);
    Ok(format!("{}«{inside}{rest}»{after}", before.trim_start()))
}

/// The name of a document and the rest of a place.
pub(crate) fn split(place: &str) -> Result<(&str, &str)> {
    place.split_once(": ").context("a place names its document")
}

pub(crate) fn name(path: &Path) -> Result<&str> {
    path.file_name()
        .and_then(|name| name.to_str())
        .context("a document has a name")
}
