//! Which rounds are run, and in which order.

use anyhow::{Result, bail, ensure};

use super::contestant::Contestant;
use super::workload::Workload;

/// The workloads that `selection` names: `CASE` (its first workload) or `CASE/WORKLOAD`, several
/// with commas between them; without it every workload with the label `default`.
///
/// # Errors
/// A name that no workload has.
pub fn select<'a>(workloads: &'a [Workload], selection: Option<&str>) -> Result<Vec<&'a Workload>> {
    let Some(selection) = selection.filter(|text| !text.is_empty()) else {
        let all: Vec<&Workload> =
            workloads.iter().filter(|workload| workload.has_label("default")).collect();
        ensure!(!all.is_empty(), "no workload has the label `default`: name one");
        return Ok(all);
    };
    let mut selected = Vec::new();
    for name in selection.split(',').map(str::trim) {
        let found = workloads.iter().find(|workload| {
            workload.name == name || (workload.is_first && workload.case() == name)
        });
        match found {
            Some(workload) => selected.push(workload),
            None => {
                let names: Vec<&str> = workloads.iter().map(|one| one.name.as_str()).collect();
                bail!("no workload {name}; there are {}", names.join(", "));
            }
        }
    }
    Ok(selected)
}

/// Who takes part in a round of a workload, in order. The order turns from round to round, so
/// that nobody always comes after the same one; the sweep comes once, before everything else.
/// Shapes labelled `binds` have bare binds of their own pods beside them, which tell what the API
/// server takes longer for.
pub fn contestants(workload: &Workload, round: usize) -> Vec<Contestant> {
    let mut line = vec![Contestant::KubeScheduler, Contestant::Berth];
    if workload.has_label("berth-only") {
        line.remove(0);
    }
    let has_ceiling = workload.has_label("ceiling");
    if has_ceiling || workload.has_label("binds") {
        line.push(Contestant::Binds);
    }
    if has_ceiling {
        line.push(Contestant::BindsAndEvents);
    }
    if round.is_multiple_of(2) {
        line.reverse();
    }
    if has_ceiling && round == 1 {
        line.insert(0, Contestant::Sweep);
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    const FILE: &str = "
- name: a
  workloadTemplate: [{opcode: createPods, count: 1, collectMetrics: true}]
  workloads:
  - {name: first, labels: [default, ceiling]}
  - {name: second, labels: [berth-only]}
- name: b
  workloadTemplate: [{opcode: createPods, count: 1, collectMetrics: true}]
  workloads:
  - {name: first, labels: [default, binds]}
";

    fn workloads() -> Vec<Workload> {
        Workload::parse(FILE, Path::new(".")).unwrap().into_iter().map(Result::unwrap).collect()
    }

    fn names(selection: Option<&str>) -> Vec<String> {
        let all = workloads();
        select(&all, selection).unwrap().iter().map(|workload| workload.name.clone()).collect()
    }

    #[test]
    fn shapes_are_named() {
        assert_eq!(names(None), ["a/first", "b/first"]);
        assert_eq!(names(Some("")), ["a/first", "b/first"]);
        assert_eq!(names(Some("a")), ["a/first"]);
        assert_eq!(names(Some("b, a/second")), ["b/first", "a/second"]);
        let error = select(&workloads(), Some("c")).unwrap_err().to_string();
        assert!(error.contains("no workload c") && error.contains("a/second"), "{error}");
    }

    #[test]
    fn everyone_takes_turns() {
        use Contestant::{Berth, Binds, BindsAndEvents, KubeScheduler, Sweep};
        let all = workloads();
        let first = [Sweep, KubeScheduler, Berth, Binds, BindsAndEvents];
        assert_eq!(contestants(&all[0], 1), first);
        assert_eq!(contestants(&all[2], 2), [Binds, Berth, KubeScheduler]);
        assert_eq!(contestants(&all[0], 2), [BindsAndEvents, Binds, Berth, KubeScheduler]);
        assert_eq!(contestants(&all[1], 1), [Berth]);
        assert_eq!(contestants(&all[2], 1), [KubeScheduler, Berth, Binds]);
    }
}
