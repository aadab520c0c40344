//! A configuration that is right, and what the scheduler makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use berth_engine::Config;
use berth_engine::framework::{
    FailingPostFilter, Plugin, Point, Profile, ProfileBuilder, ProfileError,
};
use berth_plugins::refusal::Refusal;

use super::berth::BerthConfiguration;
use super::expand::Expanded;
use super::print::{print, print_berth};
use super::problem::{ConfigErrors, Problem};
use super::v1::{
    ClientConnectionConfiguration, Extender, KubeSchedulerConfiguration,
    LeaderElectionConfiguration,
};
use crate::escape;
use crate::events::Granularity;

/// `--pod-max-in-unschedulable-pods-duration` where the flag is not given: 5 minutes.
const PARKED_MAX_MS: u64 = 300_000;

/// Its PostFilter fails in kube-scheduler where its PreFilter was not asked.
const FAILING: &str = "DynamicResources";
/// Where it succeeds at PostFilter, no further plugin is asked.
const PREEMPTION: &str = "DefaultPreemption";

/// A configuration without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file, as it is named in messages.
    pub origin: String,
    /// What is remarkable but not wrong, each as `FILE:LINE: PATH: MESSAGE`.
    pub warnings: Vec<String>,
    /// What is right in itself, and must not be run.
    pub(super) not_carried_out: Vec<Problem>,
    /// Where the file says whether a leader is elected.
    pub(super) leader_elect_line: Option<usize>,
    /// Hash of the completed configuration: equal where nothing differs but notation.
    pub hash: u64,
    /// `clientConnection.qps` where the file has a number for it; the completed configuration has
    /// kube-scheduler's default else.
    pub qps: Option<f32>,
    pub(super) configuration: KubeSchedulerConfiguration,
    pub(super) berth: BerthConfiguration,
    /// `events`, where the file says it.
    pub(super) events_in_file: Option<Granularity>,
    pub(super) profiles: Vec<LoadedProfile>,
}

/// A profile without errors.
#[derive(Debug, Clone)]
pub struct LoadedProfile {
    /// The `schedulerName` of its pods.
    pub scheduler_name: String,
    /// The plugins at each point.
    pub expanded: Expanded,
    /// Those of them that Berth has.
    pub(super) plugins: BTreeMap<String, Arc<dyn Plugin>>,
}

impl LoadedProfile {
    /// What the engine runs: the plugins that Berth has, at the points where they take part.
    pub(super) fn build(&self, refuse: bool) -> Result<Profile, ProfileError> {
        let mut builder = ProfileBuilder::new(&self.scheduler_name);
        if refuse {
            let refusal: Arc<dyn Plugin> = Arc::new(Refusal::new());
            builder.add(Point::PreFilter, &refusal, 0)?;
        }
        let mut asked_before = None;
        for point in Point::ALL {
            for (name, weight) in self.expanded.at(point) {
                if name == FAILING && point == Point::PreFilter {
                    asked_before = Some(builder.count_at(point));
                }
                let Some(plugin) = self.plugins.get(name) else { continue };
                if point.is_implemented_by(plugin.as_ref()) {
                    builder.add(point, plugin, *weight)?;
                }
            }
        }
        if let Some(preempts_first) = self.preempts_before_failing() {
            builder
                .set_failing_post_filter(FailingPostFilter { after: asked_before, preempts_first });
        }
        builder.build()
    }

    /// Whether DefaultPreemption comes before the plugin that may fail at PostFilter; `None` where
    /// that one is not enabled there, or where Berth has it.
    fn preempts_before_failing(&self) -> Option<bool> {
        if self.plugins.contains_key(FAILING) {
            return None;
        }
        let names = self.expanded.at(Point::PostFilter);
        let place = |wanted: &str| names.iter().position(|(name, _)| name == wanted);
        let failing = place(FAILING)?;
        Some(place(PREEMPTION).is_some_and(|preemption| preemption < failing))
    }
}

impl Loaded {
    /// kube-scheduler's part with all defaults, as its `--write-config-to` writes it.
    pub fn configuration(&self) -> &KubeSchedulerConfiguration {
        &self.configuration
    }

    /// What is Berth's own, with all defaults.
    pub fn berth(&self) -> &BerthConfiguration {
        &self.berth
    }

