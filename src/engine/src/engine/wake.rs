//! Who is woken by what changed: exactly those that fit now.
//!
//! A parked class is looked at again only where an event changed something that its rejecting
//! plugins read, and only on the node it changed where those reads are of one node. One pod of the
//! class is woken; when its attempt has ended, the class is looked at again for the next.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{ClassIdx, Millis, NodeIdx, PodIdx};
use crate::cache::{Changed, ChangedObject};
use crate::effect::Effect;
use crate::framework::{ClusterEvent, Context, Hint, Plugin, Profile, Reads, Subject};
use crate::probe::{Probe, QueueName};

use super::{Engine, FLUSH_EVERY_MS};

/// Where a class has to be looked at again.
#[derive(Debug, Clone)]
enum Where {
    Nodes(Vec<NodeIdx>),
    Everywhere,
}

impl Engine {
    /// Lets the parked pods know what has changed since the last call, and cycles that wait, until
    /// none of those has failed and so made room.
    pub(super) fn wake(&mut self, now: Millis, effects: &mut Vec<Effect>, probe: &mut dyn Probe) {
        // Each round but the last ends a cycle.
        while self.wake_once(now, effects, probe) {}
    }

    fn wake_once(&mut self, now: Millis, effects: &mut Vec<Effect>, probe: &mut dyn Probe) -> bool {
        if self.selected != self.cache.selected_count() {
            self.selected = self.cache.selected_count();
            let Self { queue, cache, .. } = self;
            queue.regroup(|pod| cache.alike(pod));
        }
        let changes = self.cache.take_changes();
        let recheck = std::mem::take(&mut self.recheck);
        let cycles = self.cycles.len();
        self.review_cycles(&changes, now, effects, probe);
        let has_failed = self.cycles.len() < cycles;
        if changes.is_empty() && recheck.is_empty() {
            return has_failed;
        }
        self.wake_by_hints(&changes, now, probe);
        let mut work = self.concerned(&changes);
        work.extend(recheck.into_iter().map(|class| (class, Where::Everywhere)));
        for (class, place) in work {
            self.look_again(class, place, now, probe);
        }
        has_failed
    }

    /// The parked classes that read what changed. Costs classes × distinct kinds of change.
    fn concerned(&self, changes: &[Changed]) -> BTreeMap<ClassIdx, Where> {
        let mut by_reads: Vec<(Reads, Vec<Option<NodeIdx>>)> = Vec::new();
        for change in changes.iter().filter(|c| !c.reads.is_empty()) {
            match by_reads.iter_mut().find(|(reads, _)| *reads == change.reads) {
                Some((_, nodes)) => nodes.push(change.node),
                None => by_reads.push((change.reads, vec![change.node])),
            }
        }
        for (_, nodes) in &mut by_reads {
            nodes.sort_unstable();
            nodes.dedup();
        }
        let mut work: BTreeMap<ClassIdx, Where> = BTreeMap::new();
        for (class, parked) in self.queue.parked().filter(|(_, p)| p.head.is_none()) {
            for (reads, nodes) in &by_reads {
                let common = parked.reads.common(*reads);
                if common.is_empty() {
                    continue;
                }
                let named: Option<Vec<NodeIdx>> = nodes.iter().copied().collect();
                match (named.filter(|_| common.is_of_one_node()), work.get_mut(&class)) {
                    (None, _) => {
                        work.insert(class, Where::Everywhere);
                    }
                    (Some(_), Some(Where::Everywhere)) => {}
                    (Some(nodes), Some(Where::Nodes(all))) => all.extend(nodes),
                    (Some(nodes), None) => {
                        work.insert(class, Where::Nodes(nodes));
                    }
                }
            }
        }
        work
    }

    /// Wakes the first pod of a class that fits, if one does. Pods that no plugin marks differently
    /// get equal verdicts, so one of each mark is looked at.
    fn look_again(&mut self, class: ClassIdx, place: Where, now: Millis, probe: &mut dyn Probe) {
        let Some(parked) = self.queue.parked_mut(class).filter(|p| p.head.is_none()) else {
            return;
        };
        let (last_fit, firsts) = (parked.last_fit, parked.firsts());
        let Some(profile) = firsts.first().and_then(|pod| self.profile_of(*pod)).cloned() else {
            return;
        };
        let live = self.cache.nodes().live();
        let everywhere = matches!(place, Where::Everywhere);
        let before = last_fit.filter(|n| everywhere && live.contains(*n));
        let nodes: Vec<NodeIdx> = match place {
            Where::Everywhere => Vec::new(),
            Where::Nodes(nodes) => nodes.into_iter().filter(|n| live.contains(*n)).collect(),
        };
        let mut reads = Reads::NOTHING;
        let mut fit = None;
        for pod in self.unlike(&firsts, &profile) {
            // A ranking knows in a moment whether there is any node, and does not tell which
            // plugins reject the others: from then on the class is asked whatever any filter of
            // it reads.
            match everywhere.then(|| self.chooser().fits_by_ranking(pod, &profile)).flatten() {
                Some(true) => {
                    fit = Some((pod, None));
                    break;
                }
                Some(false) => {
                    reads |= Reads::NODE_EXISTS | profile.filter_reads();
                    continue;
                }
                None => {}
            }
            let live = self.cache.nodes().live();
            let scan = self.scan(&profile);
            let found = if everywhere {
                scan.first_fit(pod, &mut before.into_iter().chain(live.iter()))
            } else {
                scan.first_fit(pod, &mut nodes.iter().copied())
            };
            match found {
                Ok(node) => {
                    fit = Some((pod, Some(node)));
                    break;
                }
                Err(no_fit) => reads |= no_fit.reads,
            }
        }
        let Some(parked) = self.queue.parked_mut(class) else { return };
        match fit {
            Some((pod, node)) => {
                parked.last_fit = node.or(parked.last_fit);
                self.queue.set_head(class, pod);
                self.enqueue(pod, now, "ClassFits", probe);
            }
            None if everywhere => parked.reads = reads,
            None => parked.reads |= reads,
        }
    }

