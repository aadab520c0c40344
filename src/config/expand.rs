//! From plugin sets to the plugins that run at each point
//! (pkg/scheduler/framework/runtime/framework.go: `updatePluginList`, `expandMultiPointPlugins`,
//! `getValidScoreWeights`).

use std::collections::BTreeSet;

use berth_engine::framework::{MAX_NODE_SCORE, Point};

use super::problem::{Problems, Stage};
use super::v1::{Plugin, Plugins};

/// The plugins of a profile, by name, in their order at each point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    points: [Vec<(String, i64)>; Point::ALL.len()],
}

impl Expanded {
    /// Names and weights at a point; the weight is 0 where the point has none.
    pub fn at(&self, point: Point) -> &[(String, i64)] {
        self.points.get(point as usize).map_or(&[], Vec::as_slice)
    }
}

/// What a name stands for.
pub(super) trait Implementations {
    /// Whether there is such a plugin.
    fn exists(&self, name: &str) -> bool;
    /// Whether it takes part in a point.
    fn implements(&self, name: &str, point: Point) -> bool;
    /// What to say where it does not exist; `point` is none for multiPoint.
    fn unknown(&self, name: &str, point: Option<Point>) -> String;
}

/// All plugins that a profile enables anywhere (`pluginsNeeded`).
pub(super) fn needed(plugins: &Plugins) -> BTreeSet<&str> {
    let sets = Point::ALL.map(|point| plugins.at(point));
    let enabled = sets.into_iter().chain([&plugins.multi_point]).flat_map(|set| &set.enabled);
    enabled.map(|p| p.name.as_str()).collect()
}

/// Expands the merged sets of a profile. `path` is that of the profile; `place` finds the entry of
/// the file behind a plugin of multiPoint.
pub(super) fn expand(
    plugins: &Plugins,
    path: &str,
    known: &dyn Implementations,
    place: &dyn Fn(&str) -> String,
    problems: &mut Problems,
) -> Expanded {
    let mut expanded = Expanded::default();
    let mut wrong = |path: String, message: String| {
        problems.add(Stage::Profiles, path, None, message);
    };
    for plugin in &plugins.multi_point.enabled {
        if !known.exists(&plugin.name) {
            wrong(place(&plugin.name), known.unknown(&plugin.name, None));
        }
    }
    for point in Point::ALL {
        let explicit = explicit(plugins, point, path, known, &mut wrong);
        let names = ordered(plugins, point, &explicit, known, &mut |name: &str| {
            wrong(place(name), format!("plugin {name:?} is enabled twice at {}", point.field()));
        });
        let weights = if point.is_weighted() {
            let set = plugins.at(point).enabled.iter().chain(&plugins.multi_point.enabled);
            weights(set, point, known).unwrap_or_else(|message| {
                wrong(format!("{path}.plugins.{}", point.field()), message);
                Vec::new()
            })
        } else {
            Vec::new()
        };
        let weight = |name: &str| weights.iter().find(|(n, _)| *n == name).map_or(0, |(_, w)| *w);
        if let Some(list) = expanded.points.get_mut(point as usize) {
            *list = names.into_iter().map(|n| (n.to_owned(), weight(n))).collect();
        }
    }
    expanded
}

/// The plugins that are enabled at the point itself (`updatePluginList`).
fn explicit<'a>(
    plugins: &'a Plugins,
    point: Point,
    path: &str,
    known: &dyn Implementations,
    wrong: &mut dyn FnMut(String, String),
) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (i, plugin) in plugins.at(point).enabled.iter().enumerate() {
        let (name, field) = (plugin.name.as_str(), point.field());
        let mut wrong = |message| wrong(format!("{path}.plugins.{field}.enabled[{i}]"), message);
        if !known.exists(name) {
            wrong(known.unknown(name, Some(point)));
        } else if !known.implements(name, point) {
            let points = Point::ALL.into_iter().filter(|p| known.implements(name, *p));
            let points: Vec<&str> = points.map(Point::field).collect();
            wrong(format!(
                "plugin {name:?} does not extend {field}: it is for {}",
                points.join(", ")
            ));
        } else if names.contains(&name) {
            wrong(format!("plugin {name:?} is enabled twice at {field}"));
        } else {
            names.push(name);
        }
    }
    names
}

/// The order at a point: first those of both lists in the explicit order, then those of multiPoint
/// alone, then those of the point alone (`expandMultiPointPlugins`).
fn ordered<'a>(
    plugins: &'a Plugins,
    point: Point,
    explicit: &[&'a str],
    known: &dyn Implementations,
    repeated: &mut dyn FnMut(&str),
) -> Vec<&'a str> {
    let disabled = |name: &str| plugins.at(point).disabled.iter().any(|p| p.name == name);
    if disabled("*") {
        return explicit.to_vec();
    }
    let (mut overridden, mut multi): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for plugin in &plugins.multi_point.enabled {
        let name = plugin.name.as_str();
        if !known.implements(name, point) || disabled(name) {
            continue;
        }
        if explicit.contains(&name) {
            overridden.push(name);
        } else if multi.contains(&name) {
            repeated(name);
        } else {
            multi.push(name);
        }
    }
    let first = explicit.iter().filter(|n| overridden.contains(n));
    let last = explicit.iter().filter(|n| !overridden.contains(n));
    first.chain(&multi).chain(last).copied().collect()
}

/// The weights in force: the first entry of a plugin counts, and 0 is 1 (`getValidScoreWeights`).
/// The sum is checked as Go does it, in arithmetic that wraps, so that a negative weight passes
/// where it passes there.
fn weights<'a>(
    set: impl Iterator<Item = &'a Plugin>,
    point: Point,
    known: &dyn Implementations,
) -> Result<Vec<(&'a str, i64)>, String> {
    let mut weights: Vec<(&str, i64)> = Vec::new();
    let mut total = 0i64;
    for plugin in set {
        let name = plugin.name.as_str();
        if !known.implements(name, point) || weights.iter().any(|(n, _)| *n == name) {
            continue;
        }
        let weight = match plugin.weight.unwrap_or(0) {
            0 => 1,
            weight => i64::from(weight),
        };
        let most = weight * MAX_NODE_SCORE;
        if most > i64::MAX.wrapping_sub(total) {
            return Err("the total score could overflow: a weight is negative".to_owned());
        }
        total += most;
        weights.push((name, weight));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests;
