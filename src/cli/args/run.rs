//! The flags of `berth run`.

use std::net::IpAddr;
use std::path::PathBuf;

use super::{Gates, Logging, VersionFlag, WithoutEffect, parse_go_bool, parse_go_duration};
use crate::config::GoDuration;
use crate::events::Granularity;
use crate::serve::{Protocol, Suite, TlsVersion};

/// `berth run`.
#[derive(Debug, clap::Args)]
// As in pflag, the last of several counts.
#[command(
    args_override_self = true,
    // kube-scheduler's takes a value.
    disable_version_flag = true,
    after_help = "\
Examples:
  berth run --config=/etc/berth/config.yaml -v=2
  berth run --kubeconfig=$HOME/.kube/config --secure-port=0

Without --config there is one profile, `berth`, with kube-scheduler's default plugins. Without
--kubeconfig and --master the service account of the pod is used."
)]
pub struct Run {
    /// Configuration file: a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) and, in a
    /// document of its own, a BerthConfiguration (berth.dev/v1alpha1)
    ///
    /// It is followed: profiles, backoff and the BerthConfiguration change while the scheduler
    /// runs, the rest at a restart.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// ConfigMap that --config is mounted from: events about reloads are about it
    ///
    /// The namespace may be left out in a pod. Without this flag the events are about the pod,
    /// where POD_NAME is in its environment.
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub config_map: Option<String>,

    /// Write the completed configuration to this file and exit
    #[arg(long, value_name = "FILE")]
    pub write_config_to: Option<PathBuf>,

    /// Kubeconfig file; where --config has clientConnection.kubeconfig, that one is used
    #[arg(long, value_name = "FILE", help_heading = "API server")]
    pub kubeconfig: Option<PathBuf>,

    /// Address of the API server, in place of the one in the kubeconfig
    #[arg(long, value_name = "URL", help_heading = "API server")]
    pub master: Option<String>,

    /// Requests per second to the API server; without it the rate follows the API server, from
    /// 1000 on between 50 and 10000; deprecated, ignored with --config
    #[arg(long, value_name = "QPS", allow_negative_numbers = true, help_heading = "API server")]
    pub kube_api_qps: Option<f32>,

    /// Requests to the API server at once, above --kube-api-qps; deprecated, ignored with --config
    /// [default: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "API server")]
    pub kube_api_burst: Option<i32>,

    /// Content type of requests to the API server; deprecated, ignored with --config
    /// [default: application/vnd.kubernetes.protobuf]
    #[arg(long, value_name = "TYPE", value_parser = CONTENT_TYPES,
          help_heading = "API server")]
    pub kube_api_content_type: Option<String>,

    /// Address to serve metrics and health on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0", help_heading = "Serving")]
    pub bind_address: IpAddr,

    /// Port to serve HTTPS on; 0 serves nothing
    #[arg(long, value_name = "PORT", default_value_t = 10259, help_heading = "Serving")]
    pub secure_port: u16,

    /// Directory with the serving certificate, as berth.crt and berth.key
    ///
    /// Without a certificate a self-signed one is made in memory.
    #[arg(long, value_name = "DIR", help_heading = "Serving")]
    pub cert_dir: Option<PathBuf>,

    /// Serving certificate, PEM, with intermediates after it
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file", help_heading = "Serving")]
    pub tls_cert_file: Option<PathBuf>,

    /// Private key of --tls-cert-file, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert_file", help_heading = "Serving")]
    pub tls_private_key_file: Option<PathBuf>,

    /// Lowest version of TLS: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value = "VersionTLS12", help_heading = "Serving")]
    pub tls_min_version: TlsVersion,

    /// Cipher suites of TLS 1.2, by Go's names, separated by commas; else all that are spoken
    #[arg(
        long,
        value_name = "SUITES",
        value_delimiter = ',',
        num_args = 1,
        help_heading = "Serving"
    )]
    pub tls_cipher_suites: Vec<Suite>,

    /// Key exchanges, by the numbers of Go's tls.CurveID, separated by commas; else all
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        num_args = 1,
        help_heading = "Serving"
    )]
    pub tls_curve_preferences: Vec<u16>,

    /// Serve CPU and heap profiles below /debug/pprof/; ignored with --config, where
    /// enableProfiling says it [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = parse_go_bool, help_heading = "Serving")]
    pub profiling: Option<bool>,

    /// Kubeconfig of the API server that answers TokenReviews; else the scheduler's own
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    pub authentication_kubeconfig: Option<PathBuf>,

    /// Authorities whose client certificates are taken, PEM: CN is the user, O are its groups
    ///
    /// Without it the cluster's are, from ConfigMap kube-system/extension-apiserver-authentication.
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    pub client_ca_file: Option<PathBuf>,

    /// Do not look up the client CA of the cluster: only tokens, or --client-ca-file
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set, value_parser = parse_go_bool, help_heading = "Serving")]
    pub authentication_skip_lookup: bool,

    /// Kubeconfig of the API server that answers SubjectAccessReviews; else the scheduler's own
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    pub authorization_kubeconfig: Option<PathBuf>,

    /// Paths that need no authorization, separated by commas
    #[arg(
        long,
        value_name = "PATHS",
        value_delimiter = ',',
        num_args = 1,
        default_value = "/healthz,/readyz,/livez",
        help_heading = "Serving"
    )]
    pub authorization_always_allow_paths: Vec<String>,

    /// Leader election: not there yet.
    #[command(flatten)]
    pub leader_elect: LeaderElect,

    /// A pod that fits nowhere is tried again after this time even if nothing has changed
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_go_duration,
          help_heading = "Scheduling")]
    pub pod_max_in_unschedulable_pods_duration: GoDuration,

    /// Take the profile default-scheduler even where a live kube-scheduler is seen
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set, value_parser = parse_go_bool,
          help_heading = "Scheduling")]
    pub allow_default_scheduler: bool,

    /// Schedule even beside another instance with the same schedulerName
    ///
    /// Each schedulerName has a Lease, berth-NAME, which one instance holds; others wait until it
    /// ends. With this flag no Lease is held, and two instances over-commit nodes.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set, value_parser = parse_go_bool,
          help_heading = "Scheduling")]
    pub allow_second_instance: bool,

    /// Seed of the draw between equally good nodes; else one from the operating system
    #[arg(long, value_name = "N", help_heading = "Scheduling")]
    pub seed: Option<u64>,

    /// Events of pods that were placed: one for each pod, or one for each Job and second; else
    /// `events` of the BerthConfiguration in --config [default: each]
    ///
    /// An event costs the API server more than a bind. They are written behind the binds.
    #[arg(long, value_name = "PER", value_enum, help_heading = "Scheduling")]
    pub events: Option<Granularity>,

    /// Threads of the scheduling cycle; else `parallelism` of the configuration, at most one per
    /// core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..),
          help_heading = "Scheduling")]
    pub parallelism: Option<u16>,

    /// Feature gates of kube-scheduler 1.37, as NAME=BOOL, before those of the BerthConfiguration;
    /// other values than the defaults have no effect, and a warning says so
    #[arg(long, value_name = "GATES", help_heading = "Scheduling")]
    pub feature_gates: Vec<Gates>,

    /// Print the version and exit; `raw` prints it as JSON
    #[arg(short = 'V', long, value_name = "true|raw", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    pub version: Option<VersionFlag>,

    /// How the log is written.
    #[command(flatten)]
    pub logging: Logging,

    /// What kube-scheduler has besides.
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// What `--kube-api-content-type` may be.
const CONTENT_TYPES: [&str; 2] = ["application/vnd.kubernetes.protobuf", "application/json"];

