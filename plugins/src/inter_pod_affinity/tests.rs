#![allow(clippy::unwrap_used)]

use berth_engine::framework::Cause;

use super::*;
use crate::testing::TopologyScene;

const NODES: &str = "ns default team=x\nns other team=y\n\
    node a zone=1 host=a\nnode b zone=1 host=b\nnode c zone=2 host=c\nnode d host=d\n";

fn plugin() -> InterPodAffinity {
    InterPodAffinity::new(InterPodAffinityArgs::default())
}

fn scene(text: &str) -> TopologyScene {
    TopologyScene::parse(&format!("{NODES}{text}"))
}

#[test]
fn affinity_wants_one_pod_that_matches_all_terms() {
    for (text, expected) in [
        ("pod", "skip"),
        ("pod prefer:1:app~zone\non a app=x", "skip"),
        // Nobody matches; only a pod that is its own match may be the first.
        ("pod join:app=x~zone", "a! b! c! d!"),
        ("pod app=x join:app=x~zone", "a+ b+ c+ d!"),
        ("pod app=x join:app=x~zone\non d app=x", "a+ b+ c+ d!"),
        ("pod app=x join:app=x~zone\non a app=x", "a+ b+ c! d!"),
        ("pod join:app=x~zone\non a app=x terminating", "a+ b+ c! d!"),
        ("pod join:app=x~host\non a app=x", "a+ b! c! d!"),
        // One pod, all terms; under every key.
        ("pod join:app=x~zone join:tier=y~zone\non a app=x\non b tier=y", "a! b! c! d!"),
        ("pod join:app=x~zone join:tier=y~host\non a app=x tier=y", "a+ b! c! d!"),
        ("pod app=x join:app=x~zone join:tier=y~zone\non a app=x", "a! b! c! d!"),
        // A pod of a node without any key matters to nobody, not even to the first-pod rule.
        ("pod app=x join:app=x~zone join:app=x~rack\non a app=x", "a! b! c! d!"),
        // Selectors: absent matches nothing, empty everything of the namespace.
        ("pod join:-~zone\non a app=x", "a! b! c! d!"),
        ("pod join:*~zone\non c app=x", "a! b! c+ d!"),
        ("pod join:app!=x~zone\non a app=x\non c", "a! b! c+ d!"),
        ("pod join:!app~zone\non a app=x\non c", "a! b! c+ d!"),
    ] {
        assert_eq!(scene(text).filter(&plugin()), expected, "{text}");
    }
}

#[test]
fn terms_mean_the_namespaces_that_they_name() {
    for (text, expected) in [
        ("pod join:app=x~zone\non a app=x @other", "a! b! c! d!"),
        ("pod join:app=x~zone~other\non a app=x @other", "a+ b+ c! d!"),
        ("pod join:app=x~zone~other\non a app=x", "a! b! c! d!"),
        ("pod join:app=x~zone~in:team=y\non a app=x @other\non c app=x", "a+ b+ c! d!"),
        ("pod join:app=x~zone~in:*\non a app=x @other\non c app=x @unknown", "a+ b+ c+ d!"),
        // The selector is replaced by the names it finds: namespaces without an object are none.
        ("pod join:app=x~zone~in:team!=x\non a app=x @other\non c app=x @unknown", "a+ b+ c! d!"),
        // Of a pod that is there it looks at the labels of the incoming pod's namespace.
        ("pod @other\non a shun:*~zone~in:team=y", "a- b- c+ d+"),
        ("pod\non a shun:*~zone~in:team=y", "skip"),
        ("pod @unknown\non a shun:*~zone~in:team!=y", "a- b- c+ d+"),
        ("pod @other\non a shun:*~zone", "skip"),
    ] {
        assert_eq!(scene(text).filter(&plugin()), expected, "{text}");
    }
}

#[test]
fn anti_affinity_holds_both_ways() {
    for (text, expected) in [
        ("pod shun:app=x~zone\non a app=x", "a- b- c+ d+"),
        ("pod shun:app=x~host\non a app=x", "a- b+ c+ d+"),
        ("pod shun:app=x~host shun:tier=y~zone\non a app=x\non c tier=y", "a- b+ c- d+"),
        ("pod app=x\non a shun:app=x~zone", "a- b- c+ d+"),
        ("pod app=y\non a shun:app=x~zone", "skip"),
        ("pod app=x\non d shun:app=x~zone", "skip"),
        ("pod app=x join:tier~zone\non a tier=1\non c tier=1 shun:app=x~host", "a+ b+ c- d!"),
        // The order of the reasons: own affinity, own anti-affinity, that of others.
        ("pod app=x join:tier~zone shun:tier~host\non a tier=1", "a- b+ c! d!"),
        // Nodes that are gone do not count, though their pods are still known.
        (
            "node e zone=1 gone\npod app=x shun:app=x~zone\non e app=x shun:app=x~zone",
            "a+ b+ c+ d+",
        ),
        ("node e zone=1 gone\npod app=x\non e shun:app=x~zone", "skip"),
    ] {
        assert_eq!(scene(text).filter(&plugin()), expected, "{text}");
    }
    for (text, words, key, pods) in [
        ("pod join:app=x~zone", &REASON_AFFINITY, "zone", Some(0)),
        ("pod join:app=x~host join:app=x~rack", &REASON_AFFINITY, "rack", None),
        ("pod shun:app=x~zone\non a app=x", &REASON_ANTI_AFFINITY, "zone", Some(1)),
        (
            "pod shun:app=y~host shun:app=x~zone\non b app=x\non b app=x",
            &REASON_ANTI_AFFINITY,
            "zone",
            Some(2),
        ),
    ] {
        let scene = scene(text);
        let key = scene.cache.symbols().get(&crate::testing::key(key)).unwrap();
        let reason = Reason::new(words, Cause::Term { key, pods });
        let verdicts = scene.verdicts(&plugin(), &State::default());
        assert_eq!(verdicts.first().map(Verdict::reasons), Some(&[reason][..]), "{text}");
    }
    let scene = scene("pod app=x\non a shun:app=x~zone\non a shun:app=x~zone");
    let key = scene.cache.symbols().get(&crate::testing::key("zone")).unwrap();
    let reason = Reason::new(&REASON_EXISTING, Cause::Repelled { key, pods: 2 });
    let verdicts = scene.verdicts(&plugin(), &State::default());
    assert_eq!(verdicts.first().map(Verdict::reasons), Some(&[reason][..]));
}

