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
    assert_eq!((run.kube_api_qps, run.kube_api_burst), (None, 100));
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
    ] {
        let error = run(&[flag]).unwrap_err();
        assert!(error.contains(hint), "{flag}: {error}");
    }
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
