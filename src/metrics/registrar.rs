//! Registers metrics as the catalogue describes them, and hands out their handles.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::catalogue::{CounterMetric, GaugeMetric, HistogramMetric, Metric};
use super::histogram::{Buckets, Histogram};

/// Names and values of labels, in the order of the catalogue.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The labels of one series of `metric`.
pub(super) fn labels(metric: &Metric, values: &[&str]) -> Labels {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    metric.labels.iter().copied().zip(values.iter().map(|v| (*v).to_owned())).collect()
}

/// Counters of one name. Resolve a series once and keep it.
#[derive(Debug, Clone)]
pub struct Counters(Metric, Family<Labels, Counter>);

impl Counters {
    /// The series with these label values.
    pub fn with(&self, values: &[&str]) -> Counter {
        self.1.get_or_create_owned(&labels(&self.0, values))
    }
}

/// Gauges of one name. Resolve a series once and keep it.
#[derive(Debug, Clone)]
pub struct Gauges(Metric, Family<Labels, Gauge>);

impl Gauges {
    /// The series with these label values.
    pub fn with(&self, values: &[&str]) -> Gauge {
        self.1.get_or_create_owned(&labels(&self.0, values))
    }
}

/// Histograms of one name. Resolve a series once and keep it.
#[derive(Debug, Clone)]
pub struct Histograms(Metric, Family<Labels, Histogram, Buckets>);

impl Histograms {
    /// The series with these label values.
    pub fn with(&self, values: &[&str]) -> Histogram {
        self.1.get_or_create_owned(&labels(&self.0, values))
    }
}

/// A registry being filled.
#[derive(Debug, Default)]
pub(super) struct Registrar {
    pub(super) registry: Registry,
    /// Names registered, for the test that holds them against the catalogue.
    pub(super) names: Vec<&'static str>,
}

impl Registrar {
    pub(super) fn counter(&mut self, CounterMetric(metric): CounterMetric) -> Counter {
        let handle = Counter::<u64, AtomicU64>::default();
        self.add(metric, handle.clone());
        handle
    }

    pub(super) fn counters(&mut self, CounterMetric(metric): CounterMetric) -> Counters {
        let family = Family::default();
        self.add(metric, family.clone());
        Counters(metric, family)
    }

    pub(super) fn gauge(&mut self, GaugeMetric(metric): GaugeMetric) -> Gauge {
        let handle = Gauge::default();
        self.add(metric, handle.clone());
        handle
    }

    pub(super) fn gauges(&mut self, GaugeMetric(metric): GaugeMetric) -> Gauges {
        let family = Family::default();
        self.add(metric, family.clone());
        Gauges(metric, family)
    }

    pub(super) fn histogram(&mut self, metric: HistogramMetric) -> Histogram {
        let HistogramMetric(metric, buckets) = metric;
        let handle = Histogram::new(buckets);
        self.add(metric, handle.clone());
        handle
    }

    pub(super) fn histograms(&mut self, metric: HistogramMetric) -> Histograms {
        let HistogramMetric(metric, buckets) = metric;
        let family = Family::new_with_constructor(buckets);
        self.add(metric, family.clone());
        Histograms(metric, family)
    }

    fn add(&mut self, metric: Metric, handle: impl prometheus_client::registry::Metric) {
        self.names.push(metric.name);
        // The encoder appends `_total` itself, and a full stop to the help.
        let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
        self.registry.register(name, metric.help, handle);
    }
}
