//! Classes: what pods have in common that are alike for every filter and score.
//!
//! A class is a namespace and a template. Labels are not part of it (what counts is which terms a
//! pod matches), nor are priority, gates, nominations and attempts.

mod check;
mod saved;

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

use crate::base::{ClassIdx, FreeRows, HashKey, Paged, RowIndex, Sym, Symbols, missing};
use crate::record::{PodSpec, Volume};

use super::{
    Dims, Footprint, NodeTerms, PodTerms, PreferredNodeTerm, Request, Tolerations, UsedPort,
    compile_node_terms, container_requests, pod_requests,
};

/// A template, compiled once for all pods that share it.
#[derive(Debug)]
pub struct Class {
    /// The template as decoded, for plugins that read what is not compiled here.
    pub spec: Arc<PodSpec>,
    /// Namespace of the pods.
    pub namespace: Sym,
    /// `schedulerName`.
    pub scheduler: Sym,
    /// What a pod asks for: pod-level requests and overhead included.
    pub request: Request,
    /// What a pod takes on its node where no resize is under way.
    pub footprint: Arc<Footprint>,
    /// Container sums with overhead, without pod-level requests.
    pub container_request: Request,
    /// As `container_request`, with 100m and 200Mi for containers that name no CPU or memory.
    pub container_request_nonzero: Request,
    /// `nodeSelector`, in the order of the keys' texts.
    pub node_selector: Box<[(Sym, Sym)]>,
    /// Required node affinity, if there is one.
    pub node_required: Option<NodeTerms>,
    /// Preferred node affinity.
    pub node_preferred: Box<[PreferredNodeTerm]>,
    /// Affinity to and against other pods, if there is any.
    pub pod_terms: Option<Arc<PodTerms>>,
    /// Tolerations.
    pub tolerations: Tolerations,
    /// Host ports taken.
    pub ports: Box<[UsedPort]>,
    /// Normalized image names of init containers, containers and image volumes; repeats stay.
    pub images: Box<[Sym]>,
    /// Number of containers, init containers and image volumes.
    pub image_slots: i64,
    /// How much of the template is compiled.
    pub extent: Extent,
    /// Its number among all classes ever made; rows are used again.
    pub serial: u64,
}

/// How much of a template is compiled. Names in a template become symbols and resource columns,
/// which stay: a pod that nobody here places and that is on no node must not add any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// All of it: the pod is ours, or it is on a node and counts there.
    Whole,
    /// `schedulerName` alone: a waiting pod of another scheduler touches no other pod.
    Scheduler,
}

/// A class in use: what it is stays as it is, so that snapshots share it.
#[derive(Debug, Clone)]
struct Row {
    class: Arc<Class>,
    users: u32,
    hash: u64,
}

/// All classes in use.
#[derive(Debug, Clone)]
pub struct Classes {
    rows: Paged<Option<Row>>,
    free: FreeRows,
    by_content: RowIndex,
    // Classes with required anti-affinity, in the order of their numbers.
    repelling: BTreeSet<ClassIdx>,
    // Label keys of pods that any selector has asked for. Only grows, as symbols do.
    selected: HashSet<Sym, FxBuildHasher>,
    made: u64,
    // By the template's address, valid as long as the class holds the template.
    by_address: RowIndex,
    key: HashKey,
}

