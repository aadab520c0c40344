//! Looks at a parked class: does one of its pods fit now, and if none does, what does it wait for?

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{ClassIdx, Millis, NodeIdx, PodIdx};
use crate::cycle::{NoFit, Partly, guarded};
use crate::framework::{Awaits, Context, Keeps, Point, Profile, Reads};
use crate::probe::Probe;
use crate::queue::{Blocked, Touch};

use super::touch::free;
use super::{ATTEMPTS_PER_STEP, Engine};

/// What a look at all nodes counts as at most, pods that are counted aside, where one at a single
/// node, by the plugins that read it alone, counts as 1. A look at 5,000 nodes by the plain scan
/// takes 100 to 300 µs, one at a node one or two.
const EVERYWHERE: usize = 64;

/// Nodes whose look counts as one at a single node, and pods that are counted for one.
const NODES: usize = 64;
const PODS: usize = 128;

/// Work on looks in one step: as much as the attempts of one may take. A class that is woken counts
/// as a look at all nodes, as its attempt may be one, and no more are woken than are attempted.
pub(super) const LOOKS_PER_STEP: usize = ATTEMPTS_PER_STEP * EVERYWHERE;

/// Looks at classes that one event has made due before another has its turn.
const LOOKS_PER_TURN: usize = LOOKS_PER_STEP / 8;

/// Where a class is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Where {
    /// On this node: all others reject it as before.
    Node(NodeIdx),
    /// On all nodes.
    Everywhere,
}

/// What came of a look for one pod.
#[derive(Debug)]
enum Seen {
    /// It fits, on this node where one is known.
    Fits(Option<NodeIdx>),
    /// It fits nowhere, for these reasons alone.
    Blocked(Blocked),
    /// It does not fit there either: for these reasons besides those that are known.
    BlockedToo(Blocked),
    /// As before.
    Same,
}

impl Engine {
    /// Looks at those that are due, as far as the work of this step goes; who is left is due in
    /// the next.
    pub(super) fn look_at_due(&mut self, now: Millis, probe: &mut dyn Probe) {
        let mut turn = 0;
        while self.looks_left > 0 {
            let Self { queue, cache, .. } = self;
            let Some((touch, class)) = queue.next_due(|node, dim| free(cache, node, dim)) else {
                return;
            };
            let work = match touch {
                Touch::All(_) | Touch::Pods => {
                    self.look_again(class, Where::Everywhere, now, probe)
                }
                Touch::Facts(node, _) | Touch::Room(node) => {
                    self.look_again(class, Where::Node(node), now, probe)
                }
                Touch::Long => self.look_after_long(class, now, probe),
            };
            self.looks_left = self.looks_left.saturating_sub(work);
            turn += work;
            if turn >= LOOKS_PER_TURN {
                turn = 0;
                self.queue.let_others_be_due();
            }
        }
    }

    /// Looks at a class for no other reason than that it has waited for very long.
    fn look_after_long(&mut self, class: ClassIdx, now: Millis, probe: &mut dyn Probe) -> usize {
        let every = self.config.parked_max_ms;
        let Some(parked) = self.queue.parked_on(class) else { return 1 };
        // What no event can lift, time does not lift either.
        let may_help = !parked.blocked.triggers.is_empty();
        if !may_help || !parked.pods().any(|pod| self.is_old(pod, now)) {
            return 1;
        }
        if !self.queue.note_long(class, now, every) {
            return 1;
        }
        let work = self.look_again(class, Where::Everywhere, now, probe);
        let head = self.queue.parked_on(class).and_then(|p| p.head);
        if let Some(entry) = head.and_then(|pod| self.queue.entry_mut(pod)) {
            entry.flushed = true;
            self.flush_found += 1;
        }
        work
    }

