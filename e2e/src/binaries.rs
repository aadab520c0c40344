//! The binaries of the control plane, built from the Go modules of this package.
//!
//! `e2e/controlplane` gives etcd, kube-apiserver, kube-controller-manager, kube-scheduler and
//! kubectl; `e2e/kwok` gives kwok (its dependencies differ, so it is a module of its own).
//! Both build into `target/e2e-bin`. The stamp of a module is the text of the go.mod and go.sum
//! its binaries were built from, so a second run builds nothing.
//! `BERTH_E2E_BIN` names a folder with binaries built elsewhere, and turns the build off.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{package_dir, target_dir};

/// Without these the binaries take themselves for v0.0.0 and fail version checks.
const LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37";

const CONTROL_PLANE: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];

/// The stages that play nodes and pods. `general/pod-complete` lets a Job's pod run for the time
/// its annotations ask for (1 to 5 s without them); the fast one would end it at once.
const STAGES: [&str; 5] = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/general/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

/// A folder that holds every binary of the control plane and KWOK's stages.
#[derive(Debug, Clone)]
pub struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// Takes the binaries of `BERTH_E2E_BIN`, else builds what is missing or out of date.
    ///
    /// A cold build takes about 14 minutes on two cores; Go's output goes to our stderr.
    pub fn ready() -> Result<Self> {
        let binaries = match std::env::var_os("BERTH_E2E_BIN") {
            Some(dir) => Self { dir: PathBuf::from(dir) },
            None => {
                let dir = target_dir().join("e2e-bin");
                build_controlplane(&dir)?;
                build_kwok(&dir)?;
                Self { dir }
            }
        };
        for name in CONTROL_PLANE.iter().chain(&["kwok"]) {
            let path = binaries.path(name);
            ensure!(
                path.is_file(),
                "{} is missing: unset BERTH_E2E_BIN to build it",
                path.display()
            );
        }
        binaries.write_stages()?;
        Ok(binaries)
    }

    /// The full path of one binary: another kubectl or etcd may be on `PATH`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// KWOK's configuration: the stages of its module, joined into one file.
    pub fn stages(&self) -> PathBuf {
        self.dir.join("kwok-stages.yaml")
    }

    fn write_stages(&self) -> Result<()> {
        let module = package_dir().join("kwok");
        if self.stages().is_file() && up_to_date(&module, &self.dir.join("kwok-stages.stamp"))? {
            return Ok(());
        }
        let source = module_dir(&module, "sigs.k8s.io/kwok")?.join("kustomize/stage");
        let mut joined = String::new();
        for stage in STAGES {
            let path = source.join(stage);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            joined.push_str(&text);
            joined.push_str("\n---\n");
        }
        fs::write(self.stages(), joined)?;
        stamp(&module, &self.dir.join("kwok-stages.stamp"))
    }
}

/// The source of Kubernetes that its binaries are built from, in Go's module cache.
///
/// # Errors
/// No Go, or a module that cannot be downloaded.
pub fn kubernetes_source() -> Result<PathBuf> {
    module_dir(&package_dir().join("controlplane"), "k8s.io/kubernetes")
}

fn build_controlplane(dir: &Path) -> Result<()> {
    let module = package_dir().join("controlplane");
    let stamp_file = dir.join("controlplane.stamp");
    if CONTROL_PLANE.iter().all(|name| dir.join(name).is_file())
        && up_to_date(&module, &stamp_file)?
    {
        return Ok(());
    }
    eprintln!("building etcd and Kubernetes into {} (minutes, once)", dir.display());
    go_build(&module, dir)?;
    // etcd's main package is called `server`.
    fs::rename(dir.join("server"), dir.join("etcd"))?;
    stamp(&module, &stamp_file)
}

fn build_kwok(dir: &Path) -> Result<()> {
    let module = package_dir().join("kwok");
    let stamp_file = dir.join("kwok.stamp");
    if dir.join("kwok").is_file() && up_to_date(&module, &stamp_file)? {
        return Ok(());
    }
    eprintln!("building KWOK into {}", dir.display());
    go_build(&module, dir)?;
    stamp(&module, &stamp_file)
}

fn go_build(module: &Path, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let mut out = dir.canonicalize()?.into_os_string();
    // With the slash at its end go takes it for a folder, however many tools there are.
    out.push("/");
    let status = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", LDFLAGS, "-o"])
        .arg(out)
        .arg("tool")
        .current_dir(module)
        .status()
        .context("cannot run `go`: install Go 1.26 or newer")?;
    ensure!(status.success(), "go build in {} failed: {status}", module.display());
    Ok(())
}

fn module_dir(module: &Path, name: &str) -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", name])
        .current_dir(module)
        .output()
        .context("cannot run `go`: install Go 1.26 or newer")?;
    let dir = String::from_utf8(output.stdout)?.trim().to_owned();
    if !output.status.success() || dir.is_empty() {
        bail!("go list -m {name} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(PathBuf::from(dir))
}

fn stamp_text(module: &Path) -> Result<String> {
    let sums = fs::read_to_string(module.join("go.sum"))
        .with_context(|| format!("{}: run `go mod tidy` there", module.display()))?;
    Ok(format!("{LDFLAGS}\n{STAGES:?}\n{}{sums}", fs::read_to_string(module.join("go.mod"))?))
}

fn up_to_date(module: &Path, stamp_file: &Path) -> Result<bool> {
    let wanted = stamp_text(module)?;
    Ok(fs::read_to_string(stamp_file).is_ok_and(|built| built == wanted))
}

fn stamp(module: &Path, stamp_file: &Path) -> Result<()> {
    Ok(fs::write(stamp_file, stamp_text(module)?)?)
}
