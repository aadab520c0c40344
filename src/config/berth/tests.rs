#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::{Loaded, load, verdict};

const KUBE: &str = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
const OWN: &str = "apiVersion: berth.dev/v1alpha1\nkind: BerthConfiguration\n";

fn read(text: &str) -> Result<Loaded, String> {
    let registry = berth_plugins::in_tree().unwrap();
    load(text, "f", &registry).map_err(|errors| errors.to_string())
}

#[test]
fn the_documents_come_in_either_order() {
    let own = format!("{OWN}events: job\nadaptiveRate: {{minQPS: 10, maxQPS: 200}}\n");
    let kube = format!("{KUBE}parallelism: 3\n");
    let texts = [
        format!("{kube}---\n{own}"),
        format!("{own}---\n{kube}"),
        format!("---\n# first\n{own}...\n---\n{kube}...\n"),
    ];
    let [first, second, third] = texts.map(|text| read(&text).unwrap());
    for loaded in [&first, &second, &third] {
        assert_eq!(loaded.berth().granularity(), Granularity::Job);
        assert_eq!(loaded.berth().rate_bounds(), RateBounds { min_qps: 10, max_qps: 200 });
        assert_eq!(loaded.parallelism(), 3);
        assert_eq!((loaded.hash, &loaded.warnings), (first.hash, &Vec::new()));
    }
}

#[test]
fn what_is_not_said_has_its_default_and_both_documents_are_printed() {
    let without = read(KUBE).unwrap();
    assert_eq!(without.berth().granularity(), Granularity::Each);
    assert_eq!(without.berth().rate_bounds(), RateBounds::default());
    let text = without.text();
    let own = "---\nadaptiveRate:\n  maxQPS: 10000\n  minQPS: 50\napiVersion: berth.dev/v1alpha1\n\
               events: pod\nfeatureGates: {}\nkind: BerthConfiguration\n";
    assert!(text.starts_with("apiVersion: kubescheduler") && text.ends_with(own), "{text}");
    assert_eq!(read(&format!("{KUBE}---\n{OWN}")).unwrap().hash, without.hash);
    let again = read(&text).unwrap();
    assert_eq!((again.hash, again.text()), (without.hash, text.clone()));
    assert_eq!(&*without.engine_config(true).unwrap().text, text, "the engine keeps both");
    let other = read(&format!("{KUBE}---\n{OWN}adaptiveRate: {{maxQPS: 9}}\n")).unwrap_err();
    assert!(other.contains("must not be less than minQPS, which is 50"), "{other}");
    let other = read(&format!("{KUBE}---\n{OWN}events: job\n")).unwrap();
    assert_ne!(other.hash, without.hash);
}

