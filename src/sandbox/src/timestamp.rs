//! Times as the API writes them: `metav1.Time` in whole seconds, `MicroTime` with six digits.

use std::time::Duration;

use jiff::Timestamp;

/// Now, as `2026-11-23T10:00:00Z`.
pub(crate) fn now() -> String {
    seconds(Timestamp::now())
}

/// Now, as `2026-11-23T10:00:00.000000Z`.
pub(crate) fn now_micro() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// A time from now on, as `metav1.Time`.
pub(crate) fn after(delay: Duration) -> String {
    seconds(Timestamp::now().checked_add(delay).unwrap_or(Timestamp::MAX))
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since 1970 as `metav1.Time`, or with microseconds as `MicroTime`.
pub(crate) fn from_unix(seconds: i64, micros: Option<i64>) -> Option<String> {
    let nanos = i32::try_from(micros.unwrap_or(0).checked_mul(1000)?).ok()?;
    let time = Timestamp::new(seconds, nanos).ok()?;
    Some(match micros {
        Some(_) => time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        None => self::seconds(time),
    })
}

/// Reads an API time; `None` when it is not one.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A Go duration of one or more parts, such as `2s`, `500ms`, `1h30m` or `1.5s`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = 0.0_f64;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_len = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit_len] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number * seconds;
        rest = &rest[unit_len..];
        parts += 1;
    }
    (parts > 0).then(|| Duration::try_from_secs_f64(total).ok())?
}

/// The time since `then` in kubectl's short form (`45s`, `3m12s`, `5h`, `12d`);
/// `duration.HumanDuration` of apimachinery.
pub(crate) fn age(then: &str) -> String {
    let Some(then) = parse(then) else { return "<unknown>".to_owned() };
    human(Timestamp::now().duration_since(then).as_secs())
}

/// Seconds in kubectl's short form.
pub(crate) fn human(seconds: i64) -> String {
    let s = seconds.max(0);
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match () {
        () if s < 120 => format!("{s}s"),
        () if m < 10 => two(m, "m", s % 60, "s"),
        () if m < 180 => format!("{m}m"),
        () if h < 8 => two(h, "h", m % 60, "m"),
        () if h < 48 => format!("{h}h"),
        () if h < 192 => two(d, "d", h % 24, "h"),
        () if d < 730 => format!("{d}d"),
        () => format!("{}y", d / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_duration("0"), Some(Duration::ZERO));
        for bad in ["", "s", "2", "2x", "-1s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn ages_are_kubectls() {
        for (seconds, text) in [(5, "5s"), (119, "119s"), (125, "2m5s"), (900, "15m")] {
            assert_eq!(human(seconds), text);
        }
        assert_eq!(human(3 * 3600 + 300), "3h5m");
        assert_eq!(human(3 * 86_400), "3d");
    }

    #[test]
    fn formats() {
        assert!(parse(&now()).is_some());
        assert_eq!(now().len(), 20);
        assert_eq!(now_micro().len(), 27);
    }
}
