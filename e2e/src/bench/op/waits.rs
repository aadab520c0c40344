//! Operations that wait.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::bench::parameter::Parameters;

/// `barrier`: waits for the pods that nobody waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Barrier {
    /// Where; everywhere without them.
    pub namespaces: Vec<String>,
    /// Labels the pods must have.
    pub label_selector: BTreeMap<String, String>,
    /// What must have happened to each.
    pub stage_requirement: Stage,
}

/// How far a pod must have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It has a node.
    #[default]
    Scheduled,
    /// It has a node, or the scheduler has said why not.
    Attempted,
}

/// `sleep`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Sleep {
    /// How long, as Go writes it: `1m30s`.
    pub duration: Option<String>,
    /// A parameter in its place.
    pub duration_param: Option<String>,
}

impl Sleep {
    pub(super) fn resolve(&mut self, params: &Parameters) -> Result<()> {
        let name = self.duration_param.take();
        self.duration = params.text(self.duration.as_deref(), name.as_deref())?;
        self.length().map(drop)
    }

    /// How long.
    ///
    /// # Errors
    /// A duration that cannot be read.
    pub fn length(&self) -> Result<Duration> {
        self.duration.as_deref().map_or(Ok(Duration::ZERO), duration)
    }
}

/// A duration as Go writes it (`time.ParseDuration`), without signs.
///
/// # Errors
/// What is no duration.
pub fn duration(text: &str) -> Result<Duration> {
    const UNITS: [(&str, f64); 5] =
        [("ms", 1e-3), ("us", 1e-6), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
    let wrong = || format!("duration {text}: expected such as 1m30s or 500ms");
    let mut seconds = 0.0;
    let mut rest = text;
    ensure!(!rest.is_empty(), wrong());
    while !rest.is_empty() && rest != "0" {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').with_context(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().with_context(wrong)?;
        let (unit, factor) =
            UNITS.iter().find(|(unit, _)| tail.starts_with(unit)).with_context(wrong)?;
        seconds += number * factor;
        rest = &tail[unit.len()..];
    }
    Duration::try_from_secs_f64(seconds).with_context(wrong)
}