    /// The first pod of each mark among `pods`, in their order.
    fn unlike(&self, pods: &[PodIdx], profile: &Profile) -> Vec<PodIdx> {
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

    /// Asks the plugins that do not say what they read.
    fn wake_by_hints(&mut self, changes: &[Changed], now: Millis, probe: &mut dyn Probe) {
        if self.queue.alone().is_empty() {
            return;
        }
        let waiting: Vec<PodIdx> = self.queue.alone().iter().copied().collect();
        for pod in waiting {
            // What it took and gave up itself is no reason (`handleBindingCycleError`).
            let of_others = |change: &&Changed| !change.is_by(pod);
            if changes.iter().filter(of_others).any(|change| self.is_hinted(pod, change)) {
                self.return_alone(pod, now, "Hint", probe);
            }
        }
    }

    pub(super) fn return_alone(
        &mut self,
        pod: PodIdx,
        now: Millis,
        event: &str,
        probe: &mut dyn Probe,
    ) {
        let key = self.sort_key(pod);
        if self.queue.back_off(pod, key, now) {
            probe.incoming(QueueName::Backoff, event);
        } else {
            self.enqueue(pod, now, event, probe);
        }
    }

    /// Whether a plugin that rejected the pod says that the change may help.
    fn is_hinted(&self, pod: PodIdx, change: &Changed) -> bool {
        let (Some(profile), Some(view), Some(entry)) =
            (self.profile_of(pod), self.cache.view(pod), self.queue.entry(pod))
        else {
            return false;
        };
        let cx = Context { cache: &self.cache, nodes: self.cache.nodes(), pod: view };
        let event = ClusterEvent {
            resource: change.resource,
            actions: change.actions,
            subject: match &change.object {
                ChangedObject::Pod(pod) => Subject::Pod(*pod),
                ChangedObject::Node(node) => Subject::Node(*node),
                ChangedObject::Other(object) => Subject::Object(object),
            },
        };
        entry.rejectors.iter().filter_map(|place| profile.plugin(*place)).any(|plugin| match plugin
            .as_hints()
        {
            Some(hints) => {
                let wanted = hints
                    .events()
                    .into_iter()
                    .any(|r| r.resource == event.resource && r.actions.intersects(event.actions));
                wanted && hints.hint(&cx, &event) == Hint::Queue
            }
            None => Plugin::reads(plugin).intersects(change.reads),
        })
    }

    /// Backoffs end, and pods that have been parked for very long are looked at whatever happened.
    pub(super) fn flush(&mut self, now: Millis, effects: &mut Vec<Effect>, probe: &mut dyn Probe) {
        for pod in self.queue.expired(now) {
            self.enqueue(pod, now, "BackoffComplete", probe);
        }
        if now < self.flushed_ms + FLUSH_EVERY_MS {
            return;
        }
        self.flushed_ms = now;
        // What inputs have just changed is heeded first: the flush counts what nobody heeded.
        self.wake(now, effects, probe);
        let since = now.saturating_sub(self.config.parked_max_ms);
        let is_old =
            |engine: &Self, pod| engine.queue.entry(pod).is_some_and(|e| e.queued_ms < since);
        let alone: Vec<PodIdx> =
            self.queue.alone().iter().copied().filter(|p| is_old(self, *p)).collect();
        for pod in alone {
            if let Some(entry) = self.queue.entry_mut(pod) {
                entry.flushed = true;
            }
            self.return_alone(pod, now, "UnschedulableTimeout", probe);
        }
        let mut classes: Vec<ClassIdx> = self
            .queue
            .parked()
            .filter(|(_, parked)| parked.head.is_none())
            // What no event can lift, time does not lift either.
            .filter(|(_, parked)| !parked.reads.is_empty())
            .filter(|(_, parked)| parked.pods().any(|pod| is_old(self, pod)))
            .map(|(class, _)| class)
            .collect();
        classes.sort_unstable();
        for class in classes {
            self.look_again(class, Where::Everywhere, now, probe);
            let head = self.queue.parked_mut(class).and_then(|p| p.head);
            if let Some(entry) = head.and_then(|pod| self.queue.entry_mut(pod)) {
                entry.flushed = true;
                self.flush_found += 1;
            }
        }
    }
}
