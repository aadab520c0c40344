//! Storage objects and volumes in words.

use berth_engine::Object;
use berth_engine::record::{
    ClaimRecord, CsiDriverRecord, CsiNodeRecord, InTreeKind, InTreeVolume, LabelSelector,
    NodeSelector, NodeSelectorTerm, ObjectKey, Quantity, Requirement, SelectorOp,
    StorageCapacityRecord, StorageClassRecord, StringMap, Volume, VolumeAttachmentRecord,
    VolumeBindingMode, VolumeRecord, VolumeSource,
};

/// `claim:NAME`, `ephemeral:CLAIM`, `image:NAME`, `csi:DRIVER`, `gce:NAME`, `ebs:ID`, `iscsi:IQN`,
/// `rbd:MONITOR,…:POOL:IMAGE`, `cinder:ID`, `azure:URI[:KIND]`, `azurefile:`; `gce`, `ebs`, `iscsi`
/// and `rbd` with `:ro` at the end.
pub(super) fn volume(text: &str) -> Volume {
    let (kind, rest) = text.split_once(':').unwrap();
    let (rest, read_only) = rest.strip_suffix(":ro").map_or((rest, false), |rest| (rest, true));
    match kind {
        "claim" => Volume::Claim { name: rest.into(), read_only },
        "ephemeral" => Volume::Ephemeral { claim: rest.into() },
        "image" => Volume::Image { reference: rest.into() },
        "csi" => Volume::Csi { driver: rest.into() },
        "gce" => Volume::GcePersistentDisk { name: rest.into(), read_only },
        "ebs" => Volume::AwsElasticBlockStore { id: rest.into(), read_only },
        "iscsi" => Volume::Iscsi { iqn: rest.into(), read_only },
        "rbd" => {
            let [monitors, pool, image] = rest.split(':').collect::<Vec<_>>().try_into().unwrap();
            let monitors = monitors.split(',').map(Box::from).collect();
            Volume::Rbd { monitors, pool: pool.into(), image: image.into(), read_only }
        }
        kind => Volume::InTree(in_tree(kind, rest)),
    }
}

fn in_tree(kind: &str, rest: &str) -> InTreeVolume {
    let (id, disk_kind) = match rest.split_once(':') {
        Some((id, disk_kind)) if kind == "azure" => (id, Some(disk_kind.into())),
        _ => (rest, None),
    };
    let kind = match kind {
        "gce" => InTreeKind::GcePersistentDisk,
        "ebs" => InTreeKind::AwsElasticBlockStore,
        "cinder" => InTreeKind::Cinder,
        "azure" => InTreeKind::AzureDisk,
        "azurefile" => InTreeKind::AzureFile,
        other => panic!("no volume of kind {other:?}"),
    };
    InTreeVolume { kind, id: id.into(), disk_kind }
}

/// Objects between ` / `, all namespaced ones in `default`:
///
/// | object | words |
/// |---|---|
/// | `claim NAME` | `class=`, `volume=`, `request=`, `mode=` (access mode), `bound` (completed), `lost`, `terminating`, `selected=NODE`, `owner=UID`, `block`, `attributes=`, `match=KEY=VALUE` |
/// | `volume NAME` | `class=`, `capacity=`, `mode=`, `label=KEY=VALUE`, `in=KEY=VALUE,…` (a term of the node affinity), `claim=NAME[:UID]`, `phase=` (`Available` unless said), `block`, `attributes=`, `terminating`, `source=csi:DRIVER:HANDLE` or `source=KIND:ID` |
/// | `class NAME` | `wait`, `modeless`, `provisioner=` (`p` unless said), `in=KEY=VALUE,…` |
/// | `csinode NODE` | `driver=NAME[:LIMIT]`, `migrated=PLUGIN` |
/// | `driver NAME` | `capacity`, `required` |
/// | `capacity NAME` | `class=`, `size=`, `max=`, `on=KEY=VALUE`, `everywhere` |
/// | `attachment NAME` | `driver=`, `node=`, `volume=` |
pub(super) fn objects(text: &str) -> Vec<Object> {
    text.split(" / ").filter(|part| !part.is_empty()).map(object).collect()
}

fn object(text: &str) -> Object {
    let mut words = text.split_whitespace();
    let (kind, name) = (words.next().unwrap(), words.next().unwrap());
    let words: Words<'_> = Words(words.map(|w| w.split_once('=').unwrap_or((w, ""))).collect());
    match kind {
        "claim" => Object::Claim(words.claim(name)),
        "volume" => Object::Volume(words.volume(name)),
        "class" => Object::StorageClass(words.class(name)),
        "csinode" => Object::CsiNode(words.csi_node(name)),
        "driver" => Object::CsiDriver(CsiDriverRecord {
            name: name.into(),
            storage_capacity: words.has("capacity"),
            prevent_if_missing: words.has("required"),
        }),
        "capacity" => Object::StorageCapacity(words.capacity(name)),
        "attachment" => Object::VolumeAttachment(VolumeAttachmentRecord {
            name: name.into(),
            attacher: words.text("driver"),
            node: words.text("node"),
            volume: words.one("volume").map(Into::into),
        }),
        other => panic!("no object of kind {other:?}"),
    }
}

