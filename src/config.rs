//! The configuration: a file with a `KubeSchedulerConfiguration` and, where there is one, a
//! `BerthConfiguration` ([`berth`]), and what becomes of it.
//!
//! A text becomes trees that know their lines ([`yaml`], [`json`]), told apart by [`documents`]; a
//! tree is held against the schema of the types ([`shape`], [`plugin_args`]), which finds unknown
//! fields and wrong types; what is left becomes the types ([`v1`]), gets its defaults
//! ([`defaults`]) and is checked ([`validate`]); plugins are built and their sets expanded
//! ([`expand`]). Every step goes on after an error, so that all errors come at once. Enter at
//! [`load`].

mod base64;
mod berth;
mod defaults;
mod documents;
mod doubtful;
mod expand;
mod extenders;
mod file;
pub mod gates;
mod header;
mod json;
mod known;
mod lines;
mod loaded;
mod name;
mod plugin_args;
mod print;
mod problem;
mod quotes;
mod scalar;
mod schema;
mod shape;
mod tabs;
mod tree;
pub mod v1;
mod validate;
mod verdict;
mod warning;
mod yaml;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use berth_engine::framework::Point;
use berth_plugins::PluginRegistry;
use serde_json::Value;

pub use berth::{AdaptiveRate, BerthConfiguration, EventsPer};
pub use berth_plugins::{DurationError, GoDuration};
pub use expand::Expanded;
pub(crate) use file::read_file;
pub use file::{default_engine_config, without_file};
pub(crate) use lines::Lines;
pub use loaded::{Loaded, LoadedProfile};
pub use print::{print, print_berth};
pub use problem::{ConfigErrors, Problem, Stage};
pub use schema::schema;
pub use verdict::verdict;

use known::Known;
use problem::Problems;
use tree::{Document, Node};
use v1::KubeSchedulerConfiguration;

/// Longest text that is read: a ConfigMap holds 1 MiB at most.
pub(crate) const TEXT_MAX: usize = 4 << 20;

/// Reads a file: a KubeSchedulerConfiguration and, where there is one, a BerthConfiguration.
/// `origin` names it in messages; `registry` holds the plugins.
///
/// # Errors
/// Everything that is wrong with it, with fields and lines.
pub fn load(text: &str, origin: &str, registry: &PluginRegistry) -> Result<Loaded, ConfigErrors> {
    let fail = |problems| Err(ConfigErrors { origin: origin.to_owned(), problems });
    let documents = match read(text) {
        Ok(documents) => documents,
        Err(problems) => return fail(problems),
    };
    let documents::Documents { kube_scheduler, berth } = match documents::tell_apart(documents) {
        Ok(documents) => documents,
        Err(problems) => return fail(problems),
    };
    let own = berth.as_ref().map_or_else(|| Ok(BerthConfiguration::completed()), read_berth);
    match (load_document(&kube_scheduler, origin, registry), own) {
        (Ok(mut loaded), Ok(own)) => {
            let warnings = berth
                .iter()
                .flat_map(|document| warning::of_berth(document, &own, loaded.qps, origin));
            let warnings: Vec<String> = warnings.collect();
            loaded.warnings.extend(warnings);
            let says_events = berth.is_some_and(|document| document.root.get("events").is_some());
            loaded.events_in_file = says_events.then(|| own.granularity());
            loaded.berth = own;
            loaded.hash = hash(&loaded.text());
            Ok(loaded)
        }
        (Ok(_), Err(problems)) => fail(problems),
        (Err(errors), Ok(_)) => Err(errors),
        (Err(errors), Err(problems)) => {
            let mut problems = [errors.problems, problems].concat();
            problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
            fail(problems)
        }
    }
}

/// Reads a file as kube-scheduler does: its first document.
fn load_first(text: &str, origin: &str, registry: &PluginRegistry) -> Result<Loaded, ConfigErrors> {
    let read = if json::is_json(text) { json::read(text) } else { yaml::read(text) };
    match read {
        Ok(document) => load_document(&document, origin, registry),
        Err(error) => Err(ConfigErrors { origin: origin.to_owned(), problems: syntax(error) }),
    }
}

