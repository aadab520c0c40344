//! Whether the fuzz targets' lock file is in step: they are a workspace of their own, so nothing
//! else reads it before `make fuzz` builds with `--locked`.

use anyhow::{Context, Result, bail};

use crate::task;

const MANIFEST: &str = "hack/fuzz/Cargo.toml";

/// What cargo said of the lock file.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    InStep,
    Stale,
    /// It could not tell: what it wrote.
    Unknown(String),
}

/// Asks cargo to resolve by the lock file, which stays as it is.
///
/// # Errors
/// It is out of step with the manifests, or cargo fails for another reason.
pub(crate) fn check() -> Result<()> {
    // Without the network a machine that has built the targets answers in 0.2 s; another has yet
    // to download what they depend on.
    let verdict = match ask(&["--offline"])? {
        Verdict::Unknown(_) => ask(&[])?,
        told => told,
    };
    match verdict {
        Verdict::InStep => Ok(()),
        Verdict::Stale => bail!(
            "hack/fuzz/Cargo.lock is out of step with the manifests: \
             `cargo update --workspace --manifest-path {MANIFEST}`, and commit it"
        ),
        Verdict::Unknown(told) => bail!("cargo metadata of {MANIFEST}:\n{told}"),
    }
}

fn ask(more: &[&str]) -> Result<Verdict> {
    let fixed = ["metadata", "--locked", "--format-version=1", "--manifest-path", MANIFEST];
    let output = task::cargo(&[&fixed, more].concat())?.output().context("cannot run cargo")?;
    Ok(judge(output.status.success(), &String::from_utf8_lossy(&output.stderr)))
}

fn judge(succeeded: bool, told: &str) -> Verdict {
    if succeeded {
        Verdict::InStep
    } else if told.contains("because --locked was passed") {
        Verdict::Stale
    } else {
        Verdict::Unknown(told.trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_told_from_a_crate_that_is_not_here() {
        // As cargo 1.95 writes them.
        let stale = "error: cannot update the lock file /x/hack/fuzz/Cargo.lock because --locked \
                     was passed to prevent this\nhelp: to generate the lock file without accessing \
                     the network, remove the --locked flag and use --offline instead.\n";
        let absent = "error: no matching package named `anyhow` found\nlocation searched: \
                      crates.io index\n";
        assert_eq!(judge(false, stale), Verdict::Stale);
        assert_eq!(judge(false, &stale.replace("update", "create")), Verdict::Stale);
        assert_eq!(judge(false, absent), Verdict::Unknown(absent.trim_end().to_owned()));
        assert_eq!(judge(true, "warning: something\n"), Verdict::InStep);
    }
}
