//! The counters of the watches, read when scraped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::catalogue::{self as list, Metric, MetricKind};
use super::registrar::{Registrar, labels};
use crate::watch::{KindStats, WatchStats};

type Read = fn(&KindStats) -> &AtomicU64;

/// Metrics with the label `kind` only, and where their values are.
const BY_KIND: [(Metric, Read); 14] = [
    (list::WATCH_LISTED.0, |s| &s.listed),
    (list::WATCH_LISTS.0, |s| &s.lists),
    (list::WATCH_STARTS.0, |s| &s.watches),
    (list::WATCH_FAILURES.0, |s| &s.failures),
    (list::WATCH_MALFORMED.0, |s| &s.malformed),
    (list::WATCH_SUPPRESSED.0, |s| &s.suppressed),
    (list::WATCH_STALE.0, |s| &s.stale),
    (list::WATCH_GAPS.0, |s| &s.gaps),
    (list::WATCH_AUDITS.0, |s| &s.audits),
    (list::WATCH_DIFFERENCES.0, |s| &s.differences),
    (list::WATCH_NEW_HISTORIES.0, |s| &s.new_histories),
    (list::WATCH_MISSING.0, |s| &s.missing),
    (list::WATCH_OBJECTS.0, |s| &s.objects),
    (list::WATCH_DECODED_BYTES.0, |s| &s.decoded_bytes),
];

const BY_TYPE: [(&str, Read); 4] = [
    ("added", |s| &s.added),
    ("modified", |s| &s.modified),
    ("deleted", |s| &s.deleted),
    ("bookmark", |s| &s.bookmarks),
];

#[derive(Debug)]
struct Watches(Arc<WatchStats>);

pub(super) fn register(registrar: &mut Registrar, stats: Arc<WatchStats>) {
    registrar.names.extend(BY_KIND.iter().map(|(metric, _)| metric.name));
    registrar.names.extend([list::WATCH_EVENTS.0.name, list::WATCH_SILENCE.0.name]);
    registrar.names.extend([list::WATCH_DECODE_SECONDS.0.name, list::WATCH_LOOKS.0.name]);
    registrar.registry.register_collector(Box::new(Watches(stats)));
}

/// Begins a metric of the catalogue.
pub(super) fn describe<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    metric: &'a Metric,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
    let kind = match metric.kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Histogram(_) => MetricType::Histogram,
    };
    // The registry appends the full stop only to help that it holds itself.
    encoder.encode_descriptor(name, &format!("{}.", metric.help), None, kind)
}

impl Collector for Watches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, read) in &BY_KIND {
            let mut series = describe(&mut encoder, metric)?;
            for (kind, stats) in self.0.iter() {
                let labels = labels(metric, &[kind.name()]);
                let series = series.encode_family(&labels)?;
                let value = read(stats).load(Relaxed);
                match metric.kind {
                    MetricKind::Gauge => {
                        let value = i64::try_from(value).unwrap_or(i64::MAX);
                        ConstGauge::new(value).encode(series)?;
                    }
                    _ => ConstCounter::new(value).encode(series)?,
                }
            }
        }
        let mut series = describe(&mut encoder, &list::WATCH_EVENTS.0)?;
        for (kind, stats) in self.0.iter() {
            for (name, read) in &BY_TYPE {
                let labels = labels(&list::WATCH_EVENTS.0, &[kind.name(), name]);
                let value = ConstCounter::new(read(stats).load(Relaxed));
                value.encode(series.encode_family(&labels)?)?;
            }
        }
        let mut series = describe(&mut encoder, &list::WATCH_SILENCE.0)?;
        for (kind, _) in self.0.iter() {
            let labels = labels(&list::WATCH_SILENCE.0, &[kind.name()]);
            let seconds = self.0.silence(kind).unwrap_or_default().as_secs_f64();
            ConstGauge::new(seconds).encode(series.encode_family(&labels)?)?;
        }
        let mut series = describe(&mut encoder, &list::WATCH_LOOKS.0)?;
        let failed = self.0.failed_looks.load(Relaxed);
        let answered = self.0.looks.load(Relaxed).saturating_sub(failed);
        for (result, looks) in [("success", answered), ("error", failed)] {
            let labels = labels(&list::WATCH_LOOKS.0, &[result]);
            ConstCounter::new(looks).encode(series.encode_family(&labels)?)?;
        }
        let mut series = describe(&mut encoder, &list::WATCH_DECODE_SECONDS.0)?;
        for (kind, stats) in self.0.iter() {
            let labels = labels(&list::WATCH_DECODE_SECONDS.0, &[kind.name()]);
            // Nanoseconds lose precision as f64 after 104 days of decoding; a counter may.
            let seconds = stats.decode_nanos.load(Relaxed) as f64 / 1e9;
            ConstCounter::new(seconds).encode(series.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
