//! Filter: which nodes the pod fits, and why not the others.

use rayon::prelude::*;

use crate::base::{NodeIdx, NodeSet, PodIdx, Sym};
use crate::framework::{Code, Context, Point, Reads, Verdict, Verdicts};
use crate::probe::Probe;

use super::extension::extension;
use super::filtered::{Filtered, Rejection, Stop};
use super::guard::guarded;
use super::prefilter::Prepared;
use super::{CycleError, Scan};

/// Nodes judged in one call of a filter: 256 verdicts of 48 bytes stay in the first-level cache.
const CHUNK: usize = 256;
/// Nodes per task on the thread pool: about 100 µs of work.
const TASK: usize = 1_024;

/// A pod that fits no node of those that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoFit {
    /// What the rejecting plugins read.
    pub reads: Reads,
    /// Their places in the profile, each once.
    pub rejectors: Vec<usize>,
    /// A PreFilter refused the pod until one of `reads` is different, and nothing else counts.
    pub is_refused: bool,
    /// A PreFilter rejected the pod or left nodes out, so that no ranking has a say.
    pub by_pre_filter: bool,
}

/// What some plugins say of a pod on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partly {
    /// They let it pass.
    Passes,
    /// These reject it.
    Rejected(Vec<usize>),
    /// They do not say: a PreFilter has ended it, or something is broken.
    Unsaid,
}

