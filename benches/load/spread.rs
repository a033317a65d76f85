//! What several rounds say together.

use std::fmt;

/// Median, least and greatest.
#[derive(Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
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

/// The range stands in brackets where there is one.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            least,
            greatest,
        } = *self;
        let digits = digits(median);
        write!(f, "{median:.digits$}")?;
        if least < greatest {
            write!(f, " ({least:.digits$}..{greatest:.digits$})")?;
        }
        Ok(())
    }
}

/// As many behind the point as three that count need.
fn digits(value: f64) -> usize {
    match value {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    }
}
