//! Which module of the engine, and which room of the shell, may use which: the flow of data, held
//! as tables.

use crate::finding::Finding;
use crate::source::Source;

const ENGINE: &str = "src/engine/src/";

const SHELL: &str = "src/";

/// Crates within the shell's folder.
const WITHIN_SHELL: [&str; 2] = ["src/engine/", "src/sandbox/"];

/// A module at a crate's root, and what it may use.
type Row = (&'static str, &'static [&'static str]);

/// Each room of the shell and what it may use: commands above the reload above the scheduler above
/// what reads and writes.
const ROOMS: [Row; 13] = [
    ("escape", &[]),
    ("causes", &[]),
    ("client", &["causes"]),
    ("watch", &["causes", "client"]),
    ("metrics", &["watch"]),
    ("events", &["client", "metrics"]),
    ("status", &["client", "metrics"]),
    ("bind", &["client", "metrics", "watch"]),
    ("config", &["client", "escape", "events"]),
    ("serve", &["client", "events", "metrics"]),
    ("scheduler", &["bind", "client", "config", "events", "metrics", "status", "watch"]),
    ("reload", &["causes", "client", "config", "events", "metrics", "scheduler"]),
    (
        "cli",
        &[
            "bind",
            "causes",
            "client",
            "config",
            "escape",
            "events",
            "metrics",
            "reload",
            "scheduler",
            "serve",
            "watch",
        ],
    ),
];

/// Each module and what it may use. A plugin reads the cache; the cache tells its changes in the
/// words of the model, in which a plugin declares its reads, as does the table of kinds.
/// The queue knows neither cache nor cycle; `engine` is where everything meets.
const MODULES: [Row; 14] = [
    ("stored", &[]),
    ("base", &["stored"]),
    ("record", &["stored", "base"]),
    ("model", &["stored", "base", "record"]),
    ("object", &["stored", "record", "model"]),
    ("cache", &["stored", "base", "record", "model", "object"]),
    ("framework", &["stored", "base", "record", "model", "object", "cache"]),
    ("effect", &["stored", "base", "record", "framework"]),
    ("input", &["stored", "base", "record", "object", "framework"]),
    ("probe", &["base", "framework"]),
    ("queue", &["stored", "base", "framework", "model"]),
    ("cycle", &["base", "model", "framework", "cache", "probe"]),
    ("ranking", &["base", "model", "framework", "cache", "cycle"]),
    (
        "engine",
        &[
            "stored",
            "base",
            "record",
            "model",
            "effect",
            "framework",
            "cache",
            "input",
            "probe",
            "queue",
            "cycle",
            "ranking",
        ],
    ),
];

/// A use of a module that its crate's table does not allow, and a module that is not in the table.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let (root, table): (&str, &[Row]) = match source.path.starts_with(ENGINE) {
        true => (ENGINE, &MODULES),
        false if WITHIN_SHELL.iter().any(|folder| source.path.starts_with(folder)) => return vec![],
        false => (SHELL, &ROOMS),
    };
    let Some(path) = source.path.strip_prefix(root).and_then(|p| p.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let module = path.split('/').next().unwrap_or(path);
    if matches!(path, "lib" | "main") || source.is_test() {
        return Vec::new();
    }
    let Some((_, allowed)) = table.iter().find(|(name, _)| *name == module) else {
        let what = format!("module `{module}` has no row in the table of hack's tidy/edges.rs");
        return vec![Finding::new(&source.path, 1, what)];
    };
    let depth = path.split('/').count();
    let mut findings = Vec::new();
    for (line, code) in source.code() {
        for used in modules(code, depth) {
            let known = table.iter().any(|(name, _)| *name == used);
            // What is no module is re-exported at the root, where two ways to a name begin.
            if !known {
                let what = format!("crate::{used}: use it by its module's path");
                findings.push(Finding::new(&source.path, line, what));
            } else if used != module && !allowed.contains(&used) {
                let what = format!("`{module}` may not use `{used}`");
                findings.push(Finding::new(&source.path, line, what));
            }
        }
    }
    findings
}

/// The modules at the crate's root that a line of a module at `depth` names.
fn modules(code: &str, depth: usize) -> Vec<&str> {
    let root = "super::".repeat(depth);
    let prefix = if code.contains(&root) { root.as_str() } else { "crate::" };
    code.split(prefix).skip(1).flat_map(first_names).collect()
}

/// The first name of a path, or of each path of a list in braces.
fn first_names(path: &str) -> Vec<&str> {
    let name = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let Some(list) = path.strip_prefix('{') else {
        return vec![&path[..name(path).unwrap_or(path.len())]];
    };
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = list[start..at].trim();
                names.push(&item[..name(item).unwrap_or(item.len())]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::findings;

    fn edges(file: &str, text: &str) -> Vec<String> {
        findings(check, &format!("{ENGINE}{file}"), text)
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        assert!(edges("cycle/pick.rs", "use crate::base::Random;\n").is_empty());
        let found = edges("queue/parked.rs", "use crate::cache::Cache;\n");
        assert_eq!(found, ["src/engine/src/queue/parked.rs:1: `queue` may not use `cache`"]);
        assert_eq!(edges("base.rs", "    let x = crate::model::Pod::default();\n").len(), 1);
        assert_eq!(edges("base/symbol.rs", "use super::super::model::Pod;\n").len(), 1);
        assert!(edges("cache/pods.rs", "use super::Cache;\n").is_empty());
        assert!(edges("record.rs", "//! Only [`crate::cache`] reads them.\n").is_empty());
        assert!(edges("engine.rs", "pub(crate) fn step() {}\n").is_empty());
    }

    #[test]
    fn lists_are_read_at_their_first_level() {
        let found =
            edges("queue.rs", "use crate::{base::{Sym, PodIdx}, cycle, framework::Code};\n");
        assert_eq!(found, ["src/engine/src/queue.rs:1: `queue` may not use `cycle`"]);
    }

    #[test]
    fn a_new_module_needs_a_row() {
        assert_eq!(edges("gang.rs", "//! Gangs.\n").len(), 1);
    }

    #[test]
    fn rooms_of_the_shell_have_an_order() {
        let found = |path, text| findings(check, path, text);
        assert!(found("src/reload/file.rs", "use crate::scheduler::Scheduler;\n").is_empty());
        let wrong = found("src/scheduler.rs", "use crate::reload::InForce;\n");
        assert_eq!(wrong, ["src/scheduler.rs:1: `scheduler` may not use `reload`"]);
        assert!(found("src/sandbox/src/api.rs", "use crate::registry::Registry;\n").is_empty());
        assert_eq!(found("src/run.rs", "//! Runs.\n").len(), 1);
    }

    #[test]
    fn a_table_names_only_what_is_above() {
        for table in [&MODULES[..], &ROOMS[..]] {
            let known = |name: &str| table.iter().any(|(row, _)| *row == name);
            assert!(table.iter().all(|(_, uses)| uses.iter().all(|used| known(used))));
            for (at, (module, uses)) in table.iter().enumerate() {
                let above = |used: &&str| table[..at].iter().any(|(row, _)| row == used);
                assert!(uses.iter().all(above), "{module}");
            }
        }
    }
}
