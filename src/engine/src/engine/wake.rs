//! Who is woken by what changed: exactly those that fit now.
//!
//! A parked class is looked at again only where something has happened that it waits for
//! ([`crate::queue::Blocked`]), and only on that node where it is of one node. One pod of the class
//! is woken; when its attempt has ended, the class is looked at again for the next.

use crate::base::{Millis, PodIdx};
use crate::cache::{Changed, ChangedObject};
use crate::effect::Effect;
use crate::framework::{ClusterEvent, Context, Hint, Plugin, Subject};
use crate::probe::{Probe, QueueName};

use super::look::Where;
use super::{Engine, FLUSH_EVERY_MS};

impl Engine {
    /// Lets the parked pods know what has changed since the last call, and cycles that wait, until
    /// none of those has failed and so made room; then looks at those that are due, as far as the
    /// work of this step goes.
    pub(super) fn wake(&mut self, now: Millis, effects: &mut Vec<Effect>, probe: &mut dyn Probe) {
        // Each round but the last ends a cycle.
        while self.wake_once(now, effects, probe) {}
        self.look_at_due(now, probe);
    }

    fn wake_once(&mut self, now: Millis, effects: &mut Vec<Effect>, probe: &mut dyn Probe) -> bool {
        if self.selected != self.cache.selected_count() {
            self.selected = self.cache.selected_count();
            let Self { queue, cache, .. } = self;
            queue.regroup(|pod| cache.alike(pod));
        }
        let changes = self.cache.take_changes();
        let cycles = self.cycles.len();
        self.review_cycles(&changes, now, effects, probe);
        let has_failed = self.cycles.len() < cycles;
        self.wake_by_hints(&changes, now, probe);
        self.refreshes.hear(changes.len());
        if !changes.is_empty() {
            self.queue.begin_touches();
            self.touch(&changes);
        }
        self.cache.let_changes_go();
        // A class whose head has ended goes on at once.
        for class in std::mem::take(&mut self.recheck) {
            self.look_again(class, Where::Everywhere, now, probe);
        }
        has_failed
    }

    /// Asks the plugins that do not say what they read.
    fn wake_by_hints(&mut self, changes: &[Changed], now: Millis, probe: &mut dyn Probe) {
        if self.queue.alone().is_empty() || changes.is_empty() {
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
        let alone: Vec<PodIdx> =
            self.queue.alone().iter().copied().filter(|p| self.is_old(*p, now)).collect();
        for pod in alone {
            if let Some(entry) = self.queue.entry_mut(pod) {
                entry.flushed = true;
            }
            self.return_alone(pod, now, "UnschedulableTimeout", probe);
        }
        self.queue.touch_long();
    }

    /// Whether a pod has been parked for very long.
    pub(super) fn is_old(&self, pod: PodIdx, now: Millis) -> bool {
        let since = now.saturating_sub(self.config.parked_max_ms);
        self.queue.entry(pod).is_some_and(|e| e.queued_ms < since)
    }
}
