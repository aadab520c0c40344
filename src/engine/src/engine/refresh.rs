//! What waiting pods were told, made anew: nobody attempts them for that, as kube-scheduler's
//! needless retries do, so their reasons would go stale.
//!
//! Each class on which pods wait has a time at which its diagnosis is made again: a minute after
//! the last, or sooner where it was looked at because of an event and still fits nowhere. Where
//! nothing has happened since, nothing is judged. Another kind of reason is said at once, a text
//! that differs in numbers alone once a minute. What may be judged is earned over time, so that a
//! crowd of classes is gone through one after another, the oldest first, beside the placements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{ClassIdx, Millis, PodIdx, internal_error};
use crate::cycle::{Stop, Wording, fit_error};
use crate::effect::FailureReason;
use crate::framework::{Context, Profile};
use crate::stored::{LoadError, Reader, Stored, Writer};

use super::Engine;

/// How often a text may differ in numbers.
const EVERY_MS: Millis = 60_000;

/// How long after an event a class that it concerns is told anew, and how long after the last time.
const SOON_MS: Millis = 1_000;
const AGAIN_MS: Millis = 5_000;

/// Judged nodes that are earned in a millisecond of the engine's time: at 1 µs each 5 % of it. Ten
/// classes a second at 5,000 nodes.
const EARNED_PER_MS: u64 = 50;

/// What is earned and not used up: one class at 200,000 nodes, forty at 5,000.
const EARNED_MAX: u64 = 200_000;

/// Diagnoses of the classes on which pods wait.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    /// By the number in the order in which classes were first parked on.
    of: BTreeMap<u64, Refresh>,
    due: BTreeSet<(Millis, u64)>,
    earned: u64,
    debt: u64,
    earned_ms: Millis,
    /// Changes heard so far.
    heard: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refresh {
    class: ClassIdx,
    due: Millis,
    made_ms: Millis,
    /// Changes heard by then.
    made_at: u64,
    /// When its nodes were judged last, for whatever was said then.
    judged_ms: Millis,
    /// When its pods were told last, by events as well.
    told_ms: Millis,
}

impl Refreshes {
    /// So much has happened.
    pub(super) fn hear(&mut self, changes: usize) {
        self.heard += changes as u64;
    }

    fn set(&mut self, number: u64, refresh: Refresh) {
        if let Some(old) = self.of.insert(number, refresh) {
            self.due.remove(&(old.due, number));
        }
        self.due.insert((refresh.due, number));
    }

    fn drop(&mut self, number: u64) {
        if let Some(old) = self.of.remove(&number) {
            self.due.remove(&(old.due, number));
        }
    }

    fn earn(&mut self, now: Millis) {
        let earned = now.saturating_sub(self.earned_ms).saturating_mul(EARNED_PER_MS);
        let paid = earned.min(self.debt);
        self.debt -= paid;
        self.earned = self.earned.saturating_add(earned - paid).min(EARNED_MAX);
        self.earned_ms = now;
    }

    /// A class costs what it costs: what is not earned yet is paid before the next.
    fn spend(&mut self, cost: u64) {
        let paid = cost.min(self.earned);
        self.earned -= paid;
        self.debt = self.debt.saturating_add(cost - paid);
    }

    /// Writes them, in the order of numbers; `spokesman` is a pod of a class, where pods wait on
    /// it by this number.
    pub(super) fn save(
        &self,
        out: &mut Writer,
        spokesman: impl Fn(ClassIdx, u64) -> Option<PodIdx>,
    ) {
        let Self { of, due: _, earned, debt, earned_ms, heard } = self;
        earned.write(out);
        debt.write(out);
        earned_ms.write(out);
        heard.write(out);
        let known: Vec<(PodIdx, Refresh)> =
            of.iter().filter_map(|(n, r)| Some((spokesman(r.class, *n)?, *r))).collect();
        out.count(known.len());
        for (pod, Refresh { class: _, due, made_ms, made_at, judged_ms, told_ms }) in known {
            pod.write(out);
            due.write(out);
            made_ms.write(out);
            made_at.write(out);
            judged_ms.write(out);
            told_ms.write(out);
        }
    }