/// Keys with values.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl Words<'_> {
    fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(k, _)| *k == key).map(|(_, value)| *value)
    }

    fn one(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    fn has(&self, key: &str) -> bool {
        self.one(key).is_some()
    }

    fn text(&self, key: &str) -> Box<str> {
        self.one(key).unwrap_or_default().into()
    }

    fn texts(&self, key: &str) -> Box<[Box<str>]> {
        self.all(key).map(Into::into).collect()
    }

    fn amount(&self, key: &str) -> Option<Quantity> {
        self.one(key).map(|text| Quantity::parse(text).unwrap())
    }

    fn pairs(&self, key: &str) -> StringMap {
        self.all(key).map(|pair| pair.split_once('=').unwrap()).collect()
    }

    fn selector(&self, key: &str) -> LabelSelector {
        LabelSelector { match_labels: self.pairs(key), match_expressions: Vec::new() }
    }

    /// One term for each `in=`.
    fn terms(&self) -> Vec<NodeSelectorTerm> {
        let requirement = |text: &str| {
            let (key, values) = text.split_once('=').unwrap();
            let values = values.split(',').map(Into::into).collect();
            Requirement { key: key.into(), op: SelectorOp::In, values }
        };
        let term = |text| NodeSelectorTerm {
            match_expressions: vec![requirement(text)],
            match_fields: Vec::new(),
        };
        self.all("in").map(term).collect()
    }

    fn claim(&self, name: &str) -> ClaimRecord {
        let completed = self.has("bound").then_some(("pv.kubernetes.io/bind-completed", "yes"));
        let selected = self.one("selected").map(|n| ("volume.kubernetes.io/selected-node", n));
        ClaimRecord {
            key: ObjectKey::new("default", name),
            uid: format!("{name}-uid").into(),
            annotations: completed.into_iter().chain(selected).collect(),
            owner_uid: self.one("owner").map(Into::into),
            storage_class: self.one("class").map(Into::into),
            volume_name: self.text("volume"),
            attributes_class: self.text("attributes"),
            request: self.amount("request"),
            access_modes: self.texts("mode"),
            block: self.has("block"),
            selector: self.has("match").then(|| self.selector("match")),
            phase: if self.has("lost") { "Lost" } else { "Pending" }.into(),
            terminating: self.has("terminating"),
            ..ClaimRecord::default()
        }
    }

    fn volume(&self, name: &str) -> VolumeRecord {
        let source = self.one("source").map(|text| match text.split_once(':').unwrap() {
            ("csi", rest) => {
                let (driver, handle) = rest.split_once(':').unwrap();
                VolumeSource::Csi { driver: driver.into(), handle: handle.into() }
            }
            (kind, rest) => VolumeSource::InTree(in_tree(kind, rest)),
        });
        VolumeRecord {
            name: name.into(),
            labels: self.pairs("label"),
            storage_class: self.text("class"),
            attributes_class: self.text("attributes"),
            capacity: self.amount("capacity").unwrap_or_default(),
            access_modes: self.texts("mode"),
            block: self.has("block"),
            claim: self.one("claim").map(|text| {
                let (name, uid) = text.split_once(':').unwrap_or((text, ""));
                (ObjectKey::new("default", name), uid.into())
            }),
            node_affinity: self.has("in").then(|| NodeSelector { terms: self.terms() }),
            phase: self.one("phase").unwrap_or("Available").into(),
            source: source.unwrap_or_default(),
            terminating: self.has("terminating"),
            ..VolumeRecord::default()
        }
    }

    fn class(&self, name: &str) -> StorageClassRecord {
        let mode = if self.has("wait") {
            VolumeBindingMode::WaitForFirstConsumer
        } else {
            VolumeBindingMode::Immediate
        };
        StorageClassRecord {
            name: name.into(),
            provisioner: self.one("provisioner").unwrap_or("p").into(),
            binding_mode: (!self.has("modeless")).then_some(mode),
            allowed_topologies: NodeSelector { terms: self.terms() },
            is_default: false,
        }
    }

    fn csi_node(&self, name: &str) -> CsiNodeRecord {
        let driver = |text: &str| match text.split_once(':') {
            Some((name, limit)) => (name.into(), Some(limit.parse().unwrap())),
            None => (text.into(), None),
        };
        CsiNodeRecord {
            name: name.into(),
            drivers: self.all("driver").map(driver).collect(),
            migrated_plugins: self.texts("migrated"),
        }
    }

    fn capacity(&self, name: &str) -> StorageCapacityRecord {
        StorageCapacityRecord {
            key: ObjectKey::new("default", name),
            storage_class: self.text("class"),
            topology: (self.has("on") || self.has("everywhere")).then(|| self.selector("on")),
            capacity: self.amount("size"),
            maximum_volume_size: self.amount("max"),
        }
    }
}
