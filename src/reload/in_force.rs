//! Which configuration is in force, and how the last reload ended: what `/configz` shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::Loaded;

/// Fields that take effect while the scheduler runs. Everything else, also what later versions add,
/// is read at the start alone. `percentageOfNodesToScore` has no effect at all.
const LIVE: [&str; 6] = [
    "apiVersion",
    "kind",
    "percentageOfNodesToScore",
    "podInitialBackoffSeconds",
    "podMaxBackoffSeconds",
    "profiles",
];

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct InForce {
    loaded: Arc<Loaded>,
    since: Timestamp,
    /// As it was at the start, all defaults filled in.
    started: Arc<Value>,
    last: Option<Reload>,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// When.
    pub time: Timestamp,
    /// How.
    pub result: ReloadResult,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReloadResult {
    /// The new configuration is in force.
    Success {
        /// Fields that differ from those at the start and need a restart to take effect.
        needs_restart: Vec<String>,
    },
    /// The file says what is in force.
    Unchanged,
    /// The file is wrong, and what was in force still is.
    Rejected {
        /// Each as `FILE:LINE: PATH: MESSAGE`.
        problems: Vec<String>,
    },
}

impl ReloadResult {
    /// The label in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Success { .. } => "success",
            Self::Unchanged => "unchanged",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl InForce {
    /// What the scheduler has started with.
    pub fn at_start(loaded: Loaded) -> Self {
        let started = Arc::new(value(&loaded));
        Self { loaded: Arc::new(loaded), since: Timestamp::now(), started, last: None }
    }

    /// The configuration.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Its hash: 48 bits, which a Prometheus sample and a JSON number hold exactly (Alertmanager's
    /// `alertmanager_config_hash` is of 48 bits for the same reason).
    pub fn hash(&self) -> i64 {
        short(self.loaded.hash)
    }

    /// How the last reload ended; `None` before the first.
    pub fn last(&self) -> Option<&Reload> {
        self.last.as_ref()
    }

    /// Fields of `loaded` that differ from those at the start and need a restart to take effect,
    /// such as `clientConnection.qps`.
    pub(super) fn needs_restart(&self, loaded: &Loaded) -> Vec<String> {
        let new = value(loaded);
        let mut fields = Vec::new();
        for key in keys(&self.started, &new).difference(&BTreeSet::from(LIVE)) {
            let (old, new) = (&self.started[*key], &new[*key]);
            if old == new {
                continue;
            }
            if old.is_object() && new.is_object() {
                let below = keys(old, new).into_iter().filter(|below| old[*below] != new[*below]);
                fields.extend(below.map(|below| format!("{key}.{below}")));
            } else {
                fields.push((*key).to_owned());
            }
        }
        fields
    }

    /// Puts a configuration in force.
    pub(super) fn replace(&mut self, loaded: Loaded) {
        self.loaded = Arc::new(loaded);
        self.since = Timestamp::now();
    }

    /// Notes how a reload ended.
    pub(super) fn note(&mut self, result: ReloadResult) {
        self.last = Some(Reload { time: Timestamp::now(), result });
    }

    /// The page `/configz`: kube-scheduler's `componentconfig`, and under `berth` what became of
    /// the file since.
    pub fn page(&self) -> Value {
        let mut configuration = value(&self.loaded);
        for key in keys(&self.started, &configuration.clone()) {
            if !LIVE.contains(&key) {
                match self.started.get(key) {
                    Some(started) => configuration[key] = started.clone(),
                    None => configuration[key] = Value::Null,
                }
            }
        }
        if let Some(fields) = configuration.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let last = self.last.as_ref().map(|Reload { time, result }| {
            let mut last = json!({"time": time.to_string(), "result": result.as_str()});
            match result {
                ReloadResult::Success { needs_restart } => {
                    last["needsRestart"] = json!(needs_restart);
                }
                ReloadResult::Rejected { problems } => last["problems"] = json!(problems),
                ReloadResult::Unchanged => {}
            }
            last
        });
        json!({
            "componentconfig": configuration,
            "berth": {
                "configuration": self.loaded.berth(),
                "file": self.loaded.origin,
                "hash": self.hash(),
                "since": self.since.to_string(),
                "lastReload": last,
            },
        })
    }
}

fn short(hash: u64) -> i64 {
    i64::try_from(hash & 0xffff_ffff_ffff).unwrap_or_default()
}

fn value(loaded: &Loaded) -> Value {
    serde_json::to_value(loaded.configuration()).unwrap_or(Value::Null)
}

/// The keys of both objects.
fn keys<'a>(a: &'a Value, b: &'a Value) -> BTreeSet<&'a str> {
    let of = |value: &'a Value| value.as_object().into_iter().flat_map(|fields| fields.keys());
    of(a).chain(of(b)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::load;

    fn loaded(more: &str) -> Loaded {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n{more}"
        );
        load(&text, "f.yaml", &berth_plugins::in_tree().unwrap()).unwrap()
    }

    #[test]
    fn what_cannot_change_live_is_named_and_keeps_its_value() {
        let started = "clientConnection: {qps: 7}\nprofiles: [{schedulerName: a}]\n";
        let mut in_force = InForce::at_start(loaded(started));
        let changed = loaded(
            "clientConnection: {qps: 8}\nprofiles: [{schedulerName: b}]\nparallelism: 3\n\
             podMaxBackoffSeconds: 20\nenableProfiling: false\ndelayCacheUntilActive: true\n",
        );
        let expected = [
            "clientConnection.qps",
            "delayCacheUntilActive",
            // Its default is what enableProfiling says.
            "enableContentionProfiling",
            "enableProfiling",
            "parallelism",
        ];
        assert_eq!(in_force.needs_restart(&changed), expected);
        let before = in_force.hash();
        in_force.replace(changed);
        assert_ne!(in_force.hash(), before);
        let page = in_force.page();
        let config = &page["componentconfig"];
        assert_eq!(config["clientConnection"]["qps"], 7);
        assert_eq!(config["parallelism"], 16);
        assert_eq!(config.get("delayCacheUntilActive"), None);
        assert_eq!(config["podMaxBackoffSeconds"], 20);
        assert_eq!(config["profiles"][0]["schedulerName"], "b");
        assert_eq!(in_force.needs_restart(&loaded(started)), Vec::<String>::new());
    }

    #[test]
    fn the_page_tells_how_the_last_reload_ended() {
        let mut in_force = InForce::at_start(loaded(""));
        assert_eq!(in_force.page()["berth"]["lastReload"], Value::Null);
        assert_eq!(in_force.page()["berth"]["hash"], in_force.hash());
        in_force.note(ReloadResult::Rejected { problems: vec!["f.yaml:1: x".to_owned()] });
        let last = &in_force.page()["berth"]["lastReload"];
        assert_eq!(
            (&last["result"], &last["problems"][0]),
            (&json!("rejected"), &json!("f.yaml:1: x"))
        );
        in_force.note(ReloadResult::Success { needs_restart: vec!["parallelism".to_owned()] });
        let last = &in_force.page()["berth"]["lastReload"];
        assert_eq!(last["needsRestart"], json!(["parallelism"]));
    }

    #[test]
    fn hashes_fit_a_float() {
        for hash in [0, u64::MAX, 0x1234_5678_9abc_def0] {
            let short = short(hash);
            assert_eq!(short as f64 as i64, short);
        }
        assert_eq!(short(u64::MAX), (1 << 48) - 1);
    }
}