#[test]
fn unsound_terms_end_the_attempt_and_those_of_others_count_for_nothing() {
    let bad = "rejected parsing pod: requiredAffinityTerms: values[0][service]: Invalid value: \
               \"{{.bad-value.}}\": a valid label must be an empty string or consist of \
               alphanumeric characters, '-', '_' or '.', and must start and end with an \
               alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
               for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    assert_eq!(scene("pod join:service={{.bad-value.}}~zone").filter(&plugin()), bad);
    let others = "pod app=x\non a shun:app=x~zone shun:app={{bad}}~zone";
    assert_eq!(scene(others).filter(&plugin()), "skip");
    let score = scene("pod prefer:1:app={{bad}}~zone").scores(&plugin(), &[]);
    assert!(score.starts_with("failed to parse pod: preferredAffinityTerms: "), "{score}");
}

#[test]
fn preferences_add_up_and_are_brought_into_range() {
    for (text, expected) in [
        ("pod", "skip"),
        ("pod prefer:5:app=x~zone", "skip"),
        ("pod prefer:5:app=x~zone\non d app=x", "skip"),
        ("pod prefer:5:app=x~zone\non a app=x", "a:100 b:100 c:0 d:0"),
        ("pod prefer:5:app=x~zone\non a app=x\non c app=x", "a:100 b:100 c:100 d:0"),
        ("pod avoid:5:app=x~zone\non a app=x", "a:0 b:0 c:100 d:100"),
        ("pod prefer:2:app=x~zone avoid:1:app=x~host\non a app=x", "a:50 b:100 c:0 d:0"),
        // Terms of pods that are there; a required one counts with the configured weight, 1.
        ("pod app=x\non a prefer:5:app=x~zone", "a:100 b:100 c:0 d:0"),
        ("pod app=x\non a avoid:5:app=x~zone", "a:0 b:0 c:100 d:100"),
        ("pod app=x\non a join:app=x~zone\non c prefer:2:app=x~zone", "a:50 b:50 c:100 d:0"),
        ("pod app=x\non a prefer:5:app=y~zone", "skip"),
        // 29 of 50 divided before it is multiplied.
        ("pod app=x\non a prefer:29:app=x~host\non b prefer:50:app=x~host", "a:57 b:100 c:0 d:0"),
        // Nothing but weights that cancel out is not nothing.
        ("pod app=x\non a prefer:5:app=x~zone avoid:5:app=x~zone", "a:0 b:0 c:0 d:0"),
        ("pod app=x @other\non a prefer:5:app=x~zone~in:team=y", "a:100 b:100 c:0 d:0"),
    ] {
        assert_eq!(scene(text).scores(&plugin(), &[]), expected, "{text}");
    }
    let text = "pod app=x\non a join:app=x~zone";
    for (weight, ignore, expected) in
        [(0, false, "skip"), (100, false, "a:100 b:100 c:0 d:0"), (100, true, "skip")]
    {
        let plugin = InterPodAffinity::new(InterPodAffinityArgs {
            hard_pod_affinity_weight: Some(weight),
            ignore_preferred_terms_of_existing_pods: ignore,
        });
        assert_eq!(scene(text).scores(&plugin, &[]), expected);
    }
}

#[test]
fn marks_tell_apart_what_verdicts_tell_apart() {
    let mark = |labels: &str, others: &str| {
        scene(&format!("pod {labels} join:app=x~zone\n{others}")).mark(&plugin())
    };
    assert_ne!(mark("app=x", ""), mark("app=y", ""));
    assert_eq!(mark("app=x index=1", ""), mark("app=x index=2", ""));
    let other = "on a shun:index=1~zone";
    assert_ne!(mark("app=x index=1", other), mark("app=x index=2", other));
    assert_eq!(mark("app=x index=3", other), mark("app=x index=2", other));
    assert_eq!(scene("pod index=3\non a shun:index=1~zone").mark(&plugin()), 0);
}