impl Scan<'_> {
    /// Judges every node for the pod.
    pub fn filter(&self, pod: PodIdx, probe: &mut dyn Probe) -> Filtered {
        let Some(cx) = self.context(pod) else {
            return Filtered::stopped(Stop::Broken(CycleError::Gone));
        };
        let name = self.profile.scheduler_name();
        if cx.nodes.live().is_empty() {
            return Filtered::stopped(Stop::NoNodes);
        }
        probe.begin(Point::PreFilter);
        let prepared = self.prepare(&cx, probe);
        probe.end(Point::PreFilter, prepared.code(), name);
        if let Some(stop) = prepared.stop {
            let Prepared { states, skipped, asked, .. } = prepared;
            let stopped = Filtered::stopped(stop);
            return Filtered { states, skipped, pre_filters_asked: asked, ..stopped };
        }
        probe.begin(Point::Filter);
        let filtered = self.judge_all(&cx, prepared, pod);
        for weighted in self.profile.at(Point::Filter) {
            let plugin = self.profile.plugin(weighted.plugin).map_or("", |p| p.name());
            probe.evaluated(plugin, Point::Filter, filtered.evaluated, name);
        }
        let code = match filtered.stop {
            Some(_) => Code::Error,
            None if filtered.feasible.is_empty() => Code::Unschedulable,
            None => Code::Success,
        };
        probe.end(Point::Filter, code, name);
        filtered
    }

    /// The first of `nodes` that the pod fits, or which plugins reject it.
    ///
    /// This is the check behind wake-ups: it may end early, and it counts nowhere.
    pub fn first_fit(
        &self,
        pod: PodIdx,
        nodes: &mut dyn Iterator<Item = NodeIdx>,
    ) -> Result<NodeIdx, NoFit> {
        // As below: an attempt has to tell.
        let Some(cx) = self.context(pod) else {
            return nodes.next().ok_or_else(|| NoFit {
                reads: Reads::NODE_EXISTS,
                rejectors: Vec::new(),
                is_refused: false,
                by_pre_filter: true,
            });
        };
        let prepared = self.prepare(&cx, &mut ());
        let reads_of = |places: &[usize]| -> Reads {
            let of_plugins: Reads = places.iter().map(|p| self.profile.reads(*p)).sum();
            Reads::NODE_EXISTS | of_plugins
        };
        let by_pre_filter = prepared.stop.is_some() || prepared.narrow.is_some();
        let is_refused = matches!(prepared.stop, Some(Stop::Refused { .. }));
        let no_fit = |reads, rejectors| NoFit { reads, rejectors, is_refused, by_pre_filter };
        match &prepared.stop {
            None => {}
            Some(Stop::PreFilter { plugins, .. }) => {
                return Err(no_fit(reads_of(plugins), plugins.clone()));
            }
            Some(Stop::Refused { until, plugin, .. }) => return Err(no_fit(*until, vec![*plugin])),
            // A broken attempt has to be made to be told: wake the pod.
            Some(_) => return nodes.next().ok_or_else(|| no_fit(reads_of(&[]), Vec::new())),
        }
        let mut rejectors = prepared.narrowed_by.clone();
        loop {
            let chunk: Vec<NodeIdx> =
                (&mut *nodes).filter(|n| self.admits(&prepared, *n)).take(CHUNK).collect();
            let Some(first) = chunk.first() else {
                rejectors.sort_unstable();
                return Err(no_fit(reads_of(&rejectors), rejectors));
            };
            let Ok(part) = self.judge(&cx, &prepared, &chunk, pod) else { return Ok(*first) };
            if let Some(node) = part.feasible.first() {
                return Ok(*node);
            }
            for Rejection { plugin, .. } in &part.rejected {
                // Most nodes are rejected by the plugin that rejected the one before.
                if rejectors.last() != Some(plugin) && !rejectors.contains(plugin) {
                    rejectors.push(*plugin);
                }
            }
        }
    }

    /// What all plugins but some say of a pod on one node. Those that count over all nodes cost far
    /// more than the others, which mostly decide.
    pub(crate) fn judge_partly(
        &self,
        pod: PodIdx,
        node: NodeIdx,
        left_out: impl Fn(usize) -> bool,
    ) -> Partly {
        let Some(cx) = self.context(pod) else { return Partly::Unsaid };
        let mut prepared = self.prepare_without(&cx, &left_out, &mut ());
        if prepared.stop.is_some() || prepared.narrow.is_some() {
            return Partly::Unsaid;
        }
        for (place, skipped) in prepared.skipped.iter_mut().enumerate() {
            *skipped |= left_out(place);
        }
        match self.judge(&cx, &prepared, &[node], pod) {
            Err(_) => Partly::Unsaid,
            Ok(part) if part.feasible.is_empty() => {
                Partly::Rejected(part.rejected.iter().map(|r| r.plugin).collect())
            }
            Ok(_) => Partly::Passes,
        }
    }

    fn judge_all(&self, cx: &Context<'_>, prepared: Prepared, pod: PodIdx) -> Filtered {
        let (nodes, excluded) = match &prepared.narrow {
            None => (cx.nodes.live().to_vec(), NodeSet::default()),
            Some(names) => narrowed(cx, names),
        };
        let promised = cx.cache.nominations().of_pod(pod);
        let first: Vec<NodeIdx> = promised.filter(|n| nodes.contains(n)).into_iter().collect();
        // A pod with a nomination tries its node first and takes it unscored if it fits.
        let nominated = self.judge(cx, &prepared, &first, pod);
        let judged = match nominated {
            Ok(part) if part.feasible.is_empty() && first.is_empty() => {
                self.judge_in_parallel(cx, &prepared, &nodes, pod)
            }
            Ok(part) if part.feasible.is_empty() => {
                let rest = nodes.iter().copied().filter(|n| Some(*n) != promised);
                let rest: Vec<NodeIdx> = rest.collect();
                self.judge_in_parallel(cx, &prepared, &rest, pod).map(|mut others| {
                    others.refused_promise = part.rejected.iter().map(|r| r.plugin).collect();
                    others.rejected.extend(part.rejected);
                    others.rejected.sort_by_key(|r| r.node);
                    others.evaluated += part.evaluated;
                    others
                })
            }
            other => other,
        };
        match judged {
            Err(broken) => Filtered::stopped(Stop::Broken(broken)),
            Ok(part) => Filtered {
                excluded,
                narrowed_by: prepared.narrowed_by,
                pre_filters_asked: prepared.asked,
                states: prepared.states,
                skipped: prepared.skipped,
                ..part
            },
        }
    }

    fn judge_in_parallel(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        nodes: &[NodeIdx],
        pod: PodIdx,
    ) -> Result<Filtered, CycleError> {
        let Some(pool) = self.pool_for(nodes.len()) else {
            return self.judge(cx, prepared, nodes, pod);
        };
        let parts: Vec<Result<Filtered, CycleError>> = pool.install(|| {
            nodes.par_chunks(TASK).map(|task| self.judge(cx, prepared, task, pod)).collect()
        });
        let mut all = Filtered::default();
        for part in parts {
            let part = part?;
            all.feasible.extend(part.feasible);
            all.rejected.extend(part.rejected);
            all.evaluated += part.evaluated;
        }
        Ok(all)
    }

    /// Judges `nodes` in order, chunk by chunk.
    fn judge(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        nodes: &[NodeIdx],
        pod: PodIdx,
    ) -> Result<Filtered, CycleError> {
        let mut out = Filtered { evaluated: nodes.len(), ..Filtered::default() };
        let nominations = cx.cache.nominations();
        let mut verdicts = vec![Verdict::Fit; nodes.len().min(CHUNK)];
        let mut alive: Vec<NodeIdx> = Vec::with_capacity(CHUNK);
        let mut rejected: Vec<Rejection> = Vec::new();
        for chunk in nodes.chunks(CHUNK) {
            alive.clear();
            alive.extend(chunk);
            self.judge_chunk(cx, prepared, &mut alive, &mut verdicts, &mut rejected)?;
            if !nominations.is_empty() {
                self.judge_with_nominated(cx, prepared, pod, &mut alive, &mut rejected)?;
            }
            rejected.sort_by_key(|r| r.node);
            out.rejected.append(&mut rejected);
            out.feasible.extend(&alive);
        }
        Ok(out)
    }

    /// Runs the filters on up to [`CHUNK`] nodes; `alive` keeps those that pass.
    pub(super) fn judge_chunk(
        &self,
        cx: &Context<'_>,
        prepared: &Prepared,
        alive: &mut Vec<NodeIdx>,
        verdicts: &mut [Verdict],
        rejected: &mut Vec<Rejection>,
    ) -> Result<(), CycleError> {
        for weighted in self.profile.at(Point::Filter) {
            let place = weighted.plugin;
            if alive.is_empty() || prepared.skipped.get(place).copied().unwrap_or(false) {
                continue;
            }
            let (plugin, filter) =
                extension(self.profile, place, Point::Filter, |p| p.as_filter())?;
            let state = prepared.states.get(place).ok_or(CycleError::NotPrepared)?;
            let slots = verdicts.get_mut(..alive.len()).ok_or(CycleError::NotPrepared)?;
            let mut said = Verdicts::new(slots);
            guarded(plugin.name(), || filter.filter(cx, state, alive, &mut said))?;
            if said.all_fit() {
                continue;
            }
            let mut broken = None;
            let mut slots = slots.iter_mut();
            alive.retain(|node| {
                let verdict = slots.next().map(std::mem::take).unwrap_or_default();
                match verdict {
                    Verdict::Fit => return true,
                    Verdict::Broken(fault) => broken = Some(fault),
                    verdict => rejected.push(Rejection { node: *node, plugin: place, verdict }),
                }
                false
            });
            if let Some(fault) = broken {
                return Err(CycleError::of_plugin(plugin.name(), Point::Filter, fault));
            }
        }
        Ok(())
    }
}

/// The live nodes of these names, ascending, and all others: names are few, and not looked for node
/// by node.
fn narrowed(cx: &Context<'_>, names: &[Sym]) -> (Vec<NodeIdx>, NodeSet) {
    let mut others = cx.nodes.live().clone();
    let named = names.iter().filter_map(|name| cx.nodes.find(*name));
    // A name may be said twice, and its node be gone.
    let mut nodes: Vec<NodeIdx> = named.filter(|node| others.remove(*node)).collect();
    nodes.sort_unstable();
    (nodes, others)
}
