//! The text of `timeout = "2s"`.

use std::time::Duration;

const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A whole number and a unit.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let malformed =
        || format!("`{text}` is not a duration: write a whole number and one of ns, us, ms, s, m, h, as in \"250ms\"");
    let nanoseconds = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?.1;
    let count: u64 = digits.parse().map_err(|_| malformed())?;
    if count == 0 {
        return Err("a timeout of zero lets no call succeed".to_owned());
    }
    count
        .checked_mul(nanoseconds)
        .map(Duration::from_nanos)
        .ok_or_else(|| format!("`{text}` is longer than 584 years"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_known() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        assert_eq!(parse("7ns"), Ok(Duration::from_nanos(7)));
        assert_eq!(parse("7us"), Ok(Duration::from_micros(7)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("2s"), Ok(2.0));
        assert_eq!(seconds("3m"), Ok(180.0));
        assert_eq!(seconds("1h"), Ok(3600.0));
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "1.5s",
            "-1s",
            "2days",
            "0s",
            "99999999999999999999s",
            "9999999999h",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
