//! Standard input: arguments, and items of streams.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines, Stdin, stdin},
    sync::Mutex,
};

use crate::{dynamic::Method, failure::Failure};

/// Standard input, of which a line is a value.
#[derive(Debug)]
pub(crate) struct Input {
    lines: Mutex<(Lines<BufReader<Stdin>>, usize)>,
}

impl Input {
    pub(crate) fn new() -> Self {
        Self {
            lines: Mutex::new((BufReader::new(stdin()).lines(), 0)),
        }
    }

    /// The next value and the number of its line; `None` at the end.
    pub(crate) async fn next(&self) -> Result<Option<(usize, Value)>, Failure> {
        let (lines, number) = &mut *self.lines.lock().await;
        loop {
            let read = lines.next_line().await;
            let line = read.map_err(|error| Failure::Local(format!("standard input cannot be read: {error}")))?;
            let Some(line) = line else { return Ok(None) };
            *number += 1;
            if !line.trim().is_empty() {
                let value = serde_json::from_str(&line)
                    .map_err(|error| Failure::Usage(format!("standard input, line {number}: no JSON: {error}")))?;
                return Ok(Some((*number, value)));
            }
        }
    }

    /// The arguments that stand on the command line, or, for `-`, in standard input: all of it, or its first line if
    /// the items of a stream follow.
    pub(crate) async fn arguments(&self, given: &str, method: &Method) -> Result<Value, Failure> {
        if given != "-" {
            return parsed(given, "the arguments");
        }
        if method.types.have_streams() {
            let first = self.next().await?;
            return first
                .map(|(_, value)| value)
                .ok_or_else(|| Failure::Usage("standard input is empty: its first line has the arguments".to_owned()));
        }
        let mut text = String::new();
        let (lines, _) = &mut *self.lines.lock().await;
        let read = lines.get_mut().read_to_string(&mut text).await;
        read.map_err(|error| Failure::Local(format!("standard input cannot be read: {error}")))?;
        parsed(&text, "standard input")
    }
}

fn parsed(text: &str, what: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::Usage(format!(
            "{what}: no JSON: {error}; write an object by name, such as '{{\"sku\":\"apple\"}}'"
        ))
    })
}
