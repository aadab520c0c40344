//! etcd, kube-apiserver, kube-controller-manager and KWOK on loopback, as one thing.
//!
//! Everything a run writes lies in `target/e2e-runs/NAME-PID`. [`ControlPlane::stop`] removes it;
//! dropped without, the servers are killed and the logs stay, to be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use tokio::sync::{Mutex, MutexGuard};

use crate::audit::Audit;
use crate::binaries::Binaries;
use crate::credentials::{self, Credentials};
use crate::kubectl::Kubectl;
use crate::process::Process;
use crate::{patience, ports, target_dir};

mod apiserver;
mod etcd;

/// Measured 9 s alone on two cores; the rest is room for a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// What a control plane is made of, besides etcd and kube-apiserver.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Names the folder of the run.
    pub name: String,
    /// kube-controller-manager: Jobs get their pods, Ready nodes lose the not-ready taint.
    pub controllers: bool,
    /// KWOK: nodes become Ready, bound pods run, a Job's pods succeed.
    pub kwok: bool,
    /// Benchmark settings of kube-apiserver: room for thousands of requests in flight, no
    /// priority and fairness, no audit log, and no not-ready taint on nodes that no controller
    /// looks after.
    pub load: bool,
}

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped in this order: those that would complain about a missing peer go first.
    kwok: Option<Process>,
    controllers: Option<Process>,
    apiserver: Process,
    etcd: Process,
    binaries: Binaries,
    credentials: Credentials,
    audit: Audit,
    apiserver_args: Vec<String>,
    url: String,
    dir: PathBuf,
    client: ClientHandle,
    stopped: bool,
    // Last: the next one may start once everything above has ended.
    _alone: MutexGuard<'static, ()>,
}

/// One control plane at a time in a process: tests of one file run side by side otherwise, and
/// two control planes on two cores tell little about either.
static ALONE: Mutex<()> = Mutex::const_new(());

/// [`Client`] without its own Debug output.
struct ClientHandle(Client);

impl std::fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl ControlPlane {
    /// Starts it and waits until kube-apiserver is ready.
    pub async fn start(options: &Options) -> Result<Self> {
        let alone = ALONE.lock().await;
        let binaries = Binaries::ready()?;
        let dir = run_dir(&options.name)?;
        let (mut etcd, etcd_url) = etcd::start(&binaries, &dir).await?;
        let port = ports::free()?;
        let url = format!("https://127.0.0.1:{port}");
        let credentials = Credentials::create(&dir.join("credentials"), &url)?;
        let audit = Audit::create(&dir)?;
        let mut args = apiserver::flags(&credentials, &etcd_url, port, options.load);
        if !options.load {
            args.extend(audit.flags());
        }
        let path = binaries.path("kube-apiserver");
        let mut apiserver = Process::spawn("kube-apiserver", &path, &args, &dir)?;
        let client = credentials::client(&credentials.admin()).await?;
        patience::until("kube-apiserver ready", READY_LIMIT, POLL, async || ready(&client).await)
            .await
            .or_else(|error| {
                etcd.running()?;
                apiserver.running()?;
                Err(error.context(apiserver.log_tail()))
            })?;
        let mut plane = Self {
            kwok: None,
            controllers: None,
            apiserver,
            etcd,
            binaries,
            credentials,
            audit,
            apiserver_args: args,
            url,
            dir,
            client: ClientHandle(client),
            stopped: false,
            _alone: alone,
        };
        if options.controllers {
            plane.controllers = Some(plane.start_controllers()?);
        }
        if options.kwok {
            plane.kwok = Some(plane.start_kwok()?);
        }
        Ok(plane)
    }

    /// The administrator's client.
    pub fn client(&self) -> Client {
        self.client.0.clone()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.credentials.admin()
    }

    /// kubectl as the administrator.
    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.binaries.path("kubectl"), self.kubeconfig())
    }

    /// Its keys and files.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What the schedulers asked of it. Not kept with [`Options::load`].
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The binaries it runs from.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// `https://127.0.0.1:PORT` of kube-apiserver.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of this run: logs, data, and room for the schedulers' files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Kills kube-apiserver (SIGKILL) and starts it again on the same port and data.
    pub async fn restart_apiserver(&mut self) -> Result<()> {
        self.apiserver.kill()?;
        let path = self.binaries.path("kube-apiserver");
        self.apiserver = Process::spawn("kube-apiserver", &path, &self.apiserver_args, &self.dir)?;
        let client = self.client();
        patience::until("kube-apiserver ready", READY_LIMIT, POLL, async || ready(&client).await)
            .await
    }

    /// Fails, with the log's end, when one of the servers has ended.
    pub fn running(&mut self) -> Result<()> {
        self.etcd.running()?;
        self.apiserver.running()?;
        for process in self.controllers.iter_mut().chain(&mut self.kwok) {
            process.running()?;
        }
        Ok(())
    }

    /// Checks that every server still runs, stops it, and removes the folder of the run: for
    /// runs that went well.
    pub fn stop(mut self) -> Result<()> {
        self.running()?;
        self.discard()
    }

    /// Stops what still runs and removes the folder of the run.
    pub fn discard(mut self) -> Result<()> {
        self.stopped = true;
        let dir = self.dir.clone();
        drop(self);
        fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())
    }

    fn start_controllers(&self) -> Result<Process> {
        let args = [
            format!("--kubeconfig={}", self.kubeconfig().display()),
            format!(
                "--service-account-private-key-file={}",
                self.credentials.token_key().display()
            ),
            format!("--root-ca-file={}", self.credentials.ca().display()),
            "--use-service-account-credentials=false".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // The default of 20 requests a second would make a Job of 1,000 pods wait a minute
            // for its pods.
            "--kube-api-qps=1000".to_owned(),
            "--kube-api-burst=2000".to_owned(),
        ];
        let path = self.binaries.path("kube-controller-manager");
        Process::spawn("kube-controller-manager", &path, &args, &self.dir)
    }

    fn start_kwok(&self) -> Result<Process> {
        let args = [
            format!("--kubeconfig={}", self.kubeconfig().display()),
            format!("--config={}", self.binaries.stages().display()),
            "--manage-all-nodes=true".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
        ];
        Process::spawn("kwok", &self.binaries.path("kwok"), &args, &self.dir)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if !self.stopped {
            eprintln!("logs are in {}", self.dir.display());
        }
    }
}

/// Makes the folder of a run, and removes those that runs of this name left behind and that no
/// live process owns.
fn run_dir(name: &str) -> Result<PathBuf> {
    ensure!(!name.is_empty(), "a control plane needs a name");
    let runs = target_dir().join("e2e-runs");
    fs::create_dir_all(&runs)?;
    for entry in fs::read_dir(&runs)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some((owner, pid)) = file_name.to_str().and_then(|text| text.rsplit_once('-')) else {
            continue;
        };
        if owner == name && !Path::new("/proc").join(pid).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    let dir = runs.canonicalize()?.join(format!("{name}-{}", std::process::id()));
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

async fn ready(client: &Client) -> Result<()> {
    let request = http::Request::get("/readyz").body(Vec::new())?;
    client.request_text(request).await?;
    Ok(())
}
