//! What `berth evaluate` answers to a configuration file.

use std::collections::BTreeSet;

use berth_engine::framework::Point;
use berth_plugins::PluginRegistry;
use serde_json::{Map, Value, json};

use super::load_first;
use super::loaded::LoadedProfile;
use super::problem::{ConfigErrors, Stage};

/// Whether kube-scheduler would start with this file, and what it then means: `ok` with the
/// completed `config` and the `profiles`, or the `stage`, `errors` and `fields` that are wrong.
pub fn verdict(text: &str, registry: &PluginRegistry) -> Value {
    match load_first(text, "config", registry) {
        Ok(loaded) => json!({
            "ok": true,
            "config": loaded.configuration(),
            "profiles": loaded.profiles().iter().map(profile).collect::<Vec<_>>(),
        }),
        Err(errors) => refusal(&errors),
    }
}

fn refusal(errors: &ConfigErrors) -> Value {
    let texts: Vec<String> = errors.problems.iter().map(ToString::to_string).collect();
    let mut answer = json!({ "ok": false, "stage": errors.stage().as_str(), "errors": texts });
    if errors.stage() == Stage::Validate {
        let of_stage = errors.problems.iter().filter(|p| p.stage == Stage::Validate);
        let fields: BTreeSet<&str> = of_stage.map(|p| p.path.as_str()).collect();
        answer["fields"] = json!(fields);
    }
    answer
}

fn profile(profile: &LoadedProfile) -> Value {
    let mut answer = Map::new();
    answer.insert("schedulerName".to_owned(), profile.scheduler_name.as_str().into());
    for point in Point::ALL {
        let plugins = profile.expanded.at(point).iter();
        let plugins: Vec<Value> = plugins
            .map(|(name, weight)| {
                if point.is_weighted() {
                    json!({ "name": name, "weight": weight })
                } else {
                    json!(name)
                }
            })
            .collect();
        if !plugins.is_empty() {
            answer.insert(point.field().to_owned(), plugins.into());
        }
    }
    Value::Object(answer)
}
