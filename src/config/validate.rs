//! The checks on a configuration whose defaults are filled in
//! (pkg/scheduler/apis/config/validation/validation.go). Field paths are kube-scheduler's own.

use std::collections::HashMap;

use berth_engine::framework::Point;

use super::name::qualified_name_errors;
use super::problem::{Problems, Stage};
use super::v1::{
    Extender, KubeSchedulerConfiguration, KubeSchedulerProfile, LeaderElectionConfiguration,
    PluginSet,
};

/// Plugins that earlier versions had.
const REMOVED: [&str; 4] = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"];

/// Whether a plugin existed in an earlier version only.
pub(super) fn is_removed(name: &str) -> bool {
    REMOVED.contains(&name)
}

/// Checks everything but the arguments of plugins.
pub(super) fn check(configuration: &KubeSchedulerConfiguration, problems: &mut Problems) {
    let mut checker = Checker(problems);
    let c = configuration;
    if c.client_connection.burst < 0 {
        checker.wrong("clientConnection.burst", "must not be negative");
    }
    checker.lease(&c.leader_election);
    if c.parallelism.is_some_and(|n| n <= 0) {
        checker.wrong("parallelism", "must be greater than 0");
    }
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (i, profile) in c.profiles.iter().enumerate() {
        let path = format!("profiles[{i}]");
        checker.profile(&path, profile, c.profiles.len() == 1);
        let name = profile.scheduler_name.as_deref().unwrap_or_default();
        if let Some(earlier) = names.insert(name, i) {
            let message = format!("{name:?} is the name of profiles[{earlier}] already");
            checker.wrong(&format!("{path}.schedulerName"), &message);
        }
    }
    checker.queue_sort(&c.profiles);
    checker.percentage("percentageOfNodesToScore", c.percentage_of_nodes_to_score);
    let initial = c.pod_initial_backoff_seconds.unwrap_or_default();
    if initial <= 0 {
        checker.wrong("podInitialBackoffSeconds", "must be greater than 0");
    }
    if c.pod_max_backoff_seconds.unwrap_or_default() < initial {
        let message = format!("must not be less than podInitialBackoffSeconds, which is {initial}");
        checker.wrong("podMaxBackoffSeconds", &message);
    }
    checker.extenders(&c.extenders);
}

struct Checker<'a>(&'a mut Problems);

