//! `--feature-gates`.

use std::str::FromStr;

use super::parse_go_bool;
use crate::config::gates::{self, Gate};

/// One value of `--feature-gates`: `Name=bool`, separated by commas, each with `kube:` before it or
/// without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates(Vec<Gate>);

impl FromStr for Gates {
    type Err = String;

    /// # Errors
    /// No gate of kube-scheduler 1.37 has the name, its value is no boolean, or it is locked to the
    /// other one.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(gate).collect::<Result<_, _>>().map(Self)
    }
}

fn gate(part: &str) -> Result<Gate, String> {
    let Some((name, value)) = part.split_once('=') else {
        return Err(format!("{part:?}: give NAME=true or NAME=false"));
    };
    let name = match name.split_once(':') {
        Some(("kube", name)) => name,
        Some((component, _)) => {
            return Err(format!("{part:?}: no component {component:?}: give \"kube\" or none"));
        }
        None => name,
    };
    let value = parse_go_bool(value.trim()).map_err(|message| format!("{name}: {message}"))?;
    gates::gate(name, value)
}

impl Gates {
    /// One sentence about all gates that would change something in kube-scheduler, where there are
    /// any.
    pub fn warning(all: &[Self]) -> Option<String> {
        let warning = gates::warning(all.iter().flat_map(|gates| &gates.0));
        warning.map(|warning| format!("--feature-gates: {warning}"))
    }

    /// The gates that the flag sets to another value than `file` does: the flag counts.
    pub fn contradict(all: &[Self], file: &[Gate]) -> Vec<&'static str> {
        let last = |name| all.iter().flat_map(|gates| &gates.0).rfind(|gate| gate.name == name);
        let differs = |gate: &&Gate| last(gate.name).is_some_and(|flag| flag.value != gate.value);
        file.iter().filter(differs).map(|gate| gate.name).collect()
    }
}
