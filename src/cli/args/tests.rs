#![allow(clippy::unwrap_used)]

use clap::{CommandFactory, Parser};

use super::*;

fn run(flags: &[&str]) -> Result<Run, String> {
    let args = ["berth", "run"].iter().chain(flags);
    match Cli::try_parse_from(args).map_err(|e| e.to_string())?.command {
        Command::Run(run) => Ok(*run),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn defaults_are_those_of_kube_scheduler() {
    let run = run(&[]).unwrap();
    assert_eq!(run.bind_address.to_string(), "0.0.0.0");
    assert_eq!(run.secure_port, 10259);
    assert_eq!(run.authorization_always_allow_paths, ["/healthz", "/readyz", "/livez"]);
    assert_eq!(run.pod_max_in_unschedulable_pods_duration.to_string(), "5m0s");
    assert_eq!((run.kube_api_qps, run.kube_api_burst), (None, None));
    assert_eq!(run.leader_elect.leader_elect, None);
    assert!(!run.allow_default_scheduler && !run.authentication_skip_lookup);
    assert_eq!(run.logging.verbosity, 0);
}

#[test]
fn flags_take_their_value_in_either_form() {
    for flags in [["--secure-port=0", "-v=2"], ["--secure-port=0", "--v=2"]] {
        let run = run(&flags).unwrap();
        assert_eq!((run.secure_port, run.logging.verbosity), (0, 2));
    }
    let run = run(&["--secure-port", "1", "-v", "4", "--config", "x"]).unwrap();
    assert_eq!((run.secure_port, run.logging.verbosity), (1, 4));
}

#[test]
fn booleans_are_gos() {
    let elect = |flag: &str| run(&[flag]).map(|r| r.leader_elect.leader_elect);
    assert_eq!(elect("--leader-elect"), Ok(Some(true)));
    assert_eq!(elect("--leader-elect=false"), Ok(Some(false)));
    assert_eq!(elect("--leader-elect=T"), Ok(Some(true)));
    assert!(elect("--leader-elect=yes").unwrap_err().contains("neither true nor false"));
    assert!(run(&["--allow-default-scheduler"]).unwrap().allow_default_scheduler);
    assert!(!run(&["--allow-default-scheduler=0"]).unwrap().allow_default_scheduler);
}

#[test]
fn wrong_flags_are_refused_with_a_hint() {
    for (flag, hint) in [
        ("--secure-prot=1", "--secure-port"),
        ("--v=11", "0..=10"),
        ("--logging-format=yaml", "json"),
        ("--pod-max-in-unschedulable-pods-duration=5", "missing unit"),
        ("--pod-max-in-unschedulable-pods-duration=-5m", "negative"),
        ("--tls-cert-file=x", "--tls-private-key-file"),
        ("--bind-address=localhost", "--bind-address"),
        ("--leader-elect-resource-lock=endpoints", "[possible values: leases]"),
        (
            "--kube-api-content-type=foo",
            "[possible values: application/vnd.kubernetes.protobuf, application/json]",
        ),
        ("--feature-gates=PodLevelResource=true", "did you mean PodLevelResources?"),
        ("--feature-gates=PodSchedulingReadiness=false", "locked to true"),
        ("--feature-gates=PodLevelResources", "NAME=true"),
        ("--feature-gates=PodLevelResources=yes", "neither true nor false"),
        ("--feature-gates=wardle:PodLevelResources=true", "\"wardle\""),
        ("--tls-min-version=1.2", "VersionTLS12"),
        ("--tls-cipher-suites=TLS_AES_128_GCM_SHA265", "did you mean TLS_AES_128_GCM_SHA256?"),
        ("--http2-max-streams-per-connection=many", "not an integer"),
        ("--log-flush-frequency=5", "missing unit"),
        ("--emulated-version=1.38", "kube=1.37"),
        ("--show-hidden-metrics-for-version=1.30", "must be 1.36"),
    ] {
        let error = run(&[flag]).unwrap_err();
        assert!(error.contains(hint), "{flag}: {error}");
    }
}

/// `kube-scheduler --help` of 1.37.2, with a value that it takes.
const OF_KUBE_SCHEDULER: [&str; 67] = [
    "config=x",
    "master=http://127.0.0.1:1",
    "write-config-to=x",
    "bind-address=0.0.0.0",
    "cert-dir=x",
    "disable-http2-serving",
    "http2-max-streams-per-connection=100",
    "permit-address-sharing",
    "permit-port-sharing=false",
    "secure-port=10259",
    "tls-cert-file=x",
    "tls-cipher-suites=TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_RC4_128_SHA",
    "tls-curve-preferences=23,29",
    "tls-min-version=VersionTLS13",
    "tls-private-key-file=x",
    "tls-sni-cert-key=foo.crt,foo.key:*.foo.com,foo.com",
    "authentication-kubeconfig=x",
    "authentication-skip-lookup",
    "authentication-token-webhook-cache-ttl=10s",
    "authentication-tolerate-lookup-failure=true",
    "client-ca-file=x",
    "requestheader-allowed-names=front-proxy-client",
    "requestheader-client-ca-file=x",
    "requestheader-extra-headers-prefix=X-Remote-Extra-",
    "requestheader-group-headers=X-Remote-Group",
    "requestheader-uid-headers=X-Remote-Uid",
    "requestheader-username-headers=X-Remote-User",
    "authorization-always-allow-paths=/healthz",
    "authorization-kubeconfig=x",
    "authorization-webhook-cache-authorized-ttl=10s",
    "authorization-webhook-cache-unauthorized-ttl=10s",
    "contention-profiling=false",
    "kube-api-burst=100",
    "kube-api-content-type=application/json",
    "kube-api-qps=50",
    "kubeconfig=x",
    "pod-max-in-unschedulable-pods-duration=5m0s",
    "profiling=false",
    "leader-elect=true",
    "leader-elect-lease-duration=15s",
    "leader-elect-renew-deadline=10s",
    "leader-elect-resource-lock=leases",
    "leader-elect-resource-name=kube-scheduler",
    "leader-elect-resource-namespace=kube-system",
    "leader-elect-retry-period=2s",
    "emulated-version=kube=1.36",
    "feature-gates=kube:AllAlpha=true,PodLevelResources=false",
    "min-compatibility-version=1.36",
    "allow-metric-labels=metric1,label1='v1,v2,v3'",
    "allow-metric-labels-manifest=x",
    "disabled-metrics=scheduler_pending_pods",
    "show-hidden-metrics-for-version=1.36",
    "log-flush-frequency=5s",
    "log-json-info-buffer-size=1Ki",
    "log-json-split-stream",
    "log-text-info-buffer-size=512",
    "log-text-split-stream=true",
    "logging-format=json",
    "v=2",
    "vmodule=schedule_one=5",
    "version=raw",
    "version=true",
    "version=false",
    "profiling",
    "disable-http2-serving=false",
    "contention-profiling",
    "leader-elect",
];

#[test]
fn each_flag_of_kube_scheduler_is_taken() {
    let flags: Vec<String> = OF_KUBE_SCHEDULER.iter().map(|flag| format!("--{flag}")).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    run(&flags).unwrap();
    // As a manifest has them, each in an argument of its own.
    for flag in flags.iter().filter(|flag| !flag.starts_with("--tls-")) {
        run(&[flag]).unwrap();
    }
}

#[test]
fn a_flag_without_effect_warns_once_where_it_asks_for_another_thing() {
    let warnings = |flags: &[&str]| run(flags).unwrap().warnings();
    for (flag, said) in [
        ("--http2-max-streams-per-connection=100", "HTTP/2"),
        ("--disable-http2-serving=false", "HTTP/2"),
        ("--permit-port-sharing", "--permit-port-sharing"),
        ("--requestheader-username-headers=X-Remote-User", "X-Remote-User"),
        ("--authentication-token-webhook-cache-ttl=1m", "10s"),
        ("--authentication-tolerate-lookup-failure=false", "client CA"),
        ("--contention-profiling", "--contention-profiling"),
        ("--emulated-version=1.36", "1.37"),
        ("--vmodule=schedule_one=5", "RUST_LOG"),
        ("--log-flush-frequency=1s", "--log-flush-frequency"),
        ("--disabled-metrics=scheduler_pending_pods", "--disabled-metrics"),
        ("--tls-min-version=VersionTLS10", "TLS 1.2"),
        ("--feature-gates=PodLevelResources=false,AllAlpha=true", "AllAlpha=true"),
    ] {
        let warnings = warnings(&[flag]);
        assert_eq!(warnings.len(), 1, "{flag}: {warnings:?}");
        let name = flag.split('=').next().unwrap();
        assert!(warnings[0].starts_with(name) && warnings[0].contains(said), "{warnings:?}");
    }
    let met = [
        "--disable-http2-serving",
        "--http2-max-streams-per-connection=0",
        "--permit-address-sharing",
        "--permit-port-sharing=F",
        "--authentication-token-webhook-cache-ttl=10000ms",
        "--contention-profiling=false",
        "--emulated-version=kube=1.37",
        "--log-flush-frequency=5s",
        "--profiling=false",
        "--tls-min-version=VersionTLS12",
        "--feature-gates=PodLevelResources=true",
        "--feature-gates=AllAlpha=true",
        "--feature-gates=AllAlpha=false",
        "--kube-api-qps=50",
    ];
    assert_eq!(warnings(&met), <[&str; 0]>::default());
    let beside_a_file = warnings(&["--config=x", "--profiling=false", "--kube-api-burst=1"]);
    assert_eq!(
        beside_a_file,
        [
            "--profiling is ignored with --config: set enableProfiling there",
            "--kube-api-burst is ignored with --config: set clientConnection.burst there"
        ]
    );
}

#[test]
fn profiles_are_served_as_the_flag_says_unless_there_is_a_file() {
    let serves = |flags: &[&str], configured| run(flags).unwrap().serves_profiles(configured);
    assert!(serves(&[], true) && serves(&["--profiling"], true));
    assert!(!serves(&["--profiling=false"], true));
    assert!(serves(&["--profiling=false", "--config=x"], true));
    assert!(!serves(&["--profiling", "--config=x"], false));
}

#[test]
fn the_last_of_several_counts() {
    let run = run(&["--secure-port=1", "--profiling", "--secure-port=2", "--profiling=false"]);
    let run = run.unwrap();
    assert_eq!((run.secure_port, run.profiling), (2, Some(false)));
}

#[test]
fn the_other_subcommands_parse() {
    for line in [
        "demo",
        "demo --nodes 10 --pods=50 --keep",
        "evaluate",
        "evaluate --engine=class",
        "evaluate --engine scan",
        "sandbox --nodes=500 --port=0 --kubeconfig-out x",
        "config check -",
        "config print",
        "config schema",
        "version --output json",
        "version -o=json",
    ] {
        let args = std::iter::once("berth").chain(line.split(' '));
        assert!(Cli::try_parse_from(args).is_ok(), "{line}");
    }
}
