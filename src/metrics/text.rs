//! Metrics as text: OpenMetrics 1.0.0, or Prometheus' older format 0.0.4 that everything reads.

use prometheus_client::registry::Registry;

/// Metrics ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposition {
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// The text.
    pub body: String,
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Encodes the registry in the format that `accept` prefers; format 0.0.4 where it names neither.
pub(super) fn encode(registry: &Registry, accept: Option<&str>) -> Exposition {
    let mut text = String::new();
    if let Err(error) = prometheus_client::encoding::text::encode(&mut text, registry) {
        // Writing to a String does not fail; an encoder of ours would have to.
        tracing::error!(%error, "Metrics cannot be encoded");
    }
    if accept.is_some_and(prefers_open_metrics) {
        Exposition { content_type: OPEN_METRICS, body: text }
    } else {
        Exposition { content_type: PLAIN, body: to_plain(&text) }
    }
}

/// Whether an `Accept` header ranks OpenMetrics above plain text (RFC 9110 §12.5.1).
fn prefers_open_metrics(accept: &str) -> bool {
    let mut open = 0.0;
    let mut plain = 0.0;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let q = parts
            .find_map(|p| p.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f64>().unwrap_or(0.0));
        match media {
            "application/openmetrics-text" => open = f64::max(open, q),
            "text/plain" => plain = f64::max(plain, q),
            _ => {}
        }
    }
    open > 0.0 && open >= plain
}

/// Turns OpenMetrics into format 0.0.4: there a counter's `HELP` and `TYPE` carry the full name
/// with `_total`, and there is no end mark and no unit.
fn to_plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1024);
    let mut help = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let kind = if kind == "unknown" { "untyped" } else { kind };
            if let Some((_, words)) = help.split_once(' ') {
                out.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            }
            out.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# EOF") && !line.starts_with("# UNIT ") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;

    use super::*;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc_by(3);
        registry.register("pods_bound", "Pods bound", counter);
        let gauge: Gauge = Gauge::default();
        registry.register("nodes", "Nodes", gauge);
        registry
    }

    #[test]
    fn plain_text_names_counters_in_full() {
        let shown = encode(&registry(), Some("*/*"));
        assert_eq!(shown.content_type, PLAIN);
        assert_eq!(
            shown.body,
            "# HELP pods_bound_total Pods bound.\n# TYPE pods_bound_total counter\n\
             pods_bound_total 3\n# HELP nodes Nodes.\n# TYPE nodes gauge\nnodes 0\n"
        );
    }

    #[test]
    fn open_metrics_ends_with_its_mark() {
        let shown = encode(&registry(), Some("application/openmetrics-text; version=1.0.0"));
        assert_eq!(shown.content_type, OPEN_METRICS);
        assert!(shown.body.starts_with("# HELP pods_bound Pods bound."), "{}", shown.body);
        assert!(shown.body.ends_with("# EOF\n"));
    }

    #[test]
    fn accept_headers_met_in_the_field() {
        // Prometheus 3 with and without its protobuf scraping, curl, a browser.
        let table = [
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                true,
            ),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", false),
            ("text/plain, application/openmetrics-text;q=0.1", false),
            ("application/openmetrics-text;q=0", false),
            ("*/*", false),
            ("text/html,application/xhtml+xml", false),
            ("", false),
        ];
        for (accept, open) in table {
            assert_eq!(prefers_open_metrics(accept), open, "{accept}");
        }
    }
}
