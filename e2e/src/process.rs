//! A child process with a log file, that never outlives us.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::usage::Usage;

/// Kills a child when the thread that started it dies, where util-linux has it: so that a test
/// runner that is itself killed leaves no servers behind.
const SETPRIV: &str = "/usr/bin/setpriv";

const POLL: Duration = Duration::from_millis(20);

/// One server under test. Dropped (also by a panic or a deadline): killed and reaped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `args`; stdout and stderr are appended to `DIR/NAME.log`.
    ///
    /// Start it from a thread that lives as long as the process should, not from
    /// `spawn_blocking`.
    pub fn spawn<A: AsRef<str>>(
        name: &str,
        program: &Path,
        args: &[A],
        dir: &Path,
    ) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log)?;
        ensure!(program.is_file(), "{name}: no such program: {}", program.display());
        let mut command = if Path::new(SETPRIV).is_file() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let child = command
            .args(args.iter().map(AsRef::as_ref))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .current_dir(dir)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The path of the log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The whole log so far.
    pub fn log_text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// Its CPU time and memory so far. Fails once the process has ended.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.id()).with_context(|| self.name.clone())
    }

    /// Fails with the end of the log when the process has ended.
    pub fn running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended ({status}); {}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Waits for `work`; fails at once when the process ends meanwhile.
    pub async fn alive_during<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let ended = async {
            loop {
                if let Err(error) = self.running() {
                    return error;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::select! {
            done = work => done,
            error = ended => Err(error),
        }
    }

    /// Sends SIGTERM and waits for the end; past `limit` it is killed, which is an error.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        // A shell's builtin: there is no safe kill(2) in std, and no `kill` program everywhere.
        let status = Command::new("/bin/sh")
            .args(["-c", "kill -TERM \"$0\""])
            .arg(self.id().to_string())
            .status()?;
        ensure!(status.success(), "{}: kill -TERM {}: {status}", self.name, self.id());
        self.exit(limit).await
    }

    /// Waits for the process to end by itself; past `limit` it is killed, which is an error.
    pub async fn exit(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                self.kill()?;
                bail!("{} still ran after {} s; {}", self.name, limit.as_secs(), self.log_tail());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// SIGKILL, and reaps it.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The last lines of the log, for error messages.
    pub fn log_tail(&self) -> String {
        let mut tail = format!("{}:", self.log.display());
        let text = self.log_text().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(15)..] {
            let _ = write!(tail, "\n  {line}");
        }
        tail
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process has already been reaped.
        let _ = self.kill();
    }
}