impl Run {
    /// Which TLS is to be spoken.
    pub fn protocol(&self) -> Protocol {
        Protocol {
            min_version: self.tls_min_version,
            suites: self.tls_cipher_suites.clone(),
            curves: self.tls_curve_preferences.clone(),
        }
    }

    /// Whether profiles are served, where the configuration in force says `configured`.
    pub fn serves_profiles(&self, configured: bool) -> bool {
        self.profiling.filter(|_| self.config.is_none()).unwrap_or(configured)
    }

    /// One sentence for each flag that does not do what kube-scheduler's documentation says.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.without_effect.warnings().to_vec();
        warnings.extend(self.protocol().warnings());
        warnings.extend(Gates::warning(&self.feature_gates));
        if self.config.is_some() {
            for (given, flag, field) in [
                (self.profiling.is_some(), "profiling", "enableProfiling"),
                (self.kube_api_qps.is_some(), "kube-api-qps", "clientConnection.qps"),
                (self.kube_api_burst.is_some(), "kube-api-burst", "clientConnection.burst"),
                (
                    self.kube_api_content_type.is_some(),
                    "kube-api-content-type",
                    "clientConnection.contentType",
                ),
            ] {
                if given {
                    warnings.push(format!("--{flag} is ignored with --config: set {field} there"));
                }
            }
        }
        warnings
    }
}

/// The `--leader-elect*` flags of kube-scheduler. Nobody is elected yet, and a warning says so;
/// times and namespace are those of the Leases of schedulerNames.
#[derive(Debug, Default, Clone, clap::Args)]
#[command(next_help_heading = "Leases (nobody is elected yet: each schedulerName has a Lease)")]
pub struct LeaderElect {
    /// Elect a leader before scheduling
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = parse_go_bool)]
    pub leader_elect: Option<bool>,

    /// How long others wait for a holder that does not renew; else leaderElection.leaseDuration
    #[arg(long, value_name = "DURATION", value_parser = parse_go_duration)]
    pub leader_elect_lease_duration: Option<GoDuration>,

    /// The holder stops scheduling when it has not renewed for so long; else
    /// leaderElection.renewDeadline
    #[arg(long, value_name = "DURATION", value_parser = parse_go_duration)]
    pub leader_elect_renew_deadline: Option<GoDuration>,

    /// Pause between tries; else leaderElection.retryPeriod
    #[arg(long, value_name = "DURATION", value_parser = parse_go_duration)]
    pub leader_elect_retry_period: Option<GoDuration>,

    /// Kind of the lock: leases
    #[arg(long, value_name = "KIND", value_parser = ["leases"])]
    pub leader_elect_resource_lock: Option<String>,

    /// Name of the Lease by which a leader is elected; nobody is yet
    #[arg(long, value_name = "NAME")]
    pub leader_elect_resource_name: Option<String>,

    /// Namespace of the Leases
    ///
    /// Else leaderElection.resourceNamespace, unless that is kube-system, kube-scheduler's default;
    /// else the pod's own; else berth-system where the cluster has it, and kube-system.
    #[arg(long, value_name = "NAMESPACE")]
    pub leader_elect_resource_namespace: Option<String>,
}
