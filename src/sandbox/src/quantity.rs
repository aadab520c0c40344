//! Kubernetes quantities, as far as the sandbox checks them (`1`, `500m`, `1.5Gi`, `2e3`).

use serde_json::Value;

/// The value of a quantity (string or JSON number), in whole units; `None` when it is not one.
pub(crate) fn parse(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => parse_text(s),
        _ => None,
    }
}

fn parse_text(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits);
    if !number.contains(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    let scale = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => 10.0_f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    Some(sign * number * scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities() {
        for (text, value) in [
            ("1", 1.0),
            ("500m", 0.5),
            ("1.5Ki", 1536.0),
            ("2e3", 2000.0),
            ("-1", -1.0),
            (".5", 0.5),
            ("3E", 3e18),
        ] {
            assert_eq!(parse(&json!(text)), Some(value), "{text}");
        }
        assert_eq!(parse(&json!(2)), Some(2.0));
        for bad in ["", "m", "1 Gi", "1.2.3", "abc", "1ki", "."] {
            assert_eq!(parse(&json!(bad)), None, "{bad}");
        }
        assert_eq!(parse(&json!(null)), None);
    }
}
