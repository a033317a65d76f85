//! What a load took, for people and for programs.

use std::{io, time::Duration};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::stats::Stats;
use crate::output::{self, BAR, NAME, SIDE, clean, float, styled};

/// The percentiles that are shown.
const PERCENTILES: [(&str, f64); 4] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];
/// How many bars, and how long the longest one is.
const BARS: f64 = 16.0;
const WIDTH: u64 = 40;

pub(super) fn print(path: &str, stats: &Stats, took: Duration) -> io::Result<()> {
    let (answered, failed) = (stats.answered(), stats.failed());
    let seconds = took.as_secs_f64();
    let rate = float(answered) / seconds.max(1e-9);
    output::line(format!(
        "{}: {answered} answers and {failed} errors in {seconds:.2} s, {rate:.0} answers/s",
        styled(NAME, path)
    ))?;
    if answered > 0 {
        let latencies = &stats.latencies;
        output::line("")?;
        let least = ("min", latencies.min());
        let most = ("max", latencies.max());
        let between = PERCENTILES.map(|(name, percent)| (name, latencies.value_at_percentile(percent)));
        let shown = [least].into_iter().chain(between).chain([most]);
        let shown: Vec<_> = shown.map(|(name, value)| format!("{name} {}", time(value))).collect();
        output::line(shown.join("   "))?;
        output::line("")?;
        histogram(latencies)?;
    }
    for (code, failures) in &stats.errors {
        output::line(format!("\n{} x {}", failures.count, styled(NAME, code)))?;
        output::line(format!("  such as {}", clean(&failures.example)))?;
    }
    Ok(())
}

/// A bar for each range of latencies, up to the time that stands before it. Each range is as many times as long as the
/// one before.
fn histogram(latencies: &Histogram<u64>) -> io::Result<()> {
    let (least, most) = (latencies.min().max(1), latencies.max().max(1));
    let factor = (float(most) / float(least)).powf(1.0 / BARS).max(1.02);
    let bars: Vec<_> = latencies
        .iter_log(least, factor)
        .map(|bar| (bar.value_iterated_to(), bar.count_since_last_iteration()))
        .collect();
    let highest = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    for (until, count) in bars {
        let length = usize::try_from((count * WIDTH).div_ceil(highest)).unwrap_or_default();
        let bar = "█".repeat(length);
        let mut text = format!("{:>9}", time(until));
        if count > 0 {
            text = [text, styled(BAR, bar), styled(SIDE, count)].join(" ");
        }
        output::line(text)?;
    }
    Ok(())
}

/// With three digits.
fn time(nanoseconds: u64) -> String {
    let value = float(nanoseconds);
    let (value, unit) = match nanoseconds {
        0..1_000 => (value, "ns"),
        1_000..1_000_000 => (value / 1e3, "µs"),
        1_000_000..1_000_000_000 => (value / 1e6, "ms"),
        _ => (value / 1e9, "s"),
    };
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

pub(super) fn json(stats: &Stats, took: Duration) -> Value {
    let latencies = &stats.latencies;
    let micros = |nanoseconds: u64| float(nanoseconds) / 1e3;
    let mut latency = serde_json::Map::new();
    latency.insert("min".to_owned(), micros(latencies.min()).into());
    latency.insert("mean".to_owned(), (latencies.mean() / 1e3).into());
    for (name, percent) in PERCENTILES {
        latency.insert(name.to_owned(), micros(latencies.value_at_percentile(percent)).into());
    }
    latency.insert("max".to_owned(), micros(latencies.max()).into());
    let errors = stats
        .errors
        .iter()
        .map(|(code, failures)| (code.to_string(), json!(failures.count)));
    json!({
        "seconds": took.as_secs_f64(),
        "answers": stats.answered(),
        "errors": stats.failed(),
        "answers_per_second": float(stats.answered()) / took.as_secs_f64().max(1e-9),
        "latency_us": latency,
        "errors_by_code": errors.collect::<serde_json::Map<_, _>>(),
    })
}
