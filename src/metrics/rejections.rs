//! `scheduler_unschedulable_pods`: pods that wait, by the plugins that rejected them last.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use berth_engine::Engine;
use berth_engine::queue::Place;
use hashbrown::HashMap;
use prometheus_client::metrics::gauge::Gauge;

use super::registrar::Gauges;

/// How often the pods are counted at most, and for how many times as long as the last count took
/// none is made. All that wait are looked at, some 50 ns each: up to 20,000 pods every second, 5 ms
/// for 100,000 pods every 5 s.
const EVERY: Duration = Duration::from_secs(1);
const REST: u32 = 1_000;

/// Counts the pods anew from time to time; clones share the gauges.
#[derive(Debug, Clone)]
pub(super) struct Rejections {
    pub(super) family: Gauges,
    /// Locked by the engine's thread only.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When to count again.
    due: Option<Instant>,
    /// By profile and plugin.
    series: HashMap<(Box<str>, Box<str>), Gauge>,
}

impl Rejections {
    pub(super) fn new(family: Gauges) -> Self {
        Self { family, state: Arc::default() }
    }

    /// Counts, if it is time to.
    pub(super) fn show(&self, engine: &Engine, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.due.is_some_and(|due| now < due) {
            return;
        }
        let counts = count(engine);
        state.due = Some(now + EVERY.max(now.elapsed() * REST));
        for (key, gauge) in &state.series {
            if !counts.contains_key(&(&*key.0, &*key.1)) {
                gauge.set(0);
            }
        }
        for ((profile, plugin), pods) in counts {
            let key = (profile.into(), plugin.into());
            let gauge = state.series.entry(key);
            gauge.or_insert_with(|| self.family.with(&[plugin, profile])).set(pods);
        }
    }
}

/// Pods that wait by profile and plugin. One in its attempt counts again when that has failed.
fn count(engine: &Engine) -> HashMap<(&str, &str), i64> {
    let mut counts = HashMap::new();
    for (pod, entry) in engine.queue().iter() {
        if entry.rejectors.is_empty() || entry.place == Place::InFlight {
            continue;
        }
        let Some(profile) = engine.profile_of(pod) else { continue };
        for place in &entry.rejectors {
            if let Some(plugin) = profile.plugin(*place) {
                *counts.entry((profile.scheduler_name(), plugin.name())).or_insert(0) += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_engine::Input;
    use berth_engine::record::{NodeRecord, PodRecord, PodSpec};

    use super::*;

    #[test]
    fn pods_that_stay_parked_through_a_reload_are_counted_on() {
        let registry = berth_plugins::in_tree().unwrap();
        let config =
            || Input::Config(Arc::new(crate::config::default_engine_config(&registry).unwrap()));
        let spec = |node_selector: &str| PodSpec {
            scheduler_name: "berth".into(),
            node_selector: [("disk", node_selector)].into_iter().collect(),
            ..PodSpec::default()
        };
        let node = NodeRecord { name: "n1".into(), ..NodeRecord::default() };
        let mut inputs = vec![config(), Input::NodeApplied(Arc::new(node))];
        for (name, disk) in [("a", "ssd"), ("b", "ssd"), ("c", "none")] {
            let pod = PodRecord::new("ns", name, name, Arc::new(spec(disk)));
            inputs.push(Input::PodApplied(Box::new(pod)));
        }
        let mut engine = Engine::new(None);
        engine.step(inputs, 1_000, &mut Vec::new(), &mut ());
        assert_eq!(count(&engine), HashMap::from([(("berth", "NodeAffinity"), 3)]));
        let before: Vec<_> = engine.queue().iter().map(|(_, e)| e.rejectors.clone()).collect();
        engine.step(vec![config()], 2_000, &mut Vec::new(), &mut ());
        assert_eq!(count(&engine), HashMap::from([(("berth", "NodeAffinity"), 3)]));
        let after: Vec<_> = engine.queue().iter().map(|(_, e)| e.rejectors.clone()).collect();
        assert_eq!(after, before, "the profile is the same");
    }
}