    /// As they were; `parked_of` knows the classes of pods and their numbers, which are others.
    pub(super) fn load(
        from: &mut Reader<'_>,
        parked_of: impl Fn(PodIdx) -> Option<(ClassIdx, u64)>,
    ) -> Result<Self, LoadError> {
        let (earned, debt) = Stored::read(from)?;
        let (earned_ms, heard) = Stored::read(from)?;
        let mut all = Self { earned, debt, earned_ms, heard, ..Self::default() };
        for _ in 0..from.count()? {
            let pod = PodIdx::read(from)?;
            let (due, made_ms) = Stored::read(from)?;
            let made_at = Stored::read(from)?;
            let (judged_ms, told_ms) = Stored::read(from)?;
            let parked = parked_of(pod);
            let (class, number) = parked.ok_or_else(|| from.malformed("a diagnosis of no pod"))?;
            let known = Refresh { class, due, made_ms, made_at, judged_ms, told_ms };
            all.set(number, known);
        }
        Ok(all)
    }
}

impl Engine {
    /// When the first diagnosis is due, and may be made.
    pub(super) fn next_refresh(&self) -> Option<Millis> {
        let Refreshes { due, of, earned, debt, earned_ms, .. } = &self.refreshes;
        let waits = |number: &u64| {
            let class = of.get(number).and_then(|refresh| self.queue.parked_on(refresh.class));
            class.is_some_and(|parked| parked.number() == *number)
        };
        let (due, _) = due.iter().find(|(_, number)| waits(number))?;
        let nodes = self.cache.nodes().live().len() as u64;
        let missing = (debt + nodes.min(EARNED_MAX)).saturating_sub(*earned);
        Some((*due).max(earned_ms + missing.div_ceil(EARNED_PER_MS)))
    }

    /// A pod was told why it waits on a class.
    pub(super) fn note_diagnosis(&mut self, class: ClassIdx, now: Millis) {
        let Some(parked) = self.queue.parked_on(class) else { return };
        let (number, made_at) = (parked.number(), self.refreshes.heard);
        if !self.refreshes.of.contains_key(&number) {
            let due = now.saturating_add(EVERY_MS.min(self.config.parked_max_ms));
            let (made_ms, judged_ms, told_ms) = (now, now, now);
            let known = Refresh { class, due, made_ms, made_at, judged_ms, told_ms };
            self.refreshes.set(number, known);
        }
    }

    /// A class was looked at because of an event, and still fits nowhere.
    pub(super) fn note_look(&mut self, class: ClassIdx, now: Millis) {
        let Some(number) = self.queue.parked_on(class).map(|parked| parked.number()) else {
            return;
        };
        let Some(known) = self.refreshes.of.get(&number).copied() else { return };
        let soon = known.judged_ms.saturating_add(AGAIN_MS).max(now.saturating_add(SOON_MS));
        if soon < known.due {
            self.refreshes.set(number, Refresh { due: soon, ..known });
        }
    }

    /// Makes the diagnoses anew that are due, as far as what is earned goes.
    pub(super) fn refresh_due(&mut self, now: Millis) {
        self.refreshes.earn(now);
        while let Some((due, number)) = self.refreshes.due.first().copied() {
            let nodes = self.cache.nodes().live().len() as u64;
            let cost = nodes.min(EARNED_MAX);
            if due > now || self.refreshes.debt > 0 || self.refreshes.earned < cost {
                return;
            }
            let Some(known) = self.refreshes.of.get(&number).copied() else {
                self.refreshes.due.pop_first();
                internal_error(format_args!("the diagnosis of number {number} is due and unknown"));
                continue;
            };
            let parked = self.queue.parked_on(known.class).filter(|p| p.number() == number);
            let Some(parked) = parked else {
                self.refreshes.drop(number);
                continue;
            };
            let made_at = self.refreshes.heard;
            let is_stale = known.made_at != made_at;
            // Its head tells anew what its attempt finds.
            let is_tried = parked.head.is_some();
            let every = self.config.parked_max_ms;
            let repeats = now >= known.told_ms.saturating_add(every);
            let told_ms = if repeats { now } else { known.told_ms };
            let due = now.saturating_add(EVERY_MS.min(every));
            let mut next = Refresh { due, told_ms, ..known };
            if is_stale && !is_tried {
                let numbers_too = now >= known.made_ms.saturating_add(EVERY_MS);
                let (scans, pods) = self.refresh(known.class, numbers_too);
                self.refreshes.spend(cost.saturating_mul(scans as u64) + pods as u64);
                next.judged_ms = now;
                if numbers_too {
                    next = Refresh { made_ms: now, made_at, ..next };
                } else {
                    // What differs in numbers alone has its time.
                    next.due = known.made_ms.saturating_add(EVERY_MS);
                }
            }
            self.refreshes.set(number, next);
            if repeats && !is_tried {
                self.repeat(known.class);
            }
        }
    }

