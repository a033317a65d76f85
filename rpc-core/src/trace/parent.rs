//! `traceparent`, as the W3C recommendation "Trace Context" has it: `00-<trace id>-<span id>-<flags>`, in lower-case
//! hex.

use std::{fmt, str::FromStr};

/// Whether the trace is recorded, in the flags.
const SAMPLED: u8 = 1;

/// Which trace a span belongs to, and which span it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceParent {
    /// Never 0.
    trace: u128,
    /// Never 0.
    span: u64,
    flags: u8,
}

impl TraceParent {
    /// The first span of a new trace, which is recorded.
    pub(super) fn root() -> Self {
        Self {
            trace: fastrand::u128(1..),
            span: fastrand::u64(1..),
            flags: SAMPLED,
        }
    }

    /// Another span of the same trace.
    pub(super) fn child(self) -> Self {
        Self {
            span: fastrand::u64(1..),
            ..self
        }
    }

    pub(super) fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    pub(super) fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// Not a trace parent: its reader begins a new trace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

impl FromStr for TraceParent {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut fields = text.split('-');
        let mut field = |length| {
            let field: Option<&str> = fields.next().filter(|field| field.len() == length);
            field.filter(|field| field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        };
        let (Some(version), Some(trace), Some(span), Some(flags)) = (field(2), field(32), field(16), field(2)) else {
            return Err(Invalid);
        };
        // A later version may have more fields after a dash; this one has not, and `ff` is not a version.
        if version == "ff" || (version == "00" && fields.next().is_some()) {
            return Err(Invalid);
        }
        let parent = Self {
            trace: u128::from_str_radix(trace, 16).map_err(|_| Invalid)?,
            span: u64::from_str_radix(span, 16).map_err(|_| Invalid)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| Invalid)?,
        };
        if parent.trace == 0 || parent.span == 0 {
            return Err(Invalid);
        }
        Ok(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    #[test]
    fn what_is_read_is_written() {
        let parent: TraceParent = EXAMPLE.parse().expect("the recommendation's own example");
        assert_eq!(parent.to_string(), EXAMPLE);
        assert_eq!(parent.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent: TraceParent = EXAMPLE.parse().expect("the recommendation's own example");
        let child = parent.child();
        assert_eq!((child.trace, child.flags), (parent.trace, parent.flags));
        assert_ne!(child.span, parent.span);
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = EXAMPLE.replacen("00", "01", 1) + "-what-the-future-brings";
        assert_eq!(later.parse(), EXAMPLE.parse::<TraceParent>());
    }

    #[test]
    fn what_is_no_trace_parent_is_refused() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-00F067AA0BA902B7-01",
            "00-+af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319-c00f067aa0ba902b7-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(Invalid), "{text:?}");
        }
    }
}