fn load_document(
    document: &Document,
    origin: &str,
    registry: &PluginRegistry,
) -> Result<Loaded, ConfigErrors> {
    let known = Known::new(registry);
    let root = &document.root;
    let mut problems = Problems::default();
    let fail = |problems: Problems| {
        let problems = problems.located(|path| root.line_of(path));
        Err(ConfigErrors { origin: origin.to_owned(), problems })
    };
    problems.add_repeated(document);
    if !header::check(root, &mut problems) {
        return fail(problems);
    }
    let (mut configuration, profiles) = interpret(root, known, &mut problems);
    if !problems.is_empty() {
        return fail(problems);
    }
    for (profile, needed) in configuration.profiles.iter_mut().zip(&profiles) {
        let needed = needed.1.iter().map(String::as_str).collect();
        profile.plugin_config = plugin_args::written(profile, &needed, known);
    }
    Ok(Loaded {
        origin: origin.to_owned(),
        warnings: warning::all(document, &configuration, origin, known),
        not_carried_out: extenders::not_carried_out(&configuration, root),
        leader_elect_line: root.line_of("leaderElection.leaderElect"),
        hash: hash(&print(&configuration)),
        qps: qps(root),
        configuration,
        berth: BerthConfiguration::completed(),
        events_in_file: None,
        profiles: profiles.into_iter().map(|(profile, _)| profile).collect(),
    })
}

fn read_berth(document: &Document) -> Result<BerthConfiguration, Vec<Problem>> {
    let mut problems = Problems::default();
    problems.add_repeated(document);
    let configuration = berth::read(&document.root, &mut problems);
    if problems.is_empty() {
        return Ok(configuration);
    }
    // What is not there is missing in this document, which begins at a line.
    let root = &document.root;
    Err(problems.located(|path| root.line_of(path).or(Some(root.line))))
}

/// `clientConnection.qps` where it is given; 0 stands for its default.
fn qps(root: &Node) -> Option<f32> {
    let qps = root.get("clientConnection")?.get("qps")?.to_value().as_f64()?;
    (qps != 0.0).then_some(qps as f32)
}

fn read(text: &str) -> Result<Vec<Document>, Vec<Problem>> {
    let read = if text.len() > TEXT_MAX {
        let message = format!("the file is larger than {TEXT_MAX} bytes");
        Err(tree::SyntaxError { line: 1, column: None, message })
    } else if json::is_json(text) {
        json::read(text).map(|document| vec![document])
    } else {
        yaml::read_all(text)
    };
    read.map_err(syntax)
}

fn syntax(error: tree::SyntaxError) -> Vec<Problem> {
    let mut problems = Problems::default();
    problems.add_syntax(error);
    problems.located(|_| None)
}

/// A profile with the names of the plugins it needs.
type Needing = (LoadedProfile, BTreeSet<String>);

/// Makes the configuration and its profiles of a tree, as far as they can be made.
fn interpret(
    root: &Node,
    known: Known<'_>,
    problems: &mut Problems,
) -> (KubeSchedulerConfiguration, Vec<Needing>) {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| schemars::schema_for!(KubeSchedulerConfiguration).to_value());
    let mut root = root.clone();
    shape::fit(&mut root, &SCHEMA, "", true, problems);
    plugin_args::fit(&mut root, known, problems);
    let mut configuration: KubeSchedulerConfiguration = serde_json::from_value(root.to_value())
        .unwrap_or_else(|e| {
            if problems.is_empty() {
                problems.add(Stage::Decode, "", None, e.to_string());
            }
            KubeSchedulerConfiguration::default()
        });
    let files: Vec<_> = configuration.profiles.iter().map(|p| p.plugins.clone()).collect();
    defaults::fill(&mut configuration);
    for (i, profile) in configuration.profiles.iter_mut().enumerate() {
        plugin_args::complete(profile, &format!("profiles[{i}]"), known, problems);
    }
    validate::check(&configuration, problems);
    extenders::complete(&mut configuration, problems);
    extenders::check(&configuration.extenders, problems);
    let mut profiles = Vec::new();
    for (i, profile) in configuration.profiles.iter().enumerate() {
        let file = files.get(i).and_then(Option::as_ref);
        profiles.extend(build_profile(profile, file, i, known, problems));
    }
    same_queue_sort(&configuration, &profiles, problems);
    (configuration, profiles)
}

