//! kubectl of the control plane's own version, by its full path.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// kubectl with one user's kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    path: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// kubectl at `path` for the user of `kubeconfig`.
    pub fn new(path: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { path, kubeconfig }
    }

    /// Runs it and gives back its stdout; fails with its stderr.
    pub async fn run(&self, args: &[&str]) -> Result<String> {
        self.run_with("", args).await
    }

    /// Runs it with `input` on its stdin, for `-f -`.
    pub async fn run_with(&self, input: &str, args: &[&str]) -> Result<String> {
        let mut child = Command::new(&self.path)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            // Discovery is cached per host and port under the home folder by default: ports come
            // again with other servers behind them.
            .arg("--cache-dir")
            .arg(self.kubeconfig.with_extension("cache"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| self.path.display().to_string())?;
        let mut stdin = child.stdin.take().context("kubectl: no stdin")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl {}: {}", args.join(" "), complaint.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
