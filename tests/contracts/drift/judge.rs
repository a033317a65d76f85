//! What became of a call, by the value that its sender meant.

use std::fmt;

use farcall::{
    Code, Error, Outcome,
    contract::{Compatibility, Contract, FormatKind},
};
use serde_json::Value;

use super::Harm;

/// What became of the calls of one method.
pub(super) type Sight = (&'static str, Seen);

/// What a side saw of one method.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// The value that was meant.
    Right,
    /// The check of contracts refused the call.
    Refused,
    /// An error, which is no wrong value either.
    Failed(String),
    /// Another value.
    Wrong(String),
}

impl Seen {
    /// Of a value in place of `meant`.
    pub(super) fn value(meant: &Value, got: &Value) -> Self {
        if agrees(meant, got) {
            Self::Right
        } else {
            Self::Wrong(format!("{meant} arrived as {got}"))
        }
    }

    /// Of a call that failed.
    pub(super) fn error(error: &Error) -> Self {
        let text = error.to_string();
        let refused = error.code() == Code::FailedPrecondition
            && error.outcome() == Outcome::NotExecuted
            && text.contains("different versions of this method: ");
        if refused { Self::Refused } else { Self::Failed(text) }
    }

    /// Of several values: the worst that was seen.
    pub(super) fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter()
            .max_by_key(Self::badness)
            .unwrap_or(Self::Failed("there was no value".to_owned()))
    }

    fn badness(&self) -> u8 {
        match self {
            Self::Right => 0,
            Self::Refused => 1,
            Self::Failed(_) => 2,
            Self::Wrong(_) => 3,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("right"),
            Self::Refused => f.write_str("refused"),
            Self::Failed(why) | Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// Whether what a client saw of each method is what the contracts of the client and the server promise.
pub(super) fn judge(sides: [&Contract; 2], harm: Harm, kind: FormatKind, seen: &[Sight]) -> Result<(), String> {
    for (method, seen) in seen {
        let [caller, callee] = sides.map(|side| side.method(method).expect("both sides have it"));
        let verdict = caller.compatibility(callee, kind);
        let holds = match verdict.compatibility {
            Compatibility::Same | Compatibility::Compatible => matches!(seen, Seen::Right),
            Compatibility::Incompatible => matches!(seen, Seen::Refused),
            _ if harm == Harm::Unwritable => matches!(seen, Seen::Right),
            // The table has a value that fails.
            _ => matches!(seen, Seen::Failed(_)),
        };
        if !holds {
            return Err(format!("{method}: {seen}, though the contracts say: {verdict}"));
        }
    }
    Ok(())
}

/// Whether the verdict over the change says truly whom it breaks.
pub(super) fn judge_verdict(says_broken: bool, seen: &[Sight]) -> Result<(), String> {
    let broken = seen.iter().find(|(_, seen)| !matches!(seen, Seen::Right));
    match (says_broken, broken) {
        (true, None) => Err("the change breaks nothing here, though its verdict says so".to_owned()),
        (false, Some((method, seen))) => Err(format!("{method}: {seen}, though the verdict says that nothing breaks")),
        _ => Ok(()),
    }
}

/// Whether a receiver that got `got` may go on as if it were `meant`: what both have is equal, what the receiver lacks
/// is left out, and what only the receiver has is empty.
fn agrees(meant: &Value, got: &Value) -> bool {
    match (meant, got) {
        (Value::Object(meant), Value::Object(got)) => {
            let shared = got.keys().filter(|key| meant.contains_key(*key)).count();
            (shared > 0 || meant.is_empty() || got.is_empty())
                && got.iter().all(|(key, got)| match meant.get(key) {
                    Some(meant) => agrees(meant, got),
                    None => is_empty(got),
                })
        }
        (Value::Array(meant), Value::Array(got)) => {
            meant.len() == got.len() && meant.iter().zip(got).all(|(meant, got)| agrees(meant, got))
        }
        _ => meant == got,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(value) => value.is_empty(),
        Value::Object(value) => value.is_empty(),
    }
}
