//! Rates beside farcall's, as horizontal bars in an SVG that suits light and dark pages.

use std::fmt::{self, Write};

/// The bars of one work.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) title: String,
    /// Of the rates.
    pub(crate) unit: &'static str,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) peer: &'static str,
    pub(crate) rate: f64,
    /// The rate divided by farcall's.
    pub(crate) ratio: f64,
}

const WIDTH: f64 = 880.0;
/// Where bars begin; names stand before it.
const LEFT: f64 = 110.0;
/// What the longest bar leaves for the figures behind it.
const RIGHT: f64 = 220.0;
const MARGIN: f64 = 16.0;
/// Of a line of text or a bar.
const LINE: f64 = 20.0;
const BAR: f64 = 13.0;

const STYLE: &str = "\
<style>
  .page { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #818b98 }
  .bar { fill: #9aa7b5 } .farcall { fill: #2a6fdb }
  text { font: 12px system-ui, sans-serif } .title { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 } .line { stroke: #656c76 }
    .bar { fill: #5b6673 } .farcall { fill: #5b9bff }
  }
</style>
";

pub(crate) fn draw(comparisons: &[Comparison]) -> String {
    let bars = comparisons.iter().flat_map(|comparison| &comparison.bars);
    let greatest = bars.map(|bar| bar.ratio).fold(1.0, f64::max);
    let mut svg = Svg {
        scale: (WIDTH - LEFT - RIGHT) / greatest,
        y: MARGIN,
        body: String::new(),
    };
    for comparison in comparisons {
        // Writing into a string does not fail.
        let _ = svg.comparison(comparison);
    }
    svg.finish()
}

struct Svg {
    /// Of a ratio of 1.
    scale: f64,
    /// Where the next line begins.
    y: f64,
    body: String,
}

impl Svg {
    fn comparison(&mut self, comparison: &Comparison) -> fmt::Result {
        let Comparison { title, unit, bars } = comparison;
        self.text("title text", MARGIN, title)?;
        self.y += LINE;
        self.farcall_line(bars)?;
        for bar in bars {
            self.bar(bar, unit)?;
            self.y += LINE;
        }
        self.y += LINE / 2.0;
        Ok(())
    }

    /// Where farcall's bar ends, from here past all `bars`.
    fn farcall_line(&mut self, bars: &[Bar]) -> fmt::Result {
        let (x, y) = (LEFT + self.scale, self.y);
        let height = bars.iter().map(|_| LINE).sum::<f64>() - LINE + BAR;
        writeln!(
            self.body,
            r#"<path class="line" d="M{x:.1} {y:.1}v{height:.1}" stroke-dasharray="2 3"/>"#
        )
    }

    fn bar(&mut self, bar: &Bar, unit: &str) -> fmt::Result {
        let Bar { peer, rate, ratio } = *bar;
        let class = if peer.starts_with("farcall") { "farcall" } else { "bar" };
        // What is there can be seen.
        let length = (ratio * self.scale).max(1.0);
        self.text("text", MARGIN, peer)?;
        let y = self.y;
        writeln!(
            self.body,
            r#"<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{length:.1}" height="{BAR}" rx="2"/>"#
        )?;
        let figures = format!("{ratio:.2} \u{b7} {} {unit}", thousands(rate));
        self.text("faint", LEFT + length + 6.0, &figures)
    }

    /// On the line at `y`.
    fn text(&mut self, class: &str, x: f64, text: &str) -> fmt::Result {
        let y = self.y + BAR - 2.5;
        writeln!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        )
    }

    fn finish(self) -> String {
        let Self { y, body, .. } = self;
        let height = y + MARGIN - LINE / 2.0;
        let page = format!(r#"<rect class="page" width="{WIDTH}" height="{height}"/>"#);
        let viewed = format!(r#"width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}""#);
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {viewed}>\n{STYLE}{page}\n{body}</svg>\n")
    }
}

/// With a comma between three digits and the next three.
fn thousands(rate: f64) -> String {
    let whole = format!("{rate:.0}");
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
