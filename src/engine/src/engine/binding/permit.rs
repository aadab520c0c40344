//! Permit: plugins that let a pod go on, hold it back, or refuse it.
//!
//! Source: `RunPermitPlugins` and `WaitOnPermit` in
//! `pkg/scheduler/framework/runtime/framework.go`, `waiting_pods_map.go` beside it.

use std::fmt::Write;

use crate::base::{CycleId, Millis, internal_error};
use crate::cycle::{CycleError, guarded};
use crate::effect::Effect;
use crate::framework::{Code, Permission, Point, Reads};
use crate::probe::Probe;

use super::super::Engine;
use super::failure::Failure;
use super::{Held, Stage};

/// Longest wait (`maxTimeout`).
const WAIT_MAX_MS: Millis = 15 * 60 * 1_000;

impl Engine {
    /// Asks the profile's Permit plugins.
    ///
    /// # Errors
    /// One refuses the pod or fails; those after it are not asked.
    pub(super) fn permit(
        &self,
        id: CycleId,
        now: Millis,
        probe: &mut dyn Probe,
    ) -> Result<Vec<Held>, Failure> {
        let (pod, node, profile) = self.subject(id).ok_or(Failure::Broken(CycleError::Gone))?;
        let cx = self.context_of(pod).ok_or(Failure::Broken(CycleError::Gone))?;
        probe.begin(Point::Permit);
        let mut held = Vec::new();
        let mut failure = None;
        for (place, plugin) in Self::plugins_at(&profile, Point::Permit) {
            let Some(point) = plugin.as_permit() else { continue };
            let name = plugin.name();
            match guarded(name, || point.permit(&cx, node)) {
                Ok(Permission::Allow) => {}
                Ok(Permission::Wait(ms)) => {
                    let wait_ms = ms.min(WAIT_MAX_MS);
                    held.push(Held { plugin: place, since_ms: now, wait_ms });
                }
                Ok(Permission::Reject(reason)) => {
                    failure = Some(Failure::Refused { plugin: place, reason });
                }
                Ok(Permission::Broken(fault)) => {
                    let error = CycleError::of_plugin(name, Point::Permit, fault);
                    failure = Some(Failure::Broken(error));
                }
                Err(panicked) => failure = Some(Failure::Broken(panicked)),
            }
            if failure.is_some() {
                break;
            }
        }
        let code = match &failure {
            None if held.is_empty() => Code::Success,
            None => Code::Wait,
            Some(failure) => failure.code(),
        };
        probe.end(Point::Permit, code, profile.scheduler_name());
        failure.map_or(Ok(held), Err)
    }

    /// Asks the plugins again that hold a pod back and read what has changed.
    pub(super) fn review_permit(
        &mut self,
        id: CycleId,
        changed: Reads,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let known = self.subject(id).and_then(|(pod, node, profile)| {
            let Stage::Permit(held) = &self.cycles.middle(id)?.stage else { return None };
            Some((self.context_of(pod)?, node, profile, held))
        });
        let Some((cx, node, profile, held)) = known else {
            return internal_error(format_args!("{id:?} is reviewed and does not wait at Permit"));
        };
        let (mut left, mut failure) = (Vec::new(), None);
        for one in held {
            let plugin = profile.plugin(one.plugin);
            let all = changed == Reads::EVERYTHING;
            let concerned = plugin.filter(|plugin| all || plugin.reads().intersects(changed));
            let Some((plugin, point)) = concerned.and_then(|p| Some((p, p.as_permit()?))) else {
                left.push(*one);
                continue;
            };
            let said = guarded(plugin.name(), || point.permit(&cx, node));
            match said {
                Ok(Permission::Allow) => {}
                Ok(Permission::Wait(_)) => left.push(*one),
                Ok(Permission::Reject(reason)) => {
                    failure = Some(Failure::Refused { plugin: one.plugin, reason });
                }
                Ok(Permission::Broken(fault)) => {
                    let plugin = plugin.name().into();
                    failure = Some(Failure::Broken(CycleError::Waiting { plugin, fault }));
                }
                Err(panicked) => failure = Some(Failure::Broken(panicked)),
            }
            if failure.is_some() {
                break;
            }
        }
        match failure {
            Some(failure) => self.end_permit(id, failure, now, effects, probe),
            None if left.is_empty() => {
                let waited = self.permit_waited(id, now);
                probe.permit_waited(Code::Success, waited);
                self.begin_pre_bind(id, now, effects, probe);
            }
            None => self.cycles.set_stage(id, Stage::Permit(left)),
        }
    }

    /// A plugin's time is over.
    pub(super) fn end_permit_wait(
        &mut self,
        id: CycleId,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let first = self.cycles.middle(id).and_then(|middle| {
            let Stage::Permit(held) = &middle.stage else { return None };
            Some((middle, held.iter().min_by_key(|held| held.deadline()).copied()?))
        });
        let Some((middle, first)) = first else {
            return internal_error(format_args!("{id:?} has waited for nobody at Permit"));
        };
        let name = middle.profile.plugin(first.plugin).map_or("", |plugin| plugin.name());
        let waited = go_duration(first.wait_ms);
        let reason =
            format!("rejected due to timeout after waiting {waited} at plugin {name}").into();
        let failure = Failure::Refused { plugin: first.plugin, reason };
        self.end_permit(id, failure, now, effects, probe);
    }

    fn end_permit(
        &mut self,
        id: CycleId,
        failure: Failure,
        now: Millis,
        effects: &mut Vec<Effect>,
        probe: &mut dyn Probe,
    ) {
        let waited = self.permit_waited(id, now);
        probe.permit_waited(failure.code(), waited);
        self.fail_cycle(id, failure, now, effects, probe);
    }

    fn permit_waited(&self, id: CycleId, now: Millis) -> Millis {
        let Some(Stage::Permit(held)) = self.cycles.middle(id).map(|m| &m.stage) else { return 0 };
        let since = held.iter().map(|held| held.since_ms).min();
        since.map_or(0, |since| now.saturating_sub(since))
    }
}

/// A time as Go writes it (`time.Duration.String`): `1.5s`, `5m0s`, `1h0m0s`.
fn go_duration(ms: Millis) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    if ms < 1_000 {
        return format!("{ms}ms");
    }
    let (hours, minutes, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let mut text = String::new();
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{}", rest / 1_000);
    let thousandths = format!("{:03}", rest % 1_000);
    let fraction = thousandths.trim_end_matches('0');
    if !fraction.is_empty() {
        let _ = write!(text, ".{fraction}");
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        let cases = [
            (0, "0s"),
            (250, "250ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (10_010, "10.01s"),
            (300_000, "5m0s"),
            (3_600_000, "1h0m0s"),
            (3_725_001, "1h2m5.001s"),
        ];
        for (ms, text) in cases {
            assert_eq!(go_duration(ms), text);
        }
    }
}
