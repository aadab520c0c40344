//! How a reload ended, told: in the metrics, the log and an event.

use super::in_force::ReloadResult;
use super::{CONTROLLER, Following};
use crate::events::Statement;

impl Following {
    pub(super) fn count(&self, result: &ReloadResult) {
        let (counter, successful) = match result {
            ReloadResult::Success { .. } => (&self.metrics.success, 1),
            ReloadResult::Unchanged => (&self.metrics.unchanged, 1),
            ReloadResult::Rejected { .. } => (&self.metrics.rejected, 0),
        };
        counter.inc();
        self.metrics.successful.set(successful);
        self.metrics.time.set(jiff::Timestamp::now().as_second());
        self.metrics.hash.set(self.in_force.borrow().hash());
    }

    pub(super) fn log(&self, result: &ReloadResult, origin: &str) {
        let hash = self.in_force.borrow().hash();
        match result {
            ReloadResult::Success { needs_restart } => {
                let profiles = self.profiles();
                tracing::info!(file = origin, hash, profiles, "Configuration reloaded");
                if !needs_restart.is_empty() {
                    tracing::warn!(
                        file = origin,
                        fields = needs_restart.join(", "),
                        "Fields that are read at the start alone differ from then: restart the \
                         scheduler for them; everything else is in force"
                    );
                }
            }
            ReloadResult::Unchanged => {
                tracing::info!(file = origin, hash, "The configuration says what is in force");
            }
            ReloadResult::Rejected { problems } => tracing::error!(
                file = origin,
                hash,
                "Configuration refused, the one before it stays in force:\n{}",
                problems.join("\n")
            ),
        }
    }

    fn profiles(&self) -> String {
        self.in_force.borrow().loaded().scheduler_names().collect::<Vec<_>>().join(", ")
    }

    pub(super) async fn publish(&self, result: &ReloadResult) {
        let (kind, reason, note) = match result {
            ReloadResult::Unchanged => return,
            ReloadResult::Success { needs_restart } => {
                let mut note = format!("Configuration reloaded, profiles {}", self.profiles());
                if !needs_restart.is_empty() {
                    let fields = needs_restart.join(", ");
                    note.push_str(&format!("; these fields need a restart: {fields}"));
                }
                ("Normal", "ConfigReloaded", note)
            }
            ReloadResult::Rejected { problems } => {
                let problems = problems.join("; ");
                let note = format!("Refused, what was in force stays: {problems}");
                ("Warning", "ConfigRejected", note)
            }
        };
        let Some(subject) = &self.subject else { return };
        let regarding = subject.regarding(&self.client).await;
        let statement = Statement { kind, reason, action: "Reload", note };
        self.events.publish_about(regarding, CONTROLLER, statement);
    }
}