impl Classes {
    /// No classes; templates are hashed by `key`.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            rows: Paged::default(),
            free: Paged::default(),
            by_content: RowIndex::default(),
            repelling: BTreeSet::new(),
            selected: HashSet::default(),
            made: 0,
            by_address: RowIndex::default(),
            key,
        }
    }

    /// The class of `spec` in `namespace`, compiled to `extent`, counted once more.
    pub fn acquire(
        &mut self,
        spec: &Arc<PodSpec>,
        extent: Extent,
        namespace: Sym,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> ClassIdx {
        let address = address_hash(spec, namespace);
        let same = |at: u32| {
            let class = self.get(ClassIdx::new(at as usize));
            class.is_some_and(|c| {
                c.extent == extent && c.namespace == namespace && Arc::ptr_eq(&c.spec, spec)
            })
        };
        if let Some(at) = self.by_address.find(address, same) {
            return self.count_use(at);
        }
        let hash = self.key.hash(&(spec, namespace));
        let same = |at: u32| {
            let class = self.get(ClassIdx::new(at as usize));
            class.is_some_and(|c| c.extent == extent && c.namespace == namespace && c.spec == *spec)
        };
        if let Some(at) = self.by_content.find(hash, same) {
            return self.count_use(at);
        }
        self.made += 1;
        let class = Class::compile(spec, extent, namespace, self.made, dims, symbols);
        for key in class.selected_keys() {
            self.selected.insert(symbols.intern(key));
        }
        let repels = class.pod_terms.as_ref().is_some_and(|t| t.repels());
        let row = Some(Row { class: Arc::new(class), users: 1, hash });
        let at = self.rows.put(&mut self.free, row);
        self.by_content.insert(hash, at);
        self.by_address.insert(address, at);
        if repels {
            self.repelling.insert(ClassIdx::new(at as usize));
        }
        ClassIdx::new(at as usize)
    }

    fn count_use(&mut self, at: u32) -> ClassIdx {
        if let Some(row) = self.rows.get_mut(at as usize).and_then(Option::as_mut) {
            row.users += 1;
        }
        ClassIdx::new(at as usize)
    }

    /// Counts one more use of a class that is in use.
    pub(crate) fn hold(&mut self, class: ClassIdx) {
        self.count_use(u32::try_from(class.at()).unwrap_or(u32::MAX));
    }

    /// Label keys of pods that a selector asks for, or has asked for.
    pub fn selected(&self) -> &HashSet<Sym, FxBuildHasher> {
        &self.selected
    }

    /// Notes that a selector other than a class's asks for a label.
    pub(crate) fn select(&mut self, key: Sym) {
        self.selected.insert(key);
    }

    /// Gives one use back; the class goes with its last pod. True where it went.
    pub fn release(&mut self, class: ClassIdx) -> bool {
        let row = self.rows.get_mut(class.at());
        let Some(held) = row.and_then(Option::as_mut) else {
            missing("class", class.at());
            return false;
        };
        held.users = held.users.saturating_sub(1);
        if held.users > 0 {
            return false;
        }
        let address = address_hash(&held.class.spec, held.class.namespace);
        let (hash, at) = (held.hash, u32::try_from(class.at()).unwrap_or(u32::MAX));
        if let Some(row) = self.rows.get_mut(class.at()) {
            *row = None;
        }
        self.by_address.remove(address, at);
        self.by_content.remove(hash, at);
        self.free.push(at);
        self.repelling.remove(&class);
        true
    }

    /// The class, if the index is in use.
    #[inline]
    pub fn get(&self, class: ClassIdx) -> Option<&Class> {
        self.rows.get(class.at())?.as_ref().map(|row| row.class.as_ref())
    }

    /// Classes with required anti-affinity to other pods, ascending.
    pub fn repelling(&self) -> impl ExactSizeIterator<Item = (ClassIdx, Option<&Class>)> {
        self.repelling.iter().map(|at| (*at, self.get(*at)))
    }

    /// Pages that a snapshot has as well.
    pub(crate) fn shared_pages(&self) -> usize {
        let indexes = self.by_content.shared_pages() + self.by_address.shared_pages();
        self.rows.shared_pages() + self.free.shared_pages() + indexes
    }

    /// Number of classes in use.
    pub fn count(&self) -> usize {
        self.by_content.len()
    }
}

impl Class {
    fn compile(
        whole: &Arc<PodSpec>,
        extent: Extent,
        namespace: Sym,
        serial: u64,
        dims: &mut Dims,
        symbols: &mut Symbols,
    ) -> Self {
        let nothing = PodSpec::default();
        let spec = match extent {
            Extent::Whole => whole.as_ref(),
            Extent::Scheduler => &nothing,
        };
        let affinity = spec.affinity.as_deref();
        let (images, image_slots) = images(spec, symbols);
        let amounts = |nonzero| container_requests(spec, nonzero);
        Self {
            namespace,
            scheduler: symbols.intern(&whole.scheduler_name),
            request: Request::from_amounts(pod_requests(spec), dims, symbols),
            footprint: Arc::new(Footprint::of(spec, None, dims, symbols)),
            container_request: Request::from_amounts(amounts(false), dims, symbols),
            container_request_nonzero: Request::from_amounts(amounts(true), dims, symbols),
            node_selector: spec
                .node_selector
                .iter()
                .map(|(k, v)| (symbols.intern(k), symbols.intern(v)))
                .collect(),
            node_required: affinity
                .and_then(|a| a.node_required.as_ref())
                .map(|required| compile_node_terms(&required.terms, symbols)),
            node_preferred: affinity
                .map(|a| PreferredNodeTerm::compile_all(&a.node_preferred, symbols))
                .unwrap_or_default(),
            pod_terms: affinity.and_then(|a| PodTerms::compile(a, namespace, symbols)),
            tolerations: Tolerations::compile(&spec.tolerations, symbols),
            ports: UsedPort::of_pod(spec, symbols),
            images,
            image_slots,
            spec: Arc::clone(whole),
            extent,
            serial,
        }
    }

