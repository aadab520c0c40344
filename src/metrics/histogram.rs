//! A histogram without a lock. prometheus-client's own holds a mutex per observation, and the
//! engine's thread makes a dozen per pod.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::family::MetricConstructor;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Bounds of buckets: `start`, `start·factor`, … (`prometheus.ExponentialBuckets`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Buckets {
    /// First upper bound.
    pub start: f64,
    /// Ratio of a bound to the one before.
    pub factor: f64,
    /// Number of bounds; one more bucket holds the rest.
    pub count: usize,
}

impl Buckets {
    /// The upper bounds, the last one infinite.
    pub fn bounds(self) -> Vec<f64> {
        std::iter::successors(Some(self.start), |bound| Some(bound * self.factor))
            .take(self.count)
            .chain([f64::INFINITY])
            .collect()
    }
}

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(*self)
    }
}

/// Counts observations per bucket; clones share the counts.
#[derive(Clone)]
pub struct Histogram(Arc<Inner>);

struct Inner {
    bounds: Vec<f64>,
    counts: Vec<AtomicU64>,
    /// An `f64` as bits.
    sum: AtomicU64,
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Histogram {
    /// An empty histogram.
    pub fn new(buckets: Buckets) -> Self {
        let bounds = buckets.bounds();
        let counts = bounds.iter().map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) }))
    }

    /// Takes in one value, in the unit that the metric's name ends with. NaN is ignored.
    pub fn observe(&self, value: f64) {
        let inner = &*self.0;
        let at = inner.bounds.partition_point(|bound| *bound < value);
        let Some(count) = inner.counts.get(at).filter(|_| !value.is_nan()) else { return };
        count.fetch_add(1, Relaxed);
        let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // The closure never gives None, so this always stores.
        let _ = inner.sum.fetch_update(Relaxed, Relaxed, add);
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|c| c.load(Relaxed)).sum()
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let inner = &*self.0;
        let buckets: Vec<(f64, u64)> = inner
            .bounds
            .iter()
            .zip(&inner.counts)
            .map(|(bound, count)| (*bound, count.load(Relaxed)))
            .collect();
        // From the same loads as the buckets: `_count` and `le="+Inf"` must agree.
        let count = buckets.iter().map(|(_, n)| n).sum();
        let sum = f64::from_bits(inner.sum.load(Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::new(Buckets { start: 1.0, factor: 2.0, count: 3 });
        for value in [0.5, 1.0, 1.5, 4.0, 4.1, f64::INFINITY, f64::NAN] {
            histogram.observe(value);
        }
        let mut registry = Registry::default();
        registry.register("h", "Help", histogram);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let lines: Vec<_> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "h_sum inf",
                "h_count 6",
                "h_bucket{le=\"1.0\"} 2",
                "h_bucket{le=\"2.0\"} 3",
                "h_bucket{le=\"4.0\"} 4",
                "h_bucket{le=\"+Inf\"} 6",
            ]
        );
    }

    #[test]
    fn sums_from_many_threads() {
        let histogram = Histogram::new(Buckets { start: 1.0, factor: 2.0, count: 2 });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| histogram.observe(0.5)));
            }
        });
        assert_eq!(histogram.count(), 4000);
        assert!((f64::from_bits(histogram.0.sum.load(Relaxed)) - 2000.0).abs() < 1e-9);
    }
}
