//! The engine reads no clock, opens no socket, starts no thread and does not log; it has one owner
//! and no locks.

use crate::finding::Finding;
use crate::source::Source;

/// Where the rule holds.
const PURE: [&str; 2] = ["src/engine/src/", "plugins/src/"];

const BANNED: [(&str, &str); 17] = [
    ("std::time::Instant", "time is an argument"),
    ("SystemTime", "time is an argument"),
    ("std::thread", "the engine runs on its caller's thread, and on the rayon pool it is given"),
    ("std::net", "the engine opens no socket"),
    ("std::fs", "the engine reads no file"),
    ("std::env", "the engine reads no environment"),
    ("std::process", "the engine ends and starts no process"),
    ("Mutex", "the engine's state has one owner"),
    ("RwLock", "the engine's state has one owner"),
    (
        "RandomState",
        "a run that is repeated hashes alike: `HashKey` for texts, rustc_hash for numbers",
    ),
    ("DefaultHashBuilder", "it is keyed by chance: `HashKey` for texts, rustc_hash for numbers"),
    ("HashMap::new()", "it is keyed by chance: `KeyedMap` for texts, rustc_hash for numbers"),
    ("HashSet::new()", "it is keyed by chance: `HashKey` for texts, rustc_hash for numbers"),
    ("println!", "the engine tells its caller, by effects and probes"),
    ("std::collections::HashMap", "hashbrown with rustc_hash: the same order in every run"),
    ("std::collections::HashSet", "hashbrown with rustc_hash: the same order in every run"),
    ("rayon::spawn", "a rayon task that outlives its step has no owner"),
];

/// What the engine and the plugins must not use, outside of their tests.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source.is_rust() || source.is_test() || !PURE.iter().any(|p| source.path.starts_with(p)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, code) in source.code() {
        for (word, why) in BANNED {
            if code.contains(word) {
                findings.push(Finding::new(&source.path, line, format!("{word}: {why}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    #[test]
    fn the_world_is_found_in_the_engine() {
        let clock = "use std::time::Instant;\n";
        let found = findings(check, "src/engine/src/queue.rs", clock);
        assert_eq!(found, ["src/engine/src/queue.rs:1: std::time::Instant: time is an argument"]);
        let map = "    users: HashMap::new(),\n";
        assert_eq!(findings(check, "src/engine/src/cache.rs", map).len(), 1);
        assert!(findings(check, "src/scheduler.rs", clock).is_empty());
        assert!(findings(check, "src/engine/src/queue/tests.rs", clock).is_empty());
        assert!(findings(check, "src/engine/src/queue.rs", "// No Mutex here.\n").is_empty());
    }
}