impl Checker<'_> {
    fn wrong(&mut self, path: &str, message: &str) {
        // A value that could not be read has its message already, and stands for its default here.
        if !self.0.misread(path) {
            self.0.add(Stage::Validate, path, None, message);
        }
    }

    fn lease(&mut self, lease: &LeaderElectionConfiguration) {
        if lease.leader_elect == Some(false) {
            return;
        }
        for (field, duration) in [
            ("leaseDuration", lease.lease_duration),
            ("renewDeadline", lease.renew_deadline),
            ("retryPeriod", lease.retry_period),
        ] {
            if duration.nanoseconds() <= 0 {
                self.wrong(&format!("leaderElection.{field}"), "must be greater than 0");
            }
        }
        if lease.lease_duration <= lease.renew_deadline {
            let message = format!("must be longer than renewDeadline ({})", lease.renew_deadline);
            self.wrong("leaderElection.leaseDuration", &message);
        }
        if lease.resource_lock != "leases" {
            self.wrong("leaderElection.resourceLock", "must be \"leases\"");
        }
    }

    fn percentage(&mut self, path: &str, percentage: Option<i32>) {
        if percentage.is_some_and(|p| !(0..=100).contains(&p)) {
            self.wrong(path, "must be from 0 to 100");
        }
    }

    fn profile(&mut self, path: &str, profile: &KubeSchedulerProfile, is_only: bool) {
        if profile.scheduler_name.as_deref().unwrap_or_default().is_empty() {
            let message = if is_only {
                "required: must not be empty: give the profile a name; without the field it is \
                 default-scheduler"
            } else {
                "required where there are several profiles"
            };
            self.wrong(&format!("{path}.schedulerName"), message);
        }
        self.percentage(
            &format!("{path}.percentageOfNodesToScore"),
            profile.percentage_of_nodes_to_score,
        );
        // kube-scheduler leaves out multiPoint and the placement points here; a removed plugin is
        // then one that does not exist.
        for point in Point::ALL {
            if matches!(point, Point::PlacementGenerate | Point::PlacementScore) {
                continue;
            }
            let Some(plugins) = &profile.plugins else { continue };
            for (i, plugin) in plugins.at(point).enabled.iter().enumerate() {
                if is_removed(&plugin.name) {
                    let path = format!("{path}.plugins.{}.enabled[{i}]", point.field());
                    self.wrong(&path, &format!("plugin {:?} was removed in v1", plugin.name));
                }
            }
        }
        for (i, config) in profile.plugin_config.iter().enumerate() {
            let path = format!("{path}.pluginConfig[{i}]");
            let earlier = profile.plugin_config.iter().take(i).any(|c| c.name == config.name);
            if earlier {
                self.wrong(&path, &format!("{:?} has arguments already", config.name));
            }
            if is_removed(&config.name) {
                self.wrong(&path, &format!("plugin {:?} was removed in v1", config.name));
            }
        }
    }

    /// `validateCommonQueueSort`.
    fn queue_sort(&mut self, profiles: &[KubeSchedulerProfile]) {
        let none = PluginSet::default();
        let set = |profile: &'_ KubeSchedulerProfile| -> PluginSet {
            profile.plugins.as_ref().map_or(none.clone(), |p| p.queue_sort.clone())
        };
        let Some((first, others)) = profiles.split_first() else { return };
        let canon = set(first);
        if canon.enabled.len() > 1 {
            let message = "only one queue sort plugin can be enabled";
            self.wrong("profiles[0].plugins.queueSort.Enabled", message);
        }
        // Without a name, kube-scheduler compares the blocks without a name with nothing.
        let sorter = canon.enabled.first().map_or("", |p| p.name.as_str());
        let args = |profile: &'_ KubeSchedulerProfile| {
            let mut configs = profile.plugin_config.iter().rev();
            configs.find(|c| c.name == sorter).map(|c| c.args.clone())
        };
        let canon_args = if sorter.is_empty() { None } else { args(first).flatten() };
        for (i, profile) in others.iter().enumerate() {
            let path = format!("profiles[{}]", i + 1);
            if set(profile) != canon {
                self.wrong(
                    &format!("{path}.plugins.queueSort"),
                    "must be the same in all profiles",
                );
            }
            if args(profile).is_some_and(|args| args != canon_args) {
                let message =
                    "the arguments of the queue sort plugin must be the same in all profiles";
                self.wrong(&format!("{path}.pluginConfig.args"), message);
            }
        }
    }

    fn extenders(&mut self, extenders: &[Extender]) {
        let mut managed: Vec<&str> = Vec::new();
        for (i, extender) in extenders.iter().enumerate() {
            let path = format!("extenders[{i}]");
            if !extender.prioritize_verb.is_empty() && extender.weight <= 0 {
                let message = "must be greater than 0 where there is a prioritizeVerb";
                self.wrong(&format!("{path}.weight"), message);
            }
            for (j, resource) in extender.managed_resources.iter().enumerate() {
                let path = format!("{path}.managedResources[{j}].name");
                for message in extended_resource_errors(&resource.name) {
                    self.wrong(&path, &message);
                }
                if managed.contains(&resource.name.as_str()) {
                    self.wrong(&path, "an extender manages this resource already");
                }
                managed.push(&resource.name);
            }
        }
        let binders = extenders.iter().filter(|e| !e.bind_verb.is_empty()).count();
        if binders > 1 {
            let message = format!("{binders} extenders have a bindVerb: only one can bind");
            self.wrong("extenders", &message);
        }
    }
}

/// `validateExtendedResourceName` and `IsExtendedResourceName`.
fn extended_resource_errors(name: &str) -> Vec<String> {
    let errors = qualified_name_errors(name);
    if !errors.is_empty() {
        return errors;
    }
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    let as_quota = format!("requests.{name}");
    if native || name.starts_with("requests.") || !qualified_name_errors(&as_quota).is_empty() {
        return vec![format!("{name:?} is not the name of an extended resource: domain/name")];
    }
    Vec::new()
}
