//! Which files may derive serde: those at the edge, so that no type of the engine ever becomes a
//! format that somebody depends on.

use crate::finding::Finding;
use crate::source::Source;

/// Folders and files whose types are formats.
const EDGE: [&str; 15] = [
    // Configuration and plugin arguments: formats of kube-scheduler's.
    "src/config",
    "plugins/src",
    "plugins/examples",
    // What the API server sends and takes.
    "src/watch",
    "src/client",
    "src/bind",
    "src/status",
    "src/events",
    "src/scheduler/lease",
    "src/serve",
    "src/cli/demo",
    // Cases and verdicts, one JSON object a line.
    "src/cli/evaluate",
    // The engine bench hands its results from process to process as JSON.
    "plugins/benches/measured",
    // Packages that speak JSON and nothing else.
    "src/sandbox",
    "e2e",
];

/// A derive of serde outside of [`EDGE`].
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let name = source.path.trim_end_matches(".rs");
    let at_edge = EDGE.iter().any(|edge| {
        name.strip_prefix(edge).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if !source.is_rust() || at_edge {
        return Vec::new();
    }
    let derives = source.code().filter(|(_, code)| {
        code.contains("derive(")
            && code
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == "Serialize" || word == "Deserialize")
    });
    let what = "derives serde: formats live at the shell's edge (a mirror type in src/config, \
                src/watch, ...)";
    derives.map(|(line, _)| Finding::new(&source.path, line, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn serde_stays_at_the_edge() {
        let derive = "#[derive(Debug, serde::Serialize)]\n";
        assert!(findings(check, "src/config/v1/plugins.rs", derive).is_empty());
        assert!(findings(check, "src/config.rs", derive).is_empty());
        assert_eq!(findings(check, "src/configuration.rs", derive).len(), 1);
        assert_eq!(findings(check, "src/engine/src/model/pod.rs", derive).len(), 1);
        assert!(findings(check, "src/engine/src/model/pod.rs", "#[derive(Debug)]\n").is_empty());
    }
}
