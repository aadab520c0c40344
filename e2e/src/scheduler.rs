//! Starting a scheduler on a control plane: Berth, or kube-scheduler as its peer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::BodyExt as _;
use kube::config::AuthInfo;
use kube::{Client, Config};

use crate::controlplane::ControlPlane;
use crate::process::Process;
use crate::{patience, ports, target_dir};

/// Start-up lists every object of the cluster first.
const READY_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// Which scheduler to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `berth run` of the workspace (`BERTH_BIN` names another binary).
    Berth,
    /// kube-scheduler from `e2e/controlplane`.
    KubeScheduler,
}

impl Kind {
    /// The program's own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Berth => "berth",
            Self::KubeScheduler => "kube-scheduler",
        }
    }
}

/// How to start a scheduler.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names its log and its folder in the run.
    pub name: String,
    /// Which program.
    pub kind: Kind,
    /// The user it runs as.
    pub kubeconfig: PathBuf,
    /// A KubeSchedulerConfiguration.
    pub config: String,
    /// How much it logs: `-v`.
    pub verbosity: u8,
    /// Flags besides those every scheduler gets.
    pub flags: Vec<String>,
}

/// A running scheduler.
#[derive(Debug)]
pub struct Scheduler {
    /// Its process.
    pub process: Process,
    port: u16,
}

impl Scheduler {
    /// Starts it and does not wait.
    pub fn spawn(plane: &ControlPlane, options: &Options) -> Result<Self> {
        let dir = plane.dir().join(&options.name);
        fs::create_dir_all(&dir)?;
        let config = dir.join("config.yaml");
        fs::write(&config, &options.config)?;
        let port = ports::free()?;
        let args = arguments(options, &config, &dir, port);
        let program = match options.kind {
            Kind::Berth => berth_binary()?,
            Kind::KubeScheduler => plane.binaries().path("kube-scheduler"),
        };
        let process = Process::spawn(&options.name, &program, &args, plane.dir())?;
        Ok(Self { process, port })
    }

    /// Starts it and waits until `/readyz` says 200.
    pub async fn start(plane: &ControlPlane, options: &Options) -> Result<Self> {
        let mut scheduler = Self::spawn(plane, options)?;
        let what = format!("{} ready", options.name);
        let client = scheduler.client(None)?;
        let answer = patience::until(&what, READY_LIMIT, POLL, async || {
            let (status, body) = get(&client, "/readyz").await?;
            ensure!(status == 200, "/readyz: {status} {body}");
            Ok(())
        });
        let ready = scheduler.process.alive_during(answer).await;
        ready.with_context(|| scheduler.process.log_tail())?;
        Ok(scheduler)
    }

    /// GET of a path of its secure port: status and body. With no token it is an anonymous user.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Result<(u16, String)> {
        get(&self.client(token)?, path).await
    }

    fn client(&self, token: Option<&str>) -> Result<Client> {
        let mut config = Config::new(format!("https://127.0.0.1:{}", self.port).parse()?);
        // Its certificate is self-signed, made in its memory.
        config.accept_invalid_certs = true;
        config.default_retry = false;
        let token = token.map(|text| text.to_owned().into());
        config.auth_info = AuthInfo { token, ..AuthInfo::default() };
        Ok(Client::try_from(config)?)
    }
}

impl Options {
    /// One profile for the pods of `scheduler_name`, no limit on requests, nobody elected.
    pub fn unlimited(kind: Kind, kubeconfig: PathBuf, scheduler_name: &str) -> Self {
        let config = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\n\
             clientConnection:\n  kubeconfig: {}\n  qps: 100000\n  burst: 100000\n  \
             contentType: application/vnd.kubernetes.protobuf\n\
             profiles:\n- schedulerName: {scheduler_name}\n",
            kubeconfig.display()
        );
        let name = kind.name().to_owned();
        Self { name, kind, kubeconfig, config, verbosity: 2, flags: Vec::new() }
    }
}

/// The binary under test: `BERTH_BIN`, else the workspace's release build.
pub fn berth_binary() -> Result<PathBuf> {
    let path = match std::env::var_os("BERTH_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_dir().join("release/berth"),
    };
    path.canonicalize().with_context(|| {
        format!("{}: run `cargo build --release` or set BERTH_BIN", path.display())
    })
}

fn arguments(options: &Options, config: &Path, dir: &Path, port: u16) -> Vec<String> {
    let kubeconfig = options.kubeconfig.display();
    let mut args = match options.kind {
        Kind::Berth => vec!["run".to_owned(), format!("--kubeconfig={kubeconfig}")],
        // It ignores --kubeconfig beside --config: its config file must name the kubeconfig.
        Kind::KubeScheduler => vec![
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
        ],
    };
    args.extend([
        format!("--config={}", config.display()),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--cert-dir={}", dir.display()),
        format!("-v={}", options.verbosity),
    ]);
    args.extend(options.flags.iter().cloned());
    args
}

async fn get(client: &Client, path: &str) -> Result<(u16, String)> {
    let request = http::Request::get(path).body(kube::client::Body::empty())?;
    let response = client.send(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
