//! Figures against bars.

use std::{fmt, time::Duration};

use crate::load::{End, Load};

/// The least goodput under overload, as a part of the peak.
const GOODPUT: f64 = 0.7;
/// The time within which a call is refused.
const REFUSAL: Duration = Duration::from_millis(10);
/// The time within which everything is as before.
const RECOVERY: Duration = Duration::from_secs(1);

pub(crate) struct Report(Vec<Figure>);

struct Figure {
    name: &'static str,
    value: String,
    /// The bar, and whether the figure meets it.
    bar: Option<(String, bool)>,
}

impl Report {
    /// Of the peak, and of the load and what came after it with a limit and without.
    pub(crate) fn new(peak: &Load, with: &(Load, Load), without: &(Load, Load)) -> Self {
        let mut figures = vec![Figure::plain("peak goodput", per_second(peak.goodput()))];
        let mut add = |figure| figures.push(figure);
        add(Figure::plain("load", per_second(with.0.rate())));

        let (part, bar) = (
            with.0.goodput() / peak.goodput(),
            format!("≥ {:.0} % of the peak", GOODPUT * 100.0),
        );
        let value = format!("{} ({:.0} % of the peak)", per_second(with.0.goodput()), part * 100.0);
        add(Figure::new("goodput with the limit", value, bar, part >= GOODPUT));

        let part = without.0.goodput() / peak.goodput();
        let value = format!(
            "{} ({:.0} % of the peak)",
            per_second(without.0.goodput()),
            part * 100.0
        );
        add(Figure::plain("goodput without it", value));

        let refused = with.0.took(End::Refused);
        add(Figure::plain(
            "a call is refused within: half of them",
            millis(at(&refused, 500)),
        ));
        let slow = at(&refused, 990);
        add(Figure::new(
            "99 % of them",
            millis(slow),
            format!("≤ {}", millis(REFUSAL)),
            slow <= REFUSAL,
        ));
        add(Figure::plain("99.9 % of them", millis(at(&refused, 999))));
        add(Figure::plain("all of them", millis(at(&refused, 1_000))));

        let answered = with.0.took(End::Answered);
        let value = format!("{} and {}", millis(at(&answered, 500)), millis(at(&answered, 990)));
        add(Figure::plain("answered within: half, 99 %", value));

        let loads = [&with.0, &with.1, &without.0, &without.1];
        let lies: usize = loads.iter().map(|load| load.lies()).sum();
        let calls: usize = loads.iter().map(|load| load.calls.len()).sum();
        let value = format!("{lies} of {calls}");
        add(Figure::new(
            "calls that ran and should not, or did not",
            value,
            "0".into(),
            lies == 0,
        ));

        let recovery = with.1.recovery();
        let bar = format!("≤ {}", millis(RECOVERY));
        add(Figure::new(
            "recovery with the limit",
            millis(recovery),
            bar,
            recovery <= RECOVERY,
        ));
        add(Figure::plain("recovery without it", millis(without.1.recovery())));
        Self(figures)
    }

    /// Whether every figure meets its bar.
    pub(crate) fn is_fine(&self) -> bool {
        let is_met = |figure: &Figure| figure.bar.as_ref().is_none_or(|(_, is_met)| *is_met);
        self.0.iter().all(is_met)
    }
}

impl Figure {
    fn new(name: &'static str, value: String, bar: String, is_met: bool) -> Self {
        let bar = Some((bar, is_met));
        Self { name, value, bar }
    }

    fn plain(name: &'static str, value: String) -> Self {
        Self { name, value, bar: None }
    }
}

/// The time within which so many of a thousand calls ended.
fn at(sorted: &[Duration], per_mille: usize) -> Duration {
    let index = (sorted.len() * per_mille).div_ceil(1_000);
    sorted.get(index.saturating_sub(1)).copied().unwrap_or_default()
}

fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| figure | measured | bar | |\n| --- | ---: | ---: | --- |")?;
        for Figure { name, value, bar } in &self.0 {
            let (bar, verdict) = match bar {
                Some((bar, true)) => (&**bar, "met"),
                Some((bar, false)) => (&**bar, "MISSED"),
                None => ("", ""),
            };
            writeln!(f, "| {name} | {value} | {bar} | {verdict} |")?;
        }
        Ok(())
    }
}