    /// Both documents with all defaults, as a file that says the same.
    pub fn text(&self) -> String {
        format!("{}---\n{}", print(&self.configuration), print_berth(&self.berth))
    }

    /// The profiles, in the order of the file.
    pub fn profiles(&self) -> &[LoadedProfile] {
        &self.profiles
    }

    /// The names of the profiles, in the order of the file.
    pub fn scheduler_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|p| p.scheduler_name.as_str())
    }

    /// How to reach the API server.
    pub fn client_connection(&self) -> &ClientConnectionConfiguration {
        &self.configuration.client_connection
    }

    /// Leader election; not carried out yet.
    pub fn leader_election(&self) -> &LeaderElectionConfiguration {
        &self.configuration.leader_election
    }

    /// Whether it may be run: `berth config check`, the start and the reload ask this one function.
    ///
    /// # Errors
    /// The fields that ask for what Berth does not do yet, where pods would be placed wrongly
    /// without it.
    pub fn runnable(&self) -> Result<(), ConfigErrors> {
        if self.not_carried_out.is_empty() {
            return Ok(());
        }
        let (origin, problems) = (self.origin.clone(), self.not_carried_out.clone());
        Err(ConfigErrors { origin, problems })
    }

    /// What a run has to say before it starts: [`Self::warnings`], and that nobody is elected where
    /// the file, or `leader_elect` (the flag) before it, asks for that.
    pub fn warnings_of_a_run(&self, leader_elect: Option<bool>) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        let in_file = self.leader_election().leader_elect.unwrap_or(true);
        if leader_elect.unwrap_or(in_file) {
            let line = self.leader_elect_line.map_or(String::new(), |line| format!(":{line}"));
            warnings.push(format!(
                "{}{line}: leaderElection.leaderElect: leader election is not there yet: its Lease \
                 (resourceName) is not touched. A Lease of each schedulerName (berth-NAME) lets \
                 one instance schedule while others wait; leaderElection.leaderElect: false \
                 silences this",
                escape::line(&self.origin)
            ));
        }
        warnings
    }

    /// That `--events` says otherwise than the file, where it does: the flag counts.
    pub fn events_overridden(&self, flag: Option<Granularity>) -> Option<String> {
        let in_file = self.events_in_file?;
        (flag? != in_file)
            .then(|| format!("{}: events: --events comes before it", escape::line(&self.origin)))
    }

    /// The extenders. `run` must not start where there are any: nobody calls them yet.
    pub fn extenders(&self) -> &[Extender] {
        &self.configuration.extenders
    }

    /// Threads of the scheduling cycle; at least 1.
    pub fn parallelism(&self) -> usize {
        self.configuration.parallelism.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1)
    }

    /// Enabled plugins that Berth does not act on yet, by name.
    pub fn not_run(&self) -> BTreeSet<&str> {
        let lists = self.profiles.iter().flat_map(|profile| {
            let points = Point::ALL.into_iter().flat_map(|p| profile.expanded.at(p));
            points.filter(|(name, _)| !profile.plugins.contains_key(name))
        });
        lists.map(|(name, _)| name.as_str()).collect()
    }

    /// What the engine is given. With `refuse`, pods whose needs belong to plugins that Berth does
    /// not have are refused ([`Refusal`]), as `run` has to.
    ///
    /// `parked_max_ms` is 5 minutes: the flag's value goes in its place.
    ///
    /// # Errors
    /// A profile cannot be built; does not happen, for loading has built it.
    pub fn engine_config(&self, refuse: bool) -> Result<Config, ProfileError> {
        let profiles = self.profiles.iter().map(|p| p.build(refuse).map(Arc::new));
        let c = &self.configuration;
        Ok(Config {
            hash: self.hash,
            text: self.text().into(),
            profiles: profiles.collect::<Result<_, _>>()?,
            backoff_initial_ms: milliseconds(c.pod_initial_backoff_seconds),
            backoff_max_ms: milliseconds(c.pod_max_backoff_seconds),
            parked_max_ms: PARKED_MAX_MS,
        })
    }
}

/// 292 million years stand for what is longer.
fn milliseconds(seconds: Option<i64>) -> u64 {
    u64::try_from(seconds.unwrap_or(0)).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests;
