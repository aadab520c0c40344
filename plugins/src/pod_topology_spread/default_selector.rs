//! The selector of default constraints: what the pod's Services and its owner select.
//!
//! Source: `DefaultSelector` in `pkg/scheduler/framework/plugins/helper/spread.go`.

use berth_engine::base::{Sym, Symbols};
use berth_engine::framework::Context;
use berth_engine::model::LabelMatcher;
use berth_engine::model::SelectingOwnerKind;
use berth_engine::record::{LabelSelector, ObjectKey, SelectorOwnerRecord};

/// The labels that all Services which select the pod ask for, and what its ReplicationController,
/// ReplicaSet or StatefulSet selects; empty where there is none of these. An owner is found by its
/// name alone, and one whose selector cannot be parsed adds nothing.
pub(super) fn of(cx: &Context<'_>) -> LabelMatcher {
    let (objects, symbols) = (cx.cache.objects(), cx.symbols());
    let namespace = symbols.text(cx.pod.class.namespace);
    let labels = |selector: &LabelSelector| {
        let known = |(k, v): (&str, &str)| (symbols.get(k).unwrap_or(Sym::NONE), v.to_owned());
        selector.match_labels.iter().map(known).collect::<Vec<_>>()
    };
    let mut merged: Vec<(Sym, String)> = Vec::new();
    let services = objects.services_in(namespace);
    for selector in services.filter_map(|service| service.selector.as_ref()) {
        let asked = labels(selector);
        let value = |key: Sym| cx.cache.labels().get(cx.pod.labels, key);
        if asked.iter().all(|(key, wanted)| value(*key) == Some(wanted.as_str())) {
            merged.extend(asked);
        }
    }
    let owner = cx.pod.owner.and_then(|owner| {
        let key = ObjectKey::new(namespace, &owner.name);
        match owner.kind {
            SelectingOwnerKind::ReplicationController => {
                // A map merged over the services', validated by nobody; it selects nothing where
                // it is absent, and adds nothing then.
                merged
                    .extend(labels(objects.replication_controllers.get(&key)?.selector.as_ref()?));
                None
            }
            SelectingOwnerKind::ReplicaSet => parsed(objects.replica_sets.get(&key)?, symbols),
            SelectingOwnerKind::StatefulSet => parsed(objects.stateful_sets.get(&key)?, symbols),
        }
    });
    // Of equal keys the last one wins, as in a map.
    let mut kept: Vec<(Sym, String)> = Vec::with_capacity(merged.len());
    for (key, value) in merged {
        match kept.iter_mut().find(|(k, _)| *k == key && key != Sym::NONE) {
            Some(one) => one.1 = value,
            None => kept.push((key, value)),
        }
    }
    let labels = kept.iter().map(|(key, value)| (*key, value.as_str()));
    let selector = LabelMatcher::everything().with_labels(labels);
    match owner {
        None => selector,
        Some(owner) => selector.with_requirements(owner),
    }
}

fn parsed(owner: &SelectorOwnerRecord, symbols: &Symbols) -> Option<LabelMatcher> {
    LabelMatcher::compile_known(owner.selector.as_ref(), symbols).ok()
}
