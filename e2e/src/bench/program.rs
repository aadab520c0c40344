//! Which rounds are run, and in which order.

use std::borrow::Cow;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::contestant::Contestant;
use super::op::Op;
use super::workload::Workload;
use crate::package_dir;

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
/// that nobody always comes after the same one; the sweep comes before everything else.
/// Shapes labelled `plain-beside` have plain pods right beside their own, and bare binds of their
/// own pods, which tell what the API server takes longer for. Shapes labelled `plain-instead` have
/// only the plain pods: a flooder would bind what fits nowhere.
pub fn contestants(workload: &Workload, round: usize) -> Vec<Contestant> {
    let mut line = vec![Contestant::KubeScheduler, Contestant::Berth];
    if workload.has_label("berth-only") {
        line.remove(0);
    }
    let has_ceiling = workload.has_label("ceiling");
    let has_beside = workload.has_label("plain-beside");
    if has_beside || workload.has_label("plain-instead") {
        line.push(Contestant::BerthPlain);
    }
    if has_ceiling || has_beside {
        line.push(Contestant::Binds);
    }
    if has_ceiling {
        line.push(Contestant::BindsAndEvents);
    }
    if round.is_multiple_of(2) {
        line.reverse();
    }
    if has_ceiling {
        line.insert(0, Contestant::Sweep);
    }
    line
}

/// The workload as a contestant gets it: with plain pods for [`Contestant::BerthPlain`].
pub fn entry(workload: &Workload, contestant: Contestant) -> Cow<'_, Workload> {
    if contestant != Contestant::BerthPlain {
        return Cow::Borrowed(workload);
    }
    let mut entry = workload.clone();
    let template = plain_pod().display().to_string();
    for op in &mut entry.ops {
        match op {
            Op::CreatePods(op) => op.pod_template_path = None,
            Op::CreatePodSets(op) => op.create_pods_op.pod_template_path = None,
            _ => {}
        }
    }
    entry.default_pod_template = Some(template);
    Cow::Owned(entry)
}

/// The pod of the shape `plain`.
pub(super) fn plain_pod() -> PathBuf {
    package_dir().join("bench/workloads/templates/pod.yaml")
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
  - {name: first, labels: [default, plain-beside]}
  - {name: second, labels: [plain-instead]}
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
        use Contestant::{Berth, BerthPlain, Binds, BindsAndEvents, KubeScheduler, Sweep};
        let all = workloads();
        let first = [Sweep, KubeScheduler, Berth, Binds, BindsAndEvents];
        assert_eq!(contestants(&all[0], 1), first);
        assert_eq!(contestants(&all[2], 2), [Binds, BerthPlain, Berth, KubeScheduler]);
        let second = [Sweep, BindsAndEvents, Binds, Berth, KubeScheduler];
        assert_eq!(contestants(&all[0], 2), second);
        assert_eq!(contestants(&all[1], 1), [Berth]);
        assert_eq!(contestants(&all[2], 1), [KubeScheduler, Berth, BerthPlain, Binds]);
        assert_eq!(contestants(&all[3], 1), [KubeScheduler, Berth, BerthPlain]);
    }

    #[test]
    fn plain_beside_is_the_shape_with_plain_pods() {
        let dir = package_dir().join("bench/workloads");
        let load = |file: &str| Workload::load(&dir.join(file)).unwrap();
        let plain = load("plain.yaml").remove(0).unwrap();
        for shape in load("affinity.yaml").into_iter().map(Result::unwrap) {
            assert!(shape.has_label("plain-beside"), "{}", shape.name);
            let beside = entry(&shape, Contestant::BerthPlain);
            let own = plain.path(plain.default_pod_template.as_ref().unwrap());
            assert_eq!(beside.path(beside.default_pod_template.as_ref().unwrap()), own);
            assert_eq!(beside.ops, shape.ops, "no operation of these names a template");
            let same = entry(&shape, Contestant::Berth);
            assert_eq!(same.default_pod_template, shape.default_pod_template);
        }
    }
}
