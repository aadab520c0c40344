//! What extenders change in the profiles, and whether they can be built (`buildExtenders`,
//! `NewHTTPExtender`).

use serde_json::Value;

use super::problem::{Problems, Stage};
use super::v1::KubeSchedulerConfiguration;

/// Resources that an extender manages alone take the place of the ones that NodeResourcesFit is
/// told to ignore, in every profile.
pub(super) fn complete(configuration: &mut KubeSchedulerConfiguration, problems: &mut Problems) {
    let resources = configuration.extenders.iter().flat_map(|e| &e.managed_resources);
    let ignored: Vec<Value> = resources
        .filter(|r| r.ignored_by_scheduler)
        .map(|r| Value::String(r.name.clone()))
        .collect();
    if ignored.is_empty() {
        return;
    }
    for (i, profile) in configuration.profiles.iter_mut().enumerate() {
        let config = profile.plugin_config.iter_mut().find(|c| c.name == "NodeResourcesFit");
        match config.and_then(|c| c.args.as_mut()).and_then(Value::as_object_mut) {
            Some(args) => {
                args.insert("ignoredResources".to_owned(), Value::Array(ignored.clone()));
            }
            None => problems.add(
                Stage::Profiles,
                format!("profiles[{i}].plugins"),
                None,
                "an extender's ignoredByScheduler needs NodeResourcesFit to be enabled",
            ),
        }
    }
}
