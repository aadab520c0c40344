//! The feature gates of kube-scheduler: their names are known, and none changes anything here.
//! They come by `--feature-gates` and by `featureGates` of a BerthConfiguration.

use berth_engine::framework::nearest;

/// The gates of kube-scheduler 1.37.2, one a line: name, default, and `locked` where it takes no
/// other value (`pkg/features` of Kubernetes, apiserver and client-go; the values are what the
/// binary answers).
const GATES: &str = include_str!("feature_gates.txt");

/// A gate with the value that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub name: &'static str,
    /// What is asked for.
    pub value: bool,
    /// What kube-scheduler has without that, and Berth always.
    pub default: bool,
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

/// The gate of this name, asked for by this value.
///
/// # Errors
/// No gate of kube-scheduler 1.37 has the name, or it is locked to the other value.
pub fn gate(name: &str, value: bool) -> Result<Gate, String> {
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

/// What to say of all gates that would change something in kube-scheduler, where there are any. Of
/// a gate that is named twice the last value counts.
pub fn warning<'a>(gates: impl IntoIterator<Item = &'a Gate>) -> Option<String> {
    let mut changed: Vec<&Gate> = Vec::new();
    for gate in gates {
        changed.retain(|other| other.name != gate.name);
        if gate.value != gate.default {
            changed.push(gate);
        }
    }
    let name = |gate: &&Gate| format!("{}={}", gate.name, gate.value);
    let names: Vec<String> = changed.iter().map(name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} without effect: Berth follows the defaults of kube-scheduler 1.37",
            names.join(", ")
        )
    })
}
