//! PreBind: what plugins write, and wait for, before the bind.
//!
//! Source: `RunPreBindPreFlights`, `RunPreBindPlugins` and `getPreBindPluginGroups` in
//! `pkg/scheduler/framework/runtime/framework.go`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::{CycleId, Millis, WriteId, internal_error};
use crate::cycle::{CycleError, extension, guarded};
use crate::effect::Effect;
use crate::framework::{Code, Fault, Point, PreFlight, Progress, Reads};
use crate::input::WriteOutcome;
use crate::probe::Probe;

use super::super::Engine;
use super::failure::Failure;
use super::{Middle, Running, Stage};

impl Engine {
    /// Asks the profile's PreBind plugins whether they have anything to do: those that have, in
    /// order, and whether each may run beside its neighbours.
    ///
    /// # Errors
    /// One fails.
    pub(super) fn pre_flight(&self, id: CycleId) -> Result<VecDeque<(usize, bool)>, Failure> {
        let mut all = VecDeque::new();
        let (pod, node, profile) = self.subject(id).ok_or(Failure::Broken(CycleError::Gone))?;
        let cx = self.context_of(pod).ok_or(Failure::Broken(CycleError::Gone))?;
        for (place, plugin) in Self::plugins_at(&profile, Point::PreBind) {
            let Some(point) = plugin.as_pre_bind() else { continue };
            let name = plugin.name();
            let said = guarded(name, || point.pre_flight(&cx, node));
            match said.map_err(Failure::Broken)? {
                PreFlight::Skip => {}
                PreFlight::Run { parallel } => all.push_back((place, parallel)),
                PreFlight::Broken(fault) => {
                    let plugin = name.into();
                    return Err(Failure::Broken(CycleError::PreFlight { plugin, fault }));
                }
            }
        }
        Ok(all)
    }

    /// Permit is over: PreBind begins, or the bind is asked for.
    pub(super) fn begin_pre_bind(
        &mut self,
        id: CycleId,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        if let Some(middle) = self.cycles.middle_mut(id) {
            middle.pre_bind_ms = now;
            if middle.pre_binds.is_empty() {
                return self.make_ready(id, effects);
            }
        }
        self.run_pre_binds(id, now, effects, probe);
    }

    /// Runs the next plugins, one or several side by side, until some have to wait or none is left.
    fn run_pre_binds(
        &mut self,
        id: CycleId,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        loop {
            let Some(middle) = self.cycles.middle_mut(id) else {
                return internal_error(format_args!("{id:?} is over and runs PreBind"));
            };
            let group = next_group(&mut middle.pre_binds);
            if group.is_empty() {
                let took = now.saturating_sub(middle.pre_bind_ms);
                let profile = Arc::clone(&middle.profile);
                probe.pre_bind_ends(Code::Success, profile.scheduler_name(), took);
                return self.make_ready(id, effects);
            }
            let mut running = Vec::new();
            for place in group {
                match self.run_pre_bind(id, place, now, effects) {
                    Ok(one) => running.push(one),
                    Err(failure) => {
                        // What was written so far is answered to nobody.
                        self.cycles.set_stage(id, Stage::PreBind(running));
                        return self.end_pre_bind(id, failure, now, effects, probe);
                    }
                }
            }
            self.cycles.set_stage(id, Stage::PreBind(running));
            match self.progress(id, Reads::EVERYTHING) {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => return self.end_pre_bind(id, failure, now, effects, probe),
            }
        }
    }

    /// Asks one plugin for its writes, and passes them on.
    fn run_pre_bind(
        &mut self,
        id: CycleId,
        place: usize,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) -> Result<Running, Failure> {
        let gone = || Failure::Broken(CycleError::Gone);
        let (pod, node, profile) = self.subject(id).ok_or_else(gone)?;
        let cx = self.context_of(pod).ok_or_else(gone)?;
        let found = extension(&profile, place, Point::PreBind, |p| p.as_pre_bind());
        let (plugin, point) = found.map_err(Failure::Broken)?;
        let name = plugin.name();
        let wanted = guarded(name, || point.pre_bind(&cx, node)).map_err(Failure::Broken)?;
        let (patience, _) = point.patience();
        let mut writes = Vec::new();
        for write in wanted.map_err(|fault| failed(name, fault))? {
            let write_id = WriteId(self.cycles.next_id());
            self.cycles.writes.insert(write_id, id);
            writes.push(write_id);
            let cycle = self.cycles.by_id.get(&id).ok_or_else(gone)?;
            let pod = Arc::clone(&cycle.pod);
            effects.push(Effect::Write { id: write_id, pod, write });
        }
        Ok(Running { plugin: place, writes, deadline_ms: now.saturating_add(patience) })
    }

