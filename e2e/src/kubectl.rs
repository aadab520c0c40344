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

    /// Runs it and gives back its stderr, whether it fails or not: with `-v=8` the headers of what
    /// the API server answers are in it.
    pub async fn said(&self, args: &[&str]) -> Result<String> {
        let output = self.command(args).output().await?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs it with `input` on its stdin, for `-f -`.
    pub async fn run_with(&self, input: &str, args: &[&str]) -> Result<String> {
        let mut command = self.command(args);
        let mut child = command
            .stdin(Stdio::piped())
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

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            // Discovery is cached per host and port under the home folder by default: ports come
            // again with other servers behind them.
            .arg("--cache-dir")
            .arg(self.kubeconfig.with_extension("cache"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