    /// Label keys of pods that what is compiled of the template asks for.
    fn selected_keys(&self) -> impl Iterator<Item = &str> {
        let read = (self.extent == Extent::Whole).then_some(self.spec.as_ref());
        read.into_iter().flat_map(selected_keys)
    }
}

fn address_hash(spec: &Arc<PodSpec>, namespace: Sym) -> u64 {
    FxBuildHasher.hash_one((Arc::as_ptr(spec).addr(), namespace))
}

/// Label keys of pods that a template's affinity and spread constraints ask for.
fn selected_keys(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let affinity = spec.affinity.as_deref();
    let required = affinity.into_iter().flat_map(|a| a.pod_required.iter().chain(&a.anti_required));
    let preferred =
        affinity.into_iter().flat_map(|a| a.pod_preferred.iter().chain(&a.anti_preferred));
    let terms = required.chain(preferred.map(|p| &p.term)).filter_map(|t| t.selector.as_ref());
    let spread = spec.topology_spread.iter();
    let constraints = spread.clone().filter_map(|c| c.selector.as_ref());
    let same = spread.flat_map(|c| c.match_label_keys.iter().map(AsRef::as_ref));
    terms.chain(constraints).flat_map(|s| s.keys()).chain(same)
}

fn images(spec: &PodSpec, symbols: &mut Symbols) -> (Box<[Sym]>, i64) {
    let containers = spec.init_containers.iter().chain(&spec.containers);
    let volumes = spec.volumes.iter().filter_map(|v| match v {
        Volume::Image { reference } => Some(reference),
        _ => None,
    });
    let names: Box<[Sym]> = containers
        .map(|c| &c.image)
        .chain(volumes)
        .map(|name| symbols.intern(&normalized_image(name)))
        .collect();
    let slots = i64::try_from(names.len()).unwrap_or(i64::MAX);
    (names, slots)
}

/// A name without a tag after its last slash means `:latest` (`normalizedImageName`).
fn normalized_image(name: &str) -> std::borrow::Cow<'_, str> {
    let slash = name.rfind('/').map_or(-1, |at| at as isize);
    let colon = name.rfind(':').map_or(-1, |at| at as isize);
    if colon <= slash { format!("{name}:latest").into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Container, Quantity};

    #[test]
    fn equal_templates_are_one_class_until_the_last_pod_goes() {
        let (mut symbols, mut classes) = (Symbols::default(), Classes::new(HashKey::PUBLIC));
        let mut dims = Dims::new(&mut symbols);
        let namespace = symbols.intern("default");
        let spec = |cpu| {
            Arc::new(PodSpec {
                containers: vec![Container::requesting([("cpu", Quantity::from_milli(cpu))])],
                ..PodSpec::default()
            })
        };
        let (one, twin, other) = (spec(1), spec(1), spec(2));
        let a = classes.acquire(&one, Extent::Whole, namespace, &mut dims, &mut symbols);
        assert_eq!(classes.acquire(&one, Extent::Whole, namespace, &mut dims, &mut symbols), a);
        assert_eq!(classes.acquire(&twin, Extent::Whole, namespace, &mut dims, &mut symbols), a);
        let b = classes.acquire(&other, Extent::Whole, namespace, &mut dims, &mut symbols);
        assert_ne!(a, b);
        assert_eq!(
            (classes.release(a), classes.release(a), classes.release(a)),
            (false, false, true)
        );
        assert!(classes.get(a).is_none() && classes.get(b).is_some());
        let again = classes.acquire(&one, Extent::Whole, namespace, &mut dims, &mut symbols);
        assert!(classes.get(again).is_some_and(|c| c.request.get(super::super::Dim::CPU) == 1));
    }

    #[test]
    fn images_without_a_tag_are_the_latest() {
        for (name, full) in [
            ("nginx", "nginx:latest"),
            ("localhost:5000/nginx", "localhost:5000/nginx:latest"),
            ("a/nginx:1", "a/nginx:1"),
            ("nginx@sha256:abc", "nginx@sha256:abc"),
        ] {
            assert_eq!(normalized_image(name), full);
        }
    }
}
