//! What a configuration means where it says nothing (pkg/scheduler/apis/config/v1/defaults.go and
//! default_plugins.go).

use super::v1::{KubeSchedulerConfiguration, KubeSchedulerProfile, Plugin, PluginSet, Plugins};
use berth_plugins::GoDuration;

/// The name of a single profile that has none.
const DEFAULT_SCHEDULER_NAME: &str = "default-scheduler";

/// Fills in everything but the arguments of plugins
/// (`SetDefaults_KubeSchedulerConfiguration`).
pub(super) fn fill(configuration: &mut KubeSchedulerConfiguration) {
    let c = configuration;
    c.parallelism.get_or_insert(16);
    if c.profiles.is_empty() {
        c.profiles.push(KubeSchedulerProfile::default());
    }
    if let [only] = c.profiles.as_mut_slice() {
        only.scheduler_name.get_or_insert_with(|| DEFAULT_SCHEDULER_NAME.to_owned());
    }
    for profile in &mut c.profiles {
        let custom = profile.plugins.take().unwrap_or_default();
        profile.plugins = Some(merge(default_plugins(), custom));
    }
    c.percentage_of_nodes_to_score.get_or_insert(0);
    c.pod_initial_backoff_seconds.get_or_insert(1);
    c.pod_max_backoff_seconds.get_or_insert(10);
    let profiling = *c.enable_profiling.get_or_insert(true);
    c.enable_contention_profiling.get_or_insert(profiling);

    let lease = &mut c.leader_election;
    lease.leader_elect.get_or_insert(true);
    for (duration, seconds) in [
        (&mut lease.lease_duration, 15),
        (&mut lease.renew_deadline, 10),
        (&mut lease.retry_period, 2),
    ] {
        if duration.is_zero() {
            *duration = GoDuration::from_seconds(seconds);
        }
    }
    or_text(&mut lease.resource_lock, "leases");
    or_text(&mut lease.resource_name, "kube-scheduler");
    or_text(&mut lease.resource_namespace, "kube-system");

    let client = &mut c.client_connection;
    or_text(&mut client.content_type, "application/vnd.kubernetes.protobuf");
    if client.qps == 0.0 {
        client.qps = 50.0;
    }
    if client.burst == 0 {
        client.burst = 100;
    }
}

fn or_text(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}

/// The default set.
fn default_plugins() -> Plugins {
    let enabled = berth_plugins::default_plugins().iter().map(|(name, weight)| Plugin {
        name: (*name).to_owned(),
        weight: i32::try_from(*weight).ok(),
    });
    let multi_point = PluginSet { enabled: enabled.collect(), disabled: Vec::new() };
    Plugins { multi_point, ..Plugins::default() }
}

/// `mergePlugins`. Weights become explicit, and those of disabled plugins are dropped, as in what
/// kube-scheduler writes.
fn merge(mut defaults: Plugins, mut custom: Plugins) -> Plugins {
    for (default, custom) in defaults.sets_mut().into_iter().zip(custom.sets_mut()) {
        *default = merge_set(std::mem::take(default), std::mem::take(custom));
        for plugin in &mut default.enabled {
            plugin.weight.get_or_insert(0);
        }
        for plugin in &mut default.disabled {
            plugin.weight = Some(0);
        }
    }
    defaults
}

/// `mergePluginSet`: a default plugin that is enabled again keeps its place and takes the new
/// entry, the last one where there are several; the other new entries follow. Repeats stay, for
/// the expansion to find.
fn merge_set(default: PluginSet, custom: PluginSet) -> PluginSet {
    let disabled = |name: &str| custom.disabled.iter().any(|p| p.name == name);
    let mut replaced = vec![false; custom.enabled.len()];
    let mut enabled = Vec::with_capacity(default.enabled.len() + custom.enabled.len());
    if !disabled("*") {
        for plugin in default.enabled {
            if disabled(&plugin.name) {
                continue;
            }
            let again = custom.enabled.iter().rposition(|p| p.name == plugin.name);
            let entry = again.and_then(|at| custom.enabled.get(at)).cloned();
            if let Some(flag) = again.and_then(|at| replaced.get_mut(at)) {
                *flag = true;
            }
            enabled.push(entry.unwrap_or(plugin));
        }
    }
    let rest = custom.enabled.into_iter().zip(replaced).filter(|(_, replaced)| !replaced);
    enabled.extend(rest.map(|(plugin, _)| plugin));
    PluginSet { enabled, disabled: custom.disabled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(enabled: &[(&str, i32)], disabled: &[&str]) -> PluginSet {
        let plugin = |name: &str, weight| Plugin { name: name.to_owned(), weight };
        PluginSet {
            enabled: enabled.iter().map(|(n, w)| plugin(n, Some(*w))).collect(),
            disabled: disabled.iter().map(|n| plugin(n, None)).collect(),
        }
    }

    #[test]
    fn a_set_is_merged_as_by_kube_scheduler() {
        let default = || set(&[("A", 1), ("B", 2), ("C", 3)], &[]);
        let merged = |custom: PluginSet| -> String {
            let merged = merge_set(default(), custom);
            let names = merged.enabled.iter();
            names.map(|p| format!("{}{} ", p.name, p.weight.unwrap_or(-1))).collect()
        };
        assert_eq!(merged(set(&[], &[])), "A1 B2 C3 ");
        assert_eq!(merged(set(&[("X", 7)], &[])), "A1 B2 C3 X7 ");
        assert_eq!(merged(set(&[("B", 7)], &[])), "A1 B7 C3 ");
        assert_eq!(merged(set(&[], &["B", "No"])), "A1 C3 ");
        assert_eq!(merged(set(&[("B", 7)], &["B"])), "A1 C3 B7 ");
        assert_eq!(merged(set(&[("C", 7)], &["*"])), "C7 ");
        assert_eq!(merged(set(&[("B", 7), ("B", 8)], &[])), "A1 B8 C3 B7 ");
    }

    #[test]
    fn everything_has_a_default() {
        let mut c = KubeSchedulerConfiguration::default();
        fill(&mut c);
        assert_eq!(c.parallelism, Some(16));
        assert_eq!((c.pod_initial_backoff_seconds, c.pod_max_backoff_seconds), (Some(1), Some(10)));
        assert_eq!(c.leader_election.lease_duration.to_string(), "15s");
        assert_eq!(c.leader_election.resource_name, "kube-scheduler");
        assert_eq!((c.client_connection.qps, c.client_connection.burst), (50.0, 100));
        assert_eq!(c.enable_contention_profiling, Some(true));
        let name = |p: &KubeSchedulerProfile| p.scheduler_name.clone();
        assert_eq!(c.profiles.iter().filter_map(name).collect::<Vec<_>>(), ["default-scheduler"]);
    }

    #[test]
    fn profiling_that_is_off_takes_contention_profiling_with_it() {
        let mut c =
            KubeSchedulerConfiguration { enable_profiling: Some(false), ..Default::default() };
        fill(&mut c);
        assert_eq!(c.enable_contention_profiling, Some(false));
    }
}