    /// Wakes the first pod of a class that fits, if one does, or notes what the class waits for
    /// from then on; how much work it was. Pods that no plugin marks differently get equal
    /// verdicts, so one of each mark is looked at.
    pub(super) fn look_again(
        &mut self,
        class: ClassIdx,
        place: Where,
        now: Millis,
        probe: &mut dyn Probe,
    ) -> usize {
        let Some(parked) = self.queue.parked_on(class).filter(|p| p.head.is_none()) else {
            return 1;
        };
        let (last_fit, firsts) = (parked.last_fit, parked.firsts());
        let Some(profile) = firsts.first().and_then(|pod| self.profile_of(*pod)).cloned() else {
            return 1;
        };
        let pods = self.unlike(&firsts, &profile);
        let everywhere = self.look_work(class);
        let mut work = 0;
        let mut anew: Option<Blocked> = None;
        for pod in &pods {
            let seen = match place {
                Where::Everywhere => {
                    work += everywhere;
                    self.look_everywhere(*pod, &profile, last_fit)
                }
                Where::Node(node) => self.look_at_node(*pod, &profile, class, node, &mut work),
            };
            match seen {
                Seen::Fits(node) => {
                    if let Some(parked) = self.queue.parked_mut(class) {
                        parked.last_fit = node.or(parked.last_fit);
                    }
                    self.queue.set_head(class, *pod);
                    self.enqueue(*pod, now, "ClassFits", probe);
                    return work + everywhere;
                }
                Seen::Blocked(blocked) => match &mut anew {
                    Some(all) => all.add(blocked),
                    None => anew = Some(blocked),
                },
                Seen::BlockedToo(more) => self.queue.block(class, more),
                Seen::Same => {}
            }
        }
        if let Some(blocked) = anew {
            self.queue.block_anew(class, blocked);
        }
        self.note_look(class, now);
        if matches!(place, Where::Everywhere) {
            self.queue.note_looked(class);
        }
        work
    }

    /// What a look at all nodes counts as. A class with terms may have to count all pods.
    fn look_work(&self, class: ClassIdx) -> usize {
        let nodes = self.cache.nodes();
        let class = self.cache.classes().get(class);
        let counts =
            class.is_some_and(|c| c.pod_terms.is_some() || !c.spec.topology_spread.is_empty());
        let counted = if counts { nodes.placed() / PODS } else { 0 };
        (1 + nodes.live().len() / NODES).min(EVERYWHERE) + counted
    }

    /// Whether a pod fits any node, by its ranking where there is one. That does not tell which
    /// plugins reject the nodes, so whatever may be awaited is: what is awaited decides who is
    /// looked at when, and must not depend on which rankings there are.
    fn look_everywhere(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        last_fit: Option<NodeIdx>,
    ) -> Seen {
        match self.chooser().fits_by_ranking(pod, profile) {
            Some(true) => return Seen::Fits(None),
            Some(false) => return Seen::Blocked(self.blocked_by_all(pod, profile)),
            None => {}
        }
        let nodes = self.cache.nodes().live();
        let before = last_fit.filter(|node| nodes.contains(*node));
        let mut nodes = before.into_iter().chain(nodes.iter());
        match self.scan(profile).first_fit(pod, &mut nodes) {
            Ok(node) => Seen::Fits(Some(node)),
            Err(no_fit) if !no_fit.by_pre_filter && self.may_rank(pod, profile) => {
                Seen::Blocked(self.blocked_by_all(pod, profile))
            }
            Err(no_fit) => Seen::Blocked(self.blocked_by(pod, profile, &no_fit)),
        }
    }

    /// Whether a pod fits a node on which something has happened: first by the plugins that read
    /// that node alone. Where those let it pass and what the class waits for is not known exactly,
    /// it is found out, so that the next such event costs less.
    fn look_at_node(
        &mut self,
        pod: PodIdx,
        profile: &Arc<Profile>,
        class: ClassIdx,
        node: NodeIdx,
        work: &mut usize,
    ) -> Seen {
        *work += 1;
        let grouped = self.keeping(pod, profile, |keeps| keeps == Keeps::Groups);
        let is_grouped = |place: usize| grouped.contains(&place);
        match self.scan(profile).judge_partly(pod, node, is_grouped) {
            Partly::Rejected(places) => {
                let known = self.queue.parked_on(class).map(|parked| parked.blocked.plugins);
                if known.is_some_and(|known| known.contain(places.iter().copied().collect())) {
                    return Seen::Same;
                }
                return Seen::BlockedToo(self.awaiting(pod, profile, &places, true));
            }
            Partly::Passes if grouped.is_empty() => return Seen::Fits(Some(node)),
            Partly::Passes | Partly::Unsaid => {}
        }
        *work += self.look_work(class);
        let by_ranking = self.chooser().fits_by_ranking(pod, profile);
        let no_fit = match by_ranking {
            Some(true) => return Seen::Fits(None),
            Some(false) => None,
            None => match self.scan(profile).first_fit(pod, &mut [node].into_iter()) {
                Ok(node) => return Seen::Fits(Some(node)),
                Err(no_fit) => Some(no_fit),
            },
        };
        if let Some(no_fit) = no_fit.filter(|n| n.by_pre_filter || !self.may_rank(pod, profile)) {
            return Seen::BlockedToo(self.blocked_by(pod, profile, &no_fit));
        }
        if self.queue.parked_on(class).is_some_and(|parked| parked.blocked.is_exact) {
            return Seen::BlockedToo(self.awaiting(pod, profile, &grouped, true));
        }
        *work += self.look_work(class);
        let mut all = self.cache.nodes().live().iter();
        match self.scan(profile).first_fit(pod, &mut all) {
            Ok(node) => Seen::Fits(Some(node)),
            Err(no_fit) => Seen::Blocked(self.blocked_by(pod, profile, &no_fit)),
        }
    }