    /// Asks the plugins that run and have all their writes answered, and read what has changed,
    /// how far they have come; true where none is left.
    fn progress(&mut self, id: CycleId, changed: Reads) -> Result<bool, Failure> {
        let known = self.subject(id).and_then(|(pod, node, profile)| {
            let Stage::PreBind(running) = &self.cycles.middle(id)?.stage else { return None };
            Some((self.context_of(pod)?, node, profile, running))
        });
        let Some((cx, node, profile, running)) = known else {
            internal_error(format_args!("{id:?} is asked how far it is and is not at PreBind"));
            return Ok(false);
        };
        let mut left = Vec::new();
        for one in running {
            let plugin = profile.plugin(one.plugin);
            let all = changed == Reads::EVERYTHING;
            let concerned = plugin.filter(|p| all || p.reads().intersects(changed));
            let asked = concerned.filter(|_| one.writes.is_empty());
            let Some((plugin, point)) = asked.and_then(|p| Some((p, p.as_pre_bind()?))) else {
                left.push(one.clone());
                continue;
            };
            let name = plugin.name();
            let said = guarded(name, || point.progress(&cx, node));
            match said.map_err(Failure::Broken)? {
                Progress::Done => {}
                Progress::Wait => left.push(one.clone()),
                Progress::Reject(reason) => return Err(Failure::Rejected(reason)),
                Progress::Broken(fault) => return Err(failed(name, fault)),
            }
        }
        let none_left = left.is_empty();
        self.cycles.set_stage(id, Stage::PreBind(left));
        Ok(none_left)
    }

    /// Something has changed that a plugin which runs may have waited for.
    pub(super) fn review_pre_bind(
        &mut self,
        id: CycleId,
        changed: Reads,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        match self.progress(id, changed) {
            Ok(true) => self.run_pre_binds(id, now, effects, probe),
            Ok(false) => {}
            Err(failure) => self.end_pre_bind(id, failure, now, effects, probe),
        }
    }

    /// The answer of a write.
    pub(in crate::engine) fn take_write_outcome(
        &mut self,
        write: WriteId,
        outcome: WriteOutcome,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        // Late, twice, or for a cycle that is over.
        let Some(id) = self.cycles.writes.remove(&write) else { return };
        let waits = |one: &&mut Running| one.writes.contains(&write);
        let known = self.cycles.middle_mut(id).and_then(|Middle { stage, profile, .. }| {
            let Stage::PreBind(running) = stage else { return None };
            Some((profile, running.iter_mut().find(waits)?))
        });
        let Some((profile, one)) = known else {
            return internal_error(format_args!("{id:?} does not wait for {write:?}, its own"));
        };
        one.writes.retain(|open| *open != write);
        let place = one.plugin;
        match outcome {
            // Whoever is asked now could write more.
            WriteOutcome::Written if self.paused => self.cycles.is_stale = true,
            WriteOutcome::Written => {
                self.review_pre_bind(id, Reads::EVERYTHING, now, effects, probe);
            }
            WriteOutcome::Failed(text) => {
                let name = profile.plugin(place).map_or("", |plugin| plugin.name());
                let failure = failed(name, Fault::new(text));
                self.end_pre_bind(id, failure, now, effects, probe);
            }
        }
    }

    /// A plugin has waited as long as it may.
    pub(super) fn end_pre_bind_wait(
        &mut self,
        id: CycleId,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let first = self.cycles.middle(id).and_then(|middle| {
            let Stage::PreBind(running) = &middle.stage else { return None };
            Some((middle, running.iter().min_by_key(|one| one.deadline_ms)?))
        });
        let Some((middle, first)) = first else {
            return internal_error(format_args!("{id:?} has waited for nobody at PreBind"));
        };
        let plugin = middle.profile.plugin(first.plugin);
        let name = plugin.map_or("", |plugin| plugin.name());
        let why = plugin.and_then(|p| p.as_pre_bind()).map_or("", |point| point.patience().1);
        let failure = failed(name, Fault::new(why));
        self.end_pre_bind(id, failure, now, effects, probe);
    }

    fn end_pre_bind(
        &mut self,
        id: CycleId,
        failure: Failure,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        if let Some(middle) = self.cycles.middle(id) {
            let took = now.saturating_sub(middle.pre_bind_ms);
            probe.pre_bind_ends(failure.code(), middle.profile.scheduler_name(), took);
        }
        self.fail_cycle(id, failure, now, effects, probe);
    }
}

fn failed(plugin: &str, fault: Fault) -> Failure {
    Failure::Broken(CycleError::of_plugin(plugin, Point::PreBind, fault))
}

/// The next plugin, or the next that run side by side.
fn next_group(left: &mut VecDeque<(usize, bool)>) -> Vec<usize> {
    let Some((first, parallel)) = left.pop_front() else { return Vec::new() };
    let mut group = vec![first];
    while let Some((next, true)) = left.front().copied().filter(|_| parallel) {
        group.push(next);
        left.pop_front();
    }
    group
}
