//! What makes rounds comparable: the machine, the builds, the workload.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::op::Op;
use super::program::plain_pod;
use super::workload::Workload;
use crate::workspace_dir;

/// The machine, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that a process may use.
    pub cores: usize,
    /// Memory in GiB, rounded.
    pub memory_gib: u64,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The commit, for people: a tree with changes has the mark `+`.
    pub commit: String,
    /// Fingerprint of Berth's binary.
    pub berth: String,
    /// Fingerprint of kube-scheduler's and kube-apiserver's binaries.
    pub kubernetes: String,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// Where `/proc/meminfo` cannot be read.
    pub fn here() -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
        let memory_gib = memory_gib(&text).context("/proc/meminfo: no MemTotal")?;
        Ok(Self { cores, memory_gib })
    }

    /// `2 cores, 24 GiB`.
    pub fn text(&self) -> String {
        format!("{} cores, {} GiB", self.cores, self.memory_gib)
    }
}

impl Build {
    /// Of these binaries.
    ///
    /// # Errors
    /// A binary that cannot be read.
    pub fn of(berth: &Path, kubernetes: &[&Path]) -> Result<Self> {
        let each = kubernetes.iter().map(|path| file_fingerprint(path));
        let all: String = each.collect::<Result<_>>()?;
        Ok(Self {
            commit: commit(),
            berth: file_fingerprint(berth)?,
            kubernetes: fingerprint(all.as_bytes()),
        })
    }

    /// Whether rounds of the two may be compared.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.berth, &self.kubernetes) == (&other.berth, &other.kubernetes)
    }
}

/// A mark of a workload: its operations, its labels that steer the run, and every template, with
/// the plain pod where plain pods run beside.
///
/// # Errors
/// A template that cannot be read.
pub fn workload_mark(workload: &Workload) -> Result<String> {
    let mut text = serde_json::to_string(&(&workload.ops, &workload.feature_gates))?;
    text.push_str(if workload.has_label("backlog") { "backlog" } else { "arriving" });
    let default = workload.default_pod_template.as_deref();
    let of_ops = workload.ops.iter().flat_map(Op::template_paths);
    let mut paths: Vec<PathBuf> =
        default.into_iter().chain(of_ops).map(|path| workload.path(path)).collect();
    paths.extend(workload.scheduler_config.clone());
    if workload.has_label("plain-beside") || workload.has_label("plain-instead") {
        paths.push(plain_pod());
    }
    for path in paths {
        text.push_str(&fs::read_to_string(&path).with_context(|| path.display().to_string())?);
    }
    Ok(fingerprint(text.as_bytes()))
}

/// FNV-1a, 64 bits: tells builds apart, and keeps nobody from forging one.
pub fn fingerprint(bytes: &[u8]) -> String {
    format!("{:016x}", fnv(FNV_START, bytes))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn file_fingerprint(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    let mut hash = FNV_START;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(format!("{hash:016x}"));
        }
        hash = fnv(hash, &buffer[..length]);
    }
}

/// The commit that is checked out, or `unknown` outside a repository.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(workspace_dir()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_some_and(|text| !text.is_empty()) { format!("{head}+") } else { head }
}

fn memory_gib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kib + (1 << 19)) >> 20)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn memory_is_rounded() {
        assert_eq!(memory_gib("MemTotal:       24683692 kB\nMemFree: 1 kB\n"), Some(24));
        assert_eq!(memory_gib("MemFree: 1 kB\n"), None);
        assert!(Machine::here().unwrap().text().contains(" cores, "));
    }

    #[test]
    fn fingerprints_are_fnv_1a() {
        // Test vectors of the FNV reference.
        assert_eq!(fingerprint(b""), "cbf29ce484222325");
        assert_eq!(fingerprint(b"foobar"), "85944171f73967e8");
    }

    #[test]
    fn a_workload_is_marked_by_its_numbers() {
        let path = crate::package_dir().join("bench/workloads/plain.yaml");
        let marks: Vec<String> = Workload::load(&path)
            .unwrap()
            .into_iter()
            .map(|workload| workload_mark(&workload.unwrap()).unwrap())
            .collect();
        let mut distinct = marks.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), marks.len());
    }

    #[test]
    fn every_template_is_in_the_mark() {
        const FILE: &str = "
- name: a
  defaultPodTemplatePath: default.yaml
  schedulerConfigPath: config.yaml
  workloadTemplate:
  - {opcode: createNodes, count: 1, nodeTemplatePath: node.yaml}
  - {opcode: createNamespaces, prefix: ns, count: 1, namespaceTemplatePath: namespace.yaml}
  - {opcode: churn, mode: create, templatePaths: [service.yaml]}
  - {opcode: createAny, templatePath: any.yaml}
  - opcode: createPodSets
    namespacePrefix: ns
    count: 1
    createPodsOp:
      opcode: createPods
      count: 1
      collectMetrics: true
      podTemplatePath: pod.yaml
      persistentVolumeTemplatePath: volume.yaml
      persistentVolumeClaimTemplatePath: claim.yaml
  workloads: [{name: first}]
";
        let dir = tempfile::tempdir().unwrap();
        let names = ["default", "config", "node", "namespace", "service", "any", "pod", "volume"];
        let names = names.iter().chain(&["claim"]);
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(format!("{name}.yaml")), text).unwrap();
        };
        names.clone().for_each(|name| write(name, "before"));
        let workload = Workload::parse(FILE, dir.path()).unwrap().remove(0).unwrap();
        let mut marks = vec![workload_mark(&workload).unwrap()];
        for name in names {
            write(name, "after");
            let mark = workload_mark(&workload).unwrap();
            assert!(!marks.contains(&mark), "{name} is not in it");
            marks.push(mark);
        }
        let mut beside = workload;
        beside.labels.push("plain-beside".to_owned());
        assert!(!marks.contains(&workload_mark(&beside).unwrap()), "the plain pod");
    }
}