    /// Whether rankings may have a say about the pod, now or once there is one.
    fn may_rank(&self, pod: PodIdx, profile: &Profile) -> bool {
        let is_promised = self.cache.nominations().of_pod(pod).is_some();
        !is_promised && crate::ranking::may_rank(&self.cache, profile, pod)
    }

    /// The places of plugins that filter and keep such answers about the pod.
    fn keeping(&self, pod: PodIdx, profile: &Profile, which: impl Fn(Keeps) -> bool) -> Vec<usize> {
        let Some(pod) = self.cache.view(pod) else { return Vec::new() };
        let cx = Context { cache: &self.cache, nodes: self.cache.nodes(), pod };
        let points = [Point::PreFilter, Point::Filter];
        let places = points.iter().flat_map(|point| profile.at(*point)).map(|w| w.plugin);
        let kept = places.filter(|p| profile.plugin(*p).is_some_and(|p| which(p.keeps(&cx))));
        let mut kept: Vec<usize> = kept.collect();
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// What a pod waits for that any of its filters may reject.
    fn blocked_by_all(&self, pod: PodIdx, profile: &Profile) -> Blocked {
        let places = self.keeping(pod, profile, |keeps| keeps != Keeps::Aside);
        self.awaiting(pod, profile, &places, false)
    }

    /// What a pod waits for that these plugins reject.
    pub(super) fn blocked_by(&self, pod: PodIdx, profile: &Profile, no_fit: &NoFit) -> Blocked {
        if no_fit.is_refused {
            return Self::blocked_until(&no_fit.rejectors, no_fit.reads);
        }
        self.awaiting(pod, profile, &no_fit.rejectors, true)
    }

    /// What a pod waits for that is refused until one of these facts is different.
    pub(super) fn blocked_until(plugins: &[usize], facts: Reads) -> Blocked {
        let mut awaits = Awaits::default();
        awaits.facts(facts);
        let plugins = plugins.iter().copied().collect();
        Blocked { plugins, is_exact: true, triggers: awaits.into_triggers() }
    }

    /// What a pod waits for that the plugins at these places reject; where there are none, for a
    /// node.
    pub(super) fn awaiting(
        &self,
        pod: PodIdx,
        profile: &Profile,
        places: &[usize],
        is_exact: bool,
    ) -> Blocked {
        let mut awaits = Awaits::default();
        if let Some(view) = self.cache.view(pod) {
            let cx = Context { cache: &self.cache, nodes: self.cache.nodes(), pod: view };
            for plugin in places.iter().filter_map(|place| profile.plugin(*place)) {
                if guarded(plugin.name(), || plugin.awaits(&cx, &mut awaits)).is_err() {
                    awaits.facts(Reads::EVERYTHING);
                }
            }
        }
        if places.is_empty() {
            awaits.facts(Reads::NODE_EXISTS);
        }
        let plugins = places.iter().copied().collect();
        Blocked { plugins, is_exact, triggers: awaits.into_triggers() }
    }

    /// The first pod of each mark among `pods`, in their order.
    pub(super) fn unlike(&self, pods: &[PodIdx], profile: &Profile) -> Vec<PodIdx> {
        if let [one] = pods {
            return vec![*one];
        }
        let mut marks: BTreeSet<u64> = BTreeSet::new();
        let mut is_new = |pod: &PodIdx| {
            let Some(pod) = self.cache.view(*pod) else { return false };
            let cx = Context { cache: &self.cache, nodes: self.cache.nodes(), pod };
            marks.insert(profile.mark(&cx))
        };
        pods.iter().copied().filter(|pod| is_new(pod)).collect()
    }
}
