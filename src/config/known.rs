//! The plugins that a configuration may name: those of the registry, and those of kube-scheduler
//! that Berth does not act on yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use berth_engine::framework::{Plugin, Point, nearest};
use berth_plugins::{ArgsKind, Factory, Later, PluginRegistry, later, later_points};

use super::expand::Implementations;
use super::quotes;
use super::validate::is_removed;

/// All plugins by name.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    registry: &'a PluginRegistry,
}

impl<'a> Known<'a> {
    pub(super) fn new(registry: &'a PluginRegistry) -> Self {
        Self { registry }
    }

    /// How a plugin is built; none where Berth does not have it.
    pub(super) fn factory(&self, name: &str) -> Option<&'a Factory> {
        self.registry.get(name).ok()
    }

    /// What is known of a plugin's arguments; none where it takes none.
    pub(super) fn args(&self, name: &str) -> Option<ArgsKind> {
        match self.factory(name) {
            Some(factory) => factory.args(),
            None => later_plugin(name)?.args,
        }
    }

    /// Whether anybody knows the name.
    pub(super) fn exists(&self, name: &str) -> bool {
        self.factory(name).is_some() || later_plugin(name).is_some()
    }

    /// Whether kube-scheduler has the plugin too.
    pub(super) fn is_in_tree(name: &str) -> bool {
        let mut default = berth_plugins::default_plugins().iter();
        default.any(|(n, _)| *n == name) || later_plugin(name).is_some()
    }

    /// Whether a plugin with its default arguments takes part in a point.
    pub(super) fn implements(&self, name: &str, point: Point) -> bool {
        let plugin = self.factory(name).and_then(|factory| factory.build(None).ok());
        takes_part(name, plugin.as_deref(), point)
    }

    /// What to add to a name that nobody knows: the closest one, of the plugins for `point` where
    /// it is of one.
    pub(super) fn hint(&self, name: &str, point: Option<Point>) -> String {
        if let Some(hint) = quotes::hint(name) {
            return hint;
        }
        let names = || self.registry.names().chain(later().iter().map(|l| l.name));
        let fitting = |known: &&str| point.is_none_or(|point| self.implements(known, point));
        if let Some(nearest) = nearest(name, names().filter(fitting)) {
            return format!(": did you mean {nearest:?}?");
        }
        match (nearest(name, names()), point) {
            (Some(nearest), Some(point)) => {
                format!(": did you mean {nearest:?}, which is not for {}?", point.field())
            }
            (None, Some(point)) => {
                let all: Vec<&str> = names().filter(fitting).collect();
                format!(": for {} there are {}", point.field(), all.join(", "))
            }
            _ => String::new(),
        }
    }

    /// All argument blocks there are, by plugin.
    pub(super) fn all_args(&self) -> BTreeMap<&'a str, ArgsKind> {
        let here = self.registry.iter().filter_map(|(name, f)| Some((name, f.args()?)));
        let later = later().iter().filter_map(|l| Some((l.name, l.args?)));
        later.chain(here).collect()
    }
}

fn later_plugin(name: &str) -> Option<&'static Later> {
    later().iter().find(|l| l.name == name)
}

/// Whether a plugin takes part in a point: by what it is here, or will be later.
fn takes_part(name: &str, plugin: Option<&dyn Plugin>, point: Point) -> bool {
    let named = |points: &[&str]| points.iter().any(|n| Point::from_name(n) == Some(point));
    match plugin {
        Some(plugin) => {
            let here = point.is_implemented_by(plugin);
            here || named(later_points(name))
        }
        None => later_plugin(name).is_some_and(|l| named(l.points)),
    }
}

/// The plugins of a profile, as far as they are built.
pub(super) struct Built<'a> {
    pub(super) known: Known<'a>,
    pub(super) plugins: BTreeMap<String, Arc<dyn Plugin>>,
}

impl Implementations for Built<'_> {
    fn exists(&self, name: &str) -> bool {
        self.known.exists(name)
    }

    fn implements(&self, name: &str, point: Point) -> bool {
        takes_part(name, self.plugins.get(name).map(AsRef::as_ref), point)
    }

    fn unknown(&self, name: &str, point: Option<Point>) -> String {
        if is_removed(name) {
            return format!("plugin {name:?} was removed in v1");
        }
        format!("plugin {name:?} does not exist{}", self.known.hint(name, point))
    }
}