    /// Tells the pods of a class again what they were told: what was written may be gone, as events
    /// are after an hour.
    fn repeat(&mut self, class: ClassIdx) {
        let pods = self.parked_in_order(class);
        self.refreshes.spend(pods.len() as u64);
        for pod in pods {
            self.conditions.owe(pod, class, FailureReason::Unschedulable, false);
        }
    }

    /// Makes the diagnosis of a class anew and owes it to its pods; how many scans it took, and how
    /// many pods were looked at.
    fn refresh(&mut self, class: ClassIdx, numbers_too: bool) -> (usize, usize) {
        let Some(parked) = self.queue.parked_on(class) else { return (0, 0) };
        let firsts = parked.firsts();
        let Some(profile) = firsts.first().and_then(|pod| self.profile_of(*pod)).cloned() else {
            return (0, 0);
        };
        let pods = self.parked_in_order(class);
        let unlike = self.unlike(&firsts, &profile);
        let mut by_mark: BTreeMap<u64, Arc<str>> = BTreeMap::new();
        for pod in &unlike {
            if let Some(text) = self.diagnosis(*pod, &profile)
                && (numbers_too || self.is_other_kind(*pod, &text))
            {
                by_mark.insert(self.mark_of(*pod, &profile), text);
            }
        }
        for pod in &pods {
            let mark = if unlike.len() == 1 { None } else { Some(self.mark_of(*pod, &profile)) };
            let text = match mark {
                Some(mark) => by_mark.get(&mark).cloned(),
                None => by_mark.values().next().cloned(),
            };
            if let Some(text) = text {
                self.owe(*pod, FailureReason::Unschedulable, &text, false);
            }
        }
        (unlike.len(), pods.len())
    }

    /// The pods that are parked on a class, in the order in which they came.
    fn parked_in_order(&self, class: ClassIdx) -> Vec<PodIdx> {
        let parked = self.queue.parked_on(class);
        let mut pods: Vec<PodIdx> = parked.into_iter().flat_map(|parked| parked.pods()).collect();
        pods.sort_unstable_by_key(|pod| self.queue.entry(*pod).map(|entry| entry.arrival));
        pods
    }

    /// What an attempt would say of a pod that fits nowhere; `None` where it fits, or the attempt
    /// would fail: then an attempt has to say so.
    fn diagnosis(&self, pod: PodIdx, profile: &Profile) -> Option<Arc<str>> {
        let filtered = self.scan(profile).filter(pod, &mut ());
        let fails = matches!(filtered.stop, Some(Stop::Broken(_)));
        if fails || !filtered.feasible.is_empty() {
            return None;
        }
        let post_filter = self.post_filter(pod, &filtered, profile);
        let wording = Wording::Live { post_filter };
        Some(fit_error(&filtered, &self.cache, profile, wording).into())
    }

    /// Whether a text differs in more than numbers from what the pod shows or is to show.
    fn is_other_kind(&self, pod: PodIdx, text: &str) -> bool {
        let Some(pending) = self.cache.pending(pod) else { return false };
        let shown = pending.desired.as_deref().or(pending.scheduled.as_ref());
        shown.is_none_or(|shown| kind_of(&shown.message) != kind_of(text))
    }

    fn mark_of(&self, pod: PodIdx, profile: &Profile) -> u64 {
        let Some(pod) = self.cache.view(pod) else { return 0 };
        profile.mark(&Context { cache: &self.cache, nodes: self.cache.nodes(), pod })
    }
}

/// The reasons of a text without their numbers, in no order: kube-scheduler sorts them as texts,
/// numbers first.
fn kind_of(text: &str) -> BTreeSet<String> {
    let words = text.split([':', ',']).map(str::trim);
    let letters = |words: &str| words.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    words.map(|words| letters(words).trim_matches(['.', ' ']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_order_make_no_other_kind() {
        let kind = kind_of("0/12 nodes are available: 10 Insufficient cpu, 2 Too many pods.");
        let same = kind_of("0/13 nodes are available: 2 Insufficient cpu, 3 Too many pods.");
        // Sorted as texts: "10 …" before "2 …", "2 …" before "3 …"; and the end of the sentence.
        assert_eq!(kind, same);
        let turned = kind_of("0/12 nodes are available: 2 Too many pods, 3 Insufficient cpu.");
        assert_eq!(kind, turned);
        assert_ne!(kind, kind_of("0/12 nodes are available: 12 Insufficient cpu."));
    }
}
