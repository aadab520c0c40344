//! Quantities as the tests write them: whole numbers with `m`, `k`, `M`, `Ki`, `Mi`, `Gi` or
//! nothing behind. The API server keeps and returns these as they were written.

use anyhow::{Context, Result};

const SUFFIXES: [(&str, u64); 6] =
    [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1_000), ("M", 1_000_000), ("", 1)];

/// Thousandths: `"500m"` is 500, `"2"` is 2,000.
pub(super) fn milli(text: &str) -> Result<u64> {
    match text.strip_suffix('m') {
        Some(number) => number.parse().with_context(|| format!("quantity {text}")),
        None => Ok(whole(text)? * 1000),
    }
}

/// Whole units: `"64Mi"` is 67,108,864.
pub(super) fn whole(text: &str) -> Result<u64> {
    let read = |(suffix, factor): &(&str, u64)| {
        let number: u64 = text.strip_suffix(suffix)?.parse().ok()?;
        Some(number * factor)
    };
    SUFFIXES.iter().find_map(read).with_context(|| format!("quantity {text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn suffixes() {
        assert_eq!(milli("500m").unwrap(), 500);
        assert_eq!(milli("2").unwrap(), 2000);
        assert_eq!(whole("64Mi").unwrap(), 64 << 20);
        assert_eq!(whole("1k").unwrap(), 1000);
        assert!(whole("1.5").is_err());
        assert!(milli("m").is_err());
    }
}
