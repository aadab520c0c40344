//! `--feature-gates`: kube-scheduler's names are known, and none changes anything here.

use std::str::FromStr;

use berth_engine::framework::nearest;

use super::parse_go_bool;

/// The gates of kube-scheduler 1.37.2, one a line: name, default, and `locked` where it takes no
/// other value (`pkg/features` of Kubernetes, apiserver and client-go; the values are what the
/// binary answers).
const GATES: &str = include_str!("feature_gates.txt");

/// One value of `--feature-gates`: `Name=bool`, separated by commas, each with `kube:` before it or
/// without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates(Vec<Gate>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Gate {
    name: &'static str,
    value: bool,
    default: bool,
}

struct Known {
    name: &'static str,
    default: bool,
    locked: bool,
}

fn known() -> impl Iterator<Item = Known> {
    GATES.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, default) = (words.next()?, words.next()? == "true");
        Some(Known { name, default, locked: words.next().is_some() })
    })
}

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
    let Some(gate) = known().find(|gate| gate.name == name) else {
        let nearest = nearest(name, known().map(|gate| gate.name));
        let hint = nearest.map_or(String::new(), |name| format!(": did you mean {name}?"));
        return Err(format!("kube-scheduler 1.37 has no feature gate {name}{hint}"));
    };
    let Known { name, default, locked } = gate;
    if locked && value != default {
        return Err(format!("{name} is locked to {default} in kube-scheduler 1.37"));
    }
    Ok(Gate { name, value, default })
}

impl Gates {
    /// One sentence about all gates that would change something in kube-scheduler, where there are
    /// any. Of a gate that is named twice the last value counts.
    pub fn warning(all: &[Self]) -> Option<String> {
        let mut changed: Vec<&Gate> = Vec::new();
        for gate in all.iter().flat_map(|gates| &gates.0) {
            changed.retain(|other| other.name != gate.name);
            if gate.value != gate.default {
                changed.push(gate);
            }
        }
        let names: Vec<String> =
            changed.iter().map(|gate| format!("{}={}", gate.name, gate.value)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "--feature-gates: {} without effect: Berth follows the defaults of kube-scheduler \
                 1.37",
                names.join(", ")
            )
        })
    }
}
