//! Keeps pods in the zones and regions that the volumes of their bound claims are labelled with.
//!
//! Source: `pkg/scheduler/framework/plugins/volumezone/volume_zone.go`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use berth_engine::base::{NodeIdx, Sym, Symbols};
use berth_engine::framework::{
    Cause, Context, Filter, Keeps, Plugin, PreFilter, PreFiltered, Reads, Reason, State, Verdict,
    Verdicts,
};
use berth_engine::model::NodeTable;
use berth_engine::record::{Volume, VolumeBindingMode, VolumeRecord};

use crate::pod_claims::{ClaimError, claim_volumes};

/// The name in configurations.
pub const NAME: &str = "VolumeZone";
/// Why a node does not do.
pub const REASON: &str = "node(s) had no available volume zone";

/// The labels of old, and those that follow them on nodes.
const BETA: [(&str, &str); 2] = [
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
];
/// Between the zones of one label.
const DELIMITER: &str = "__";

/// The plugin.
#[derive(Debug, Clone, Copy, Default)]
pub struct VolumeZone;

impl VolumeZone {
    /// The plugin; it has no arguments.
    pub fn new() -> Self {
        Self
    }
}

/// A label of a volume: the node's value of one of the keys, the first that it has, must be among
/// the values.
#[derive(Debug)]
struct Zone {
    // The volume's name.
    volume: Arc<str>,
    keys: [Option<Sym>; 2],
    values: Vec<Sym>,
}

/// What the pod's volumes ask for, and the keys of which a node has to have one to be asked.
#[derive(Debug)]
struct Zones {
    keys: Vec<Sym>,
    zones: Vec<Zone>,
}

impl Plugin for VolumeZone {
    fn name(&self) -> &str {
        NAME
    }

    fn reads(&self) -> Reads {
        Reads::NODE_LABELS | Reads::CLAIMS | Reads::VOLUMES | Reads::STORAGE_CLASSES
    }

    fn keeps(&self, cx: &Context<'_>) -> Keeps {
        match claim_volumes(&cx.pod.class.spec.volumes).next() {
            None => Keeps::Aside,
            Some(_) => Keeps::Node(self.reads()),
        }
    }

    fn as_pre_filter(&self) -> Option<&dyn PreFilter> {
        Some(self)
    }

    fn as_filter(&self) -> Option<&dyn Filter> {
        Some(self)
    }
}

impl PreFilter for VolumeZone {
    fn pre_filter(&self, cx: &Context<'_>, state: &mut State) -> PreFiltered {
        match Zones::of_pod(cx) {
            Ok(None) => PreFiltered::Skip,
            Ok(Some(zones)) => {
                state.put(Arc::new(zones));
                PreFiltered::Proceed
            }
            Err(error) => PreFiltered::unresolvable(Reason::own(error)),
        }
    }
}

impl Filter for VolumeZone {
    fn filter(
        &self,
        cx: &Context<'_>,
        state: &State,
        nodes: &[NodeIdx],
        verdicts: &mut Verdicts<'_>,
    ) {
        let own;
        let zones = match state.get::<Arc<Zones>>() {
            Some(zones) => zones,
            None => match Zones::of_pod(cx) {
                Ok(None) => return,
                Ok(Some(zones)) => {
                    own = zones;
                    &own
                }
                Err(error) => {
                    let reason = Reason::own(error);
                    for at in 0..nodes.len() {
                        verdicts.set(at, Verdict::unresolvable(reason.clone()));
                    }
                    return;
                }
            },
        };
        for (at, node) in nodes.iter().enumerate() {
            if let Some(zone) = zones.missed(cx.nodes, *node) {
                let cause = Cause::Volume(Arc::clone(&zone.volume));
                verdicts.set(at, Verdict::unresolvable(Reason::new(&REASON, cause)));
            }
        }
    }
}

impl Zones {
    /// What the volumes of the pod's bound claims ask for; `None` where they ask for nothing.
    ///
    /// # Errors
    /// A claim or volume that cannot be judged.
    fn of_pod(cx: &Context<'_>) -> Result<Option<Self>, ClaimError> {
        let class = cx.pod.class;
        let symbols = cx.symbols();
        let namespace = symbols.text(class.namespace);
        let mut zones = Vec::new();
        for volume in &class.spec.volumes {
            let Volume::Claim { name, .. } = volume else { continue };
            if let Some(volume) = bound_volume(cx, namespace, name)? {
                collect(volume, symbols, &mut zones);
            }
        }
        if zones.is_empty() {
            return Ok(None);
        }
        let keys = BETA.iter().flat_map(|(beta, key)| [beta, key]);
        Ok(Some(Self { keys: keys.filter_map(|key| symbols.get(key)).collect(), zones }))
    }

    /// The first zone that the node is not in.
    fn missed(&self, nodes: &NodeTable, node: NodeIdx) -> Option<&Zone> {
        let has_any = self.keys.iter().any(|key| nodes.label(node, *key).is_some());
        self.zones.iter().find(|zone| has_any && !zone.admits(nodes, node))
    }
}

impl Zone {
    fn admits(&self, nodes: &NodeTable, node: NodeIdx) -> bool {
        let mut values = self.keys.iter().flatten().filter_map(|key| nodes.label(node, *key));
        values.next().is_some_and(|value| self.values.contains(&value))
    }
}

/// The volume that the claim is bound to; `None` for a claim that waits for its first consumer.
fn bound_volume<'a>(
    cx: &Context<'a>,
    namespace: &str,
    name: &str,
) -> Result<Option<&'a VolumeRecord>, ClaimError> {
    let objects = cx.cache.objects();
    if name.is_empty() {
        return Err(ClaimError::NoName);
    }
    let not_found = ClaimError::not_found;
    let claim =
        objects.claim(namespace, name).ok_or_else(|| not_found("persistentvolumeclaim", name))?;
    if !claim.volume_name.is_empty() {
        let volume = objects.volume(&claim.volume_name);
        return volume.map(Some).ok_or_else(|| not_found("persistentvolume", &claim.volume_name));
    }
    let class = claim.storage_class.as_deref().unwrap_or_default();
    if class.is_empty() {
        return Err(ClaimError::NoVolume);
    }
    let record = objects
        .storage_class(class)
        .ok_or_else(|| not_found("storageclass.storage.k8s.io", class))?;
    match record.binding_mode {
        None => Err(ClaimError::NoMode(class.into())),
        Some(VolumeBindingMode::WaitForFirstConsumer) => Ok(None),
        Some(VolumeBindingMode::Immediate) => Err(ClaimError::NotBound),
    }
}

/// A label with an empty zone in it is left out, as in the reference (`LabelZonesToSet`).
fn collect(volume: &VolumeRecord, symbols: &Symbols, zones: &mut Vec<Zone>) {
    for (beta, key) in BETA {
        for keys in [[beta, key], [key, key]] {
            let Some(text) = volume.labels.get(keys[0]) else { continue };
            let parts = text.split(DELIMITER).map(str::trim);
            if parts.clone().all(|part| !part.is_empty()) {
                zones.push(Zone {
                    volume: volume.name.as_ref().into(),
                    keys: keys.map(|key| symbols.get(key)),
                    values: parts.filter_map(|part| symbols.get(part)).collect(),
                });
            }
        }
    }
}
