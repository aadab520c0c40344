//! The plugins, as two tables: those that work, and those that a configuration may only name.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use berth_engine::framework::{Plugin, Reads};
use berth_plugins::{Factory, default_plugins, in_tree, later};

use super::NOTICE;

/// What events change, in words. `NODE_EXISTS` is read by all, so it is left out of the rows.
const READS: [(Reads, &str); 21] = [
    (Reads::NODE_LABELS, "labels of nodes"),
    (Reads::NODE_TAINTS, "taints"),
    (Reads::NODE_UNSCHEDULABLE, "`unschedulable`"),
    (Reads::NODE_ALLOCATABLE, "allocatable"),
    (Reads::NODE_IMAGES, "images"),
    (Reads::NODE_FEATURES, "declared features"),
    (Reads::NODE_STATUS, "conditions and annotations of nodes"),
    (Reads::NODE_ROOM, "room on nodes"),
    (Reads::DOMAINS, "labels of all nodes"),
    (Reads::DOMAIN_TAINTS, "taints of all nodes"),
    (Reads::PODS, "pods anywhere"),
    (Reads::NAMESPACES, "labels of namespaces"),
    (Reads::SELECTOR_OWNERS, "selectors of Services and controllers"),
    (Reads::VOLUMES, "PersistentVolumes"),
    (Reads::CLAIMS, "PersistentVolumeClaims"),
    (Reads::STORAGE_CLASSES, "StorageClasses"),
    (Reads::CSI_NODES, "CSINodes"),
    (Reads::CSI_DRIVERS, "CSIDrivers"),
    (Reads::STORAGE_CAPACITIES, "CSIStorageCapacities"),
    (Reads::VOLUME_ATTACHMENTS, "VolumeAttachments"),
    (Reads::DISRUPTION_BUDGETS, "PodDisruptionBudgets"),
];

/// Both tables.
pub(super) fn text() -> Result<String> {
    let mut text = format!(
        "# Plugins\n\n{NOTICE}\n\
         Names, extension points and arguments are kube-scheduler's. The weight is what the plugin \
         has where the configuration gives none; without one it is off unless enabled. A pod that \
         a filter refused is looked at again when something changes that the filter reads, or \
         when a node comes or goes.\n\n\
         | Plugin | Weight | Extension points | Its filter reads | Arguments |\n\
         |---|---|---|---|---|\n"
    );
    for (name, factory) in in_tree()?.iter() {
        writeln!(text, "{}", row(name, factory)?)?;
    }
    text.push_str(
        "\n## Known by name\n\n\
         A configuration may name these; they do nothing yet. Pods that need one are refused, with \
         a reason, where ignoring it would place them wrongly.\n\n\
         | Plugin | Extension points in kube-scheduler | Arguments |\n|---|---|---|\n",
    );
    for plugin in later() {
        let args = plugin.args.map_or_else(String::new, |args| format!("`{}`", args.kind));
        writeln!(text, "| {} | {} | {args} |", plugin.name, plugin.points.join(", "))?;
    }
    Ok(text)
}

fn row(name: &str, factory: &Factory) -> Result<String> {
    let plugin = match factory.build(None) {
        Ok(plugin) => plugin,
        Err(errors) => anyhow::bail!("{name} with its defaults: {errors:?}"),
    };
    let points = points(plugin.as_ref());
    let weight = match default_plugins().iter().find(|(default, _)| *default == name) {
        Some((_, weight)) if points.contains(&"Score") => (*weight).max(1).to_string(),
        Some(_) => "on".to_owned(),
        None => String::new(),
    };
    let filters = points.contains(&"Filter");
    let reads = if filters { reads(plugin.reads(), name)? } else { String::new() };
    let args = factory.args().map_or_else(String::new, |args| format!("`{}`", args.kind));
    Ok(format!("| {name} | {weight} | {} | {reads} | {args} |", points.join(", ")))
}

fn points(plugin: &dyn Plugin) -> Vec<&'static str> {
    let points = [
        (plugin.as_pre_enqueue().is_some(), "PreEnqueue"),
        (plugin.as_queue_sort().is_some(), "QueueSort"),
        (plugin.as_pre_filter().is_some(), "PreFilter"),
        (plugin.as_filter().is_some(), "Filter"),
        (plugin.as_post_filter().is_some(), "PostFilter"),
        (plugin.as_pre_score().is_some(), "PreScore"),
        (plugin.as_score().is_some(), "Score"),
        (plugin.as_reserve().is_some(), "Reserve"),
        (plugin.as_permit().is_some(), "Permit"),
        (plugin.as_pre_bind().is_some(), "PreBind"),
        (plugin.as_bind().is_some(), "Bind"),
        (plugin.as_post_bind().is_some(), "PostBind"),
    ];
    points.into_iter().filter_map(|(has, point)| has.then_some(point)).collect()
}

fn reads(reads: Reads, plugin: &str) -> Result<String> {
    if reads == Reads::EVERYTHING {
        return Ok("anything".to_owned());
    }
    let known: Reads = READS.iter().map(|(kind, _)| *kind).sum::<Reads>() | Reads::NODE_EXISTS;
    ensure!(reads.common(known) == reads, "{plugin} reads {reads:?}: add its words to READS");
    let words = READS.iter().filter(|(kind, _)| reads.intersects(*kind)).map(|(_, words)| *words);
    Ok(words.collect::<Vec<_>>().join(", "))
}