#[test]
fn everything_wrong_is_named_with_its_line() {
    let beside = |own: &str| format!("{KUBE}---\n{OWN}{own}");
    for (text, expected) in [
        (beside("event: job"), "f:6: event: unknown field \"event\": did you mean \"events\"?"),
        (
            beside("events: jobs"),
            "f:6: events: \"jobs\" is none of pod, job: did you mean \"job\"?",
        ),
        (beside("events: 3"), "f:6: events: must be a string, not a number"),
        (beside("events: job\nevents: pod"), "f:7: events: this field is here twice"),
        (beside("adaptiveRate:\n  minQPS: 0"), "f:7: adaptiveRate.minQPS: must be greater than 0"),
        (beside("adaptiveRate: {maxQPS: 100001}"), "f:6: adaptiveRate.maxQPS: must be 100000 at"),
        (
            beside("adaptiveRate: {minQps: 9}"),
            "minQps: unknown field \"minQps\": did you mean \"minQPS\"",
        ),
        (
            beside("featureGates:\n  PodLevelResource: true"),
            "f:7: featureGates.PodLevelResource: kube-scheduler 1.37 has no feature gate \
             PodLevelResource: did you mean PodLevelResources?",
        ),
        (
            beside("featureGates: {AllowOverwriteTerminationGracePeriodSeconds: true}"),
            "is locked to false in kube-scheduler 1.37",
        ),
        (beside("featureGates: {AllAlpha: 1}"), "featureGates.AllAlpha: must be true or false"),
        (
            format!("{KUBE}---\nkind: BerthConfiguration\n"),
            "f:4: apiVersion: required: apiVersion: berth.dev/v1alpha1",
        ),
        (
            format!("{KUBE}---\napiVersion: berth.dev/v1\nkind: BerthConfiguration\n"),
            "f:4: apiVersion: must be berth.dev/v1alpha1, not \"berth.dev/v1\"",
        ),
        (
            format!("{KUBE}---\napiVersion: berth.dev/v1alpha1\nkind: Berth\n"),
            "f:5: kind: must be BerthConfiguration, not \"Berth\"",
        ),
        (
            format!("{KUBE}---\n{OWN}---\n{OWN}"),
            "f:8: kind: a second BerthConfiguration: line 4 begins one already",
        ),
        (
            format!("{KUBE}---\n{OWN}---\n{KUBE}"),
            "f:8: kind: a second KubeSchedulerConfiguration: a file has one",
        ),
        (
            format!("{KUBE}---\napiVersion: v1\nkind: Pod\n"),
            "f:5: kind: \"Pod\" is not read: a file has a KubeSchedulerConfiguration",
        ),
        (format!("apiVersion: v1\nkind: Pod\n---\n{KUBE}"), "f:2: kind: \"Pod\" is not read"),
        (format!("{KUBE}---\n"), "an empty document: leave out its ---"),
        (format!("---\n---\n{KUBE}"), "an empty document: leave out its ---"),
        (format!("{KUBE}---\n{OWN}---\n# nothing\n"), "an empty document"),
        (OWN.to_owned(), "f:1: a KubeSchedulerConfiguration is needed beside it"),
        (beside("adaptiveRate:\n\tminQPS: 3"), "f:7:2: tabs disallowed"),
        (beside("adaptiveRate:\n  minQPS:\t3\n---\n-\ta\n"), "f:9:2: a tab is not allowed here"),
        (format!("{KUBE}---\n{OWN}events: [\n"), "f:6:9: unclosed bracket"),
    ] {
        let errors = read(&text).unwrap_err();
        assert!(errors.contains(expected), "{text}\n{errors}");
        assert_eq!(errors.lines().count(), 1, "{text}\n{errors}");
    }
    // The errors of both documents come at once.
    let errors = read(&format!("{KUBE}parallelism: 0\n---\n{OWN}events: x\n")).unwrap_err();
    let lines: Vec<&str> = errors.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["f:3:", "f:7:"], "{errors}");
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let warnings =
        |kube: &str, own: &str| read(&format!("{KUBE}{kube}\n---\n{OWN}{own}\n")).unwrap().warnings;
    let qps = "clientConnection: {qps: 7}";
    assert_eq!(
        warnings(qps, "adaptiveRate: {minQPS: 9}"),
        ["f:7: adaptiveRate: without effect: clientConnection.qps has a number, which is obeyed"]
    );
    assert_eq!(warnings(qps, "events: job"), Vec::<String>::new());
    assert_eq!(
        warnings("", "featureGates: {AllAlpha: true, AllBeta: false}"),
        ["f:7: featureGates: AllAlpha=true without effect: Berth follows the defaults of \
          kube-scheduler 1.37"]
    );
}

#[test]
fn the_flag_for_events_comes_before_the_file() {
    let job = read(&format!("{KUBE}---\n{OWN}events: job\n")).unwrap();
    let warning = job.events_overridden(Some(Granularity::Each)).unwrap();
    assert_eq!(warning, "f: events: --events comes before it");
    assert_eq!(job.events_overridden(Some(Granularity::Job)), None);
    assert_eq!(job.events_overridden(None), None);
    assert_eq!(read(KUBE).unwrap().events_overridden(Some(Granularity::Job)), None);
}

#[test]
fn kube_scheduler_reads_the_first_document_alone() {
    let registry = berth_plugins::in_tree().unwrap();
    let ok = |text: &str| verdict(text, &registry)["ok"] == true;
    assert!(ok(&format!("{KUBE}---\n{OWN}events: 3\n")));
    assert!(ok(&format!("{KUBE}---\n{{{{\n")), "errors in the second are nobody's business");
    assert!(!ok(&format!("{OWN}---\n{KUBE}")));
}