/// Builds the plugins of a profile and expands their sets. `file` holds the sets before the
/// defaults came in.
fn build_profile(
    profile: &v1::KubeSchedulerProfile,
    file: Option<&v1::Plugins>,
    i: usize,
    known: Known<'_>,
    problems: &mut Problems,
) -> Option<Needing> {
    let path = format!("profiles[{i}]");
    let plugins = profile.plugins.as_ref()?;
    let needed = expand::needed(plugins);
    let built = plugin_args::build(profile, &path, &needed, known, problems);
    let in_file = file.map_or(&[][..], |f| f.multi_point.enabled.as_slice());
    let place = |name: &str| match in_file.iter().rposition(|p| p.name == name) {
        Some(at) => format!("{path}.plugins.multiPoint.enabled[{at}]"),
        None => format!("{path}.plugins.multiPoint"),
    };
    let before = problems.iter().count();
    let expanded = expand::expand(plugins, &path, &built, &place, problems);
    let loaded = LoadedProfile {
        scheduler_name: profile.scheduler_name.clone().unwrap_or_default(),
        expanded,
        plugins: built.plugins,
    };
    // Names that do not resolve have their messages: what is missing then follows from them.
    if problems.iter().count() == before {
        check_counts(&loaded, &path, problems);
    }
    Some((loaded, needed.into_iter().map(str::to_owned).collect()))
}

/// One order of the queue, somebody who binds, at most one who proposes places.
fn check_counts(profile: &LoadedProfile, path: &str, problems: &mut Problems) {
    let count = |point| profile.expanded.at(point).len();
    let mut wrong = |point: Point, message: String| {
        let path = format!("{path}.plugins.{}", point.field());
        problems.add(Stage::Profiles, path, None, message);
    };
    match count(Point::QueueSort) {
        1 => {}
        n => wrong(Point::QueueSort, format!("needs exactly one plugin, and has {n}")),
    }
    if count(Point::Bind) == 0 {
        wrong(Point::Bind, "needs at least one plugin: nobody would bind".to_owned());
    }
    match count(Point::PlacementGenerate) {
        0 | 1 => {}
        n => wrong(Point::PlacementGenerate, format!("takes one plugin, and has {n}")),
    }
    if problems.is_empty()
        && let Err(e) = profile.build(false)
    {
        problems.add(Stage::Profiles, format!("{path}.plugins"), None, e.to_string());
    }
}

/// All profiles order the one queue by the same plugin with the same arguments
/// (`profile.NewMap`).
fn same_queue_sort(
    configuration: &KubeSchedulerConfiguration,
    profiles: &[Needing],
    problems: &mut Problems,
) {
    let mut first = None;
    for (i, ((profile, _), file)) in profiles.iter().zip(&configuration.profiles).enumerate() {
        let sort = profile.expanded.at(Point::QueueSort).first();
        let Some((name, _)) = sort else { continue };
        let config = file.plugin_config.iter().find(|c| c.name == *name);
        let here = (name, config.and_then(|c| c.args.as_ref()));
        let first = *first.get_or_insert(here);
        let message = match first {
            (other, _) if other != name => {
                format!("all profiles need the same plugin: {name:?} here, {other:?} above")
            }
            (_, args) if args != here.1 => {
                format!("all profiles need the same arguments for {name:?}")
            }
            _ => continue,
        };
        problems.add(Stage::Profiles, format!("profiles[{i}].plugins.queueSort"), None, message);
    }
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
