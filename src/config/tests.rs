#![allow(clippy::unwrap_used)]

use berth_plugins::{Factory, in_tree};
use proptest::prelude::*;

use super::*;

const HEADER: &str =
    "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

fn registry() -> PluginRegistry {
    in_tree().unwrap()
}

fn loaded(body: &str) -> Loaded {
    load(&format!("{HEADER}{body}"), "f", &registry()).unwrap()
}

/// All errors of a file, one per line.
fn errors(body: &str) -> String {
    load(&format!("{HEADER}{body}"), "f", &registry()).unwrap_err().to_string()
}

fn names(loaded: &Loaded, point: Point) -> Vec<&str> {
    loaded.profiles()[0].expanded.at(point).iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn without_a_file_there_is_one_profile_berth() {
    let loaded = without_file(&registry()).unwrap();
    assert_eq!(loaded.scheduler_names().collect::<Vec<_>>(), ["berth"]);
    assert_eq!(loaded.parallelism(), 16);
    let config = loaded.engine_config(false).unwrap();
    assert_eq!(config.profiles.len(), 1);
    assert_eq!((config.backoff_initial_ms, config.backoff_max_ms), (1000, 10_000));
    assert_eq!(config.parked_max_ms, 300_000);
}

#[test]
fn a_single_profile_without_a_name_is_the_default_scheduler() {
    assert_eq!(loaded("").scheduler_names().collect::<Vec<_>>(), ["default-scheduler"]);
}

#[test]
fn five_errors_give_five_messages() {
    assert_eq!(
        errors(
            "parallelism: many\n\
             podInitalBackoffSeconds: 3\n\
             profiles:\n\
             - schedulerName: berth\n\
             \x20 percentageOfNodesToScore: 101\n\
             \x20 plugins:\n\
             \x20   filter:\n\
             \x20     enabled:\n\
             \x20     - name: NodePort\n\
             \x20 pluginConfig:\n\
             \x20 - name: NodeResourcesFit\n\
             \x20   args:\n\
             \x20     scoringStrategi: {}\n"
        ),
        "f:3: parallelism: must be an integer, not a string\n\
         f:4: podInitalBackoffSeconds: unknown field \"podInitalBackoffSeconds\": did you mean \
         \"podInitialBackoffSeconds\"?\n\
         f:7: profiles[0].percentageOfNodesToScore: must be from 0 to 100\n\
         f:11: profiles[0].plugins.filter.enabled[0]: plugin \"NodePort\" does not exist: did you \
         mean \"NodePorts\"?\n\
         f:15: profiles[0].pluginConfig[0].args.scoringStrategi: unknown field \
         \"scoringStrategi\": did you mean \"scoringStrategy\"?"
    );
}

/// Files with one error, and what its message says.
const WRONG: &[(&str, &str)] = &[
    (
        "Parallelism: 4",
        "f:3: Parallelism: unknown field \"Parallelism\": did you mean \"parallelism\"?",
    ),
    ("parallelism: 0", "f:3: parallelism: must be greater than 0"),
    ("parallelism: 1.5", "f:3: parallelism: must be an integer, not 1.5"),
    ("parallelism: 2147483648", "f:3: parallelism: 2147483648 is out of range"),
    ("parallelism: 4\nparallelism: 5", "f:4: parallelism: this field is here twice"),
    ("clientConnection: {burst: -1}", "f:3: clientConnection.burst: must not be negative"),
    ("clientConnection: {qps: 1e39}", "f:3: clientConnection.qps: 1e39 is out of range"),
    ("podInitialBackoffSeconds: 11", "f: podMaxBackoffSeconds: must not be less"),
    ("leaderElection: {leaseDuration: 9s}", "f:3: leaderElection.leaseDuration: must be longer"),
    ("leaderElection: {leaseDuration: 60}", "must be a string, not a number"),
    ("leaderElection: {retryPeriod: 2 s}", "f:3: leaderElection.retryPeriod: unknown unit"),
    ("leaderElection: {resourceLock: endpoints}", "must be \"leases\""),
    ("profiles: [{schedulerName: ''}]", "f:3: profiles[0].schedulerName: required"),
    ("profiles: [{schedulerName: a}, {schedulerName: a}]", "f:3: profiles[1].schedulerName: \"a\""),
    ("profiles: {}", "f:3: profiles: must be a list, not a mapping"),
    ("profiles: [{plugins: {score: {enabled: [{name: NodeName}]}}}]", "does not extend score"),
    ("profiles: [{plugins: {bind: {disabled: [{name: '*'}]}}}]", "bind: needs at least one plugin"),
    (
        "profiles: [{plugins: {queueSort: {disabled: [{name: '*'}]}}}]",
        "exactly one plugin, and has 0",
    ),
    ("profiles: [{plugins: {filter: {enabled: [{name: GCEPDLimits}]}}}]", "was removed in v1"),
    ("profiles: [{pluginConfig: [{name: NodeName}, {name: NodeName}]}]", "has arguments already"),
    (
        "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {kind: NodeNameArgs}}]}]",
        "args.kind: must be \"NodeResourcesFitArgs\"",
    ),
    (
        "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]",
        "profiles[0].pluginConfig[0].args.scoringStrategy.type",
    ),
    (
        "profiles: [{pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: -1}}]}]",
        "f:3: profiles[0].pluginConfig[0].args.bindTimeoutSeconds: ",
    ),
    ("extenders: [{managedResources: [{name: a b/c}]}]", "extenders[0].managedResources[0].name"),
    ("extenders: [{prioritizeVerb: p}]", "extenders[0].weight: must be greater than 0"),
    ("extenders: [{bindVerb: a}, {bindVerb: b}]", "extenders: 2 extenders have a bindVerb"),
    ("extenders: [{tlsConfig: {caData: '***'}}]", "extenders[0].tlsConfig.caData: must be base64"),
    ("leaderElection: {leaseDuration: ~}", "leaseDuration: must be a duration, not null"),
    ("profiles: [{schedulerName: \"a\\/b\"}]", "f:3:28: unknown escape character"),
    ("profiles: [{schedulerName: !!binary '**'}]", "f:3:37: !!binary has to be base64"),
    (
        "profiles: [{schedulerName: a, pluginConfig: [{name: PrioritySort, args: {a: 1}}]}, \
         {schedulerName: b}]",
        "profiles[1].plugins.queueSort: all profiles need the same arguments",
    ),
    (
        "profiles: [{plugins: {podGroupPostFilter: {enabled: [{name: DefaultPreemption}]}, \
         multiPoint: {disabled: [{name: DefaultPreemption}]}}}]",
        "\"DefaultPreemption\" needs its pluginConfig",
    ),
    (
        "extenders: [{tlsConfig: {caFile: /no/such/file}}]",
        "extenders[0].tlsConfig.caFile: /no/such",
    ),
    ("extenders: [{tlsConfig: {insecure: true, caData: YQ==}}]", "tlsConfig.insecure: "),
    ("extenders: [{tlsConfig: {caData: YQ==}}]", "caData: holds no PEM certificate"),
    ("a: [", "f:3:"),
    ("a: *b", "f:3:"),
    ("a: \u{1}", "f:3:4: control characters are not allowed"),
];

#[test]
fn every_error_names_its_field_and_line() {
    for (body, message) in WRONG {
        let errors = errors(body);
        assert!(errors.contains(message) && errors.lines().count() == 1, "{body}: {errors}");
    }
}

#[test]
fn a_file_that_is_no_configuration_says_what_it_lacks() {
    for (text, message) in [
        ("", "apiVersion: required"),
        ("--- \n---\nkind: x", "f:1: an empty document: leave out its ---"),
        ("---\n", "kind: required"),
        ("kind: Pod\napiVersion: v1", "f:1: kind: must be KubeSchedulerConfiguration"),
        ("[]", "kind: required"),
        ("%YAML 1.2\n---\nkind: x", "f:1: only YAML 1.1 is read"),
        ("# c\n%FOO\n---\nkind: x", "f:2: unknown directive"),
        ("{\"kind\": 1}", "f:1: kind: must be KubeSchedulerConfiguration"),
        ("{'kind': 1}", "f:1:2: a key in double quotes is expected here"),
    ] {
        let errors = load(text, "f", &registry()).unwrap_err().to_string();
        assert!(errors.contains(message), "{text}: {errors}");
    }
}

#[test]
fn yaml_and_json_say_the_same() {
    let yaml =
        loaded("parallelism: 010\nclientConnection: &c {qps: .5}\nprofiles:\n- schedulerName: x\n");
    let json = "{\n\"apiVersion\": \"kubescheduler.config.k8s.io/v1\", \"parallelism\": 8,\n\
                \"kind\": \"KubeSchedulerConfiguration\", \"clientConnection\": {\"qps\": 5e-1},\n\
                \"profiles\": [{\"schedulerName\": \"\\u0078\"}]}";
    let json = load(json, "f", &registry()).unwrap();
    assert_eq!(yaml.configuration(), json.configuration());
    assert_eq!(yaml.hash, json.hash);
}

#[test]
fn null_is_as_good_as_absent() {
    let nulls = "leaderElection: ~\nclientConnection:\nparallelism: null\nprofiles:\n- plugins: ~\n  \
                 pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: ~}}]\n";
    assert_eq!(loaded(nulls).configuration(), loaded("").configuration());
}

#[test]
fn anchors_and_merges_are_read() {
    let body = "extenders:\n- &e {urlPrefix: http://a, filterVerb: f}\n- <<: *e\n  weight: 2\n";
    let loaded = loaded(body);
    assert_eq!(loaded.extenders()[1].url_prefix, "http://a");
    assert_eq!(loaded.extenders()[1].weight, 2);
    let twice = "extenders:\n- &e {urlPrefix: http://a}\n- <<: *e\n  urlPrefix: http://b\n";
    assert_eq!(errors(twice), "f:6: extenders[1].urlPrefix: this field is here twice");
}

#[test]
fn aliases_of_aliases_have_an_end() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..9 {
        let list = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    assert!(errors(&bomb).contains("too large"));
    assert!(errors("a: &a [*a]\n").contains("contains itself"));
    assert!(errors(&format!("a: {}", "[".repeat(200))).contains("f:3:"));
}

#[test]
fn default_plugins_run_in_kube_schedulers_order() {
    let loaded = loaded("");
    let score = loaded.profiles()[0].expanded.at(Point::Score);
    let score: Vec<String> = score.iter().map(|(n, w)| format!("{n} {w}")).collect();
    assert_eq!(
        score,
        [
            "TaintToleration 3",
            "NodeAffinity 2",
            "NodeResourcesFit 1",
            "VolumeBinding 1",
            "PodTopologySpread 2",
            "InterPodAffinity 2",
            "DynamicResources 2",
            "NodeResourcesBalancedAllocation 1",
            "ImageLocality 1"
        ]
    );
    assert_eq!(names(&loaded, Point::Bind), ["DefaultBinder"]);
    assert_eq!(names(&loaded, Point::Reserve), ["VolumeBinding", "DynamicResources"]);
}

#[test]
fn weights_reach_the_engine() {
    let loaded = loaded(
        "profiles:\n- schedulerName: a\n  plugins:\n    multiPoint:\n      enabled:\n      \
         - {name: ImageLocality, weight: 7}\n    score:\n      disabled: [{name: NodeAffinity}]\n",
    );
    let config = loaded.engine_config(true).unwrap();
    let profile = &config.profiles[0];
    let weights: Vec<(String, i64)> = profile
        .at(berth_engine::framework::Point::Score)
        .iter()
        .map(|w| (profile.plugin(w.plugin).unwrap().name().to_owned(), w.weight))
        .collect();
    assert!(weights.contains(&("ImageLocality".to_owned(), 7)), "{weights:?}");
    assert!(!weights.iter().any(|(name, _)| name == "NodeAffinity"), "{weights:?}");
    let first = profile.at(berth_engine::framework::Point::PreFilter)[0];
    assert_eq!(profile.plugin(first.plugin).unwrap().name(), berth_plugins::refusal::NAME);
}

#[test]
fn the_hash_is_of_the_meaning() {
    let plain = loaded("");
    assert_eq!(plain.hash, loaded("# nothing\nparallelism: 16\n").hash);
    assert_ne!(plain.hash, loaded("parallelism: 17\n").hash);
}

#[test]
fn names_without_effect_are_warned_of() {
    let loaded = loaded(
        "profiles:\n- plugins:\n    score:\n      disabled: [{name: ImageLocalty}]\n  \
         pluginConfig:\n  - {name: NodeResourceFit, args: {a: 1}}\n",
    );
    assert_eq!(
        loaded.warnings,
        [
            "f:8: profiles[0].pluginConfig[0]: plugin \"NodeResourceFit\" does not exist, its args \
             are ignored: did you mean \"NodeResourcesFit\"?",
            "f:6: profiles[0].plugins.score.disabled[0]: plugin \"ImageLocalty\" does not exist: \
             did you mean \"ImageLocality\"?",
        ]
    );
}

#[test]
fn plugins_from_outside_are_configured_like_the_others() {
    let mine = || {
        let factory = Factory::with_args(berth_plugins::node_resources::fit::NodeResourcesFit::new);
        in_tree().unwrap().with("Mine", factory).unwrap()
    };
    let file = |args: &str| {
        format!(
            "{HEADER}profiles:\n- plugins: {{filter: {{enabled: [{{name: Mine}}]}}}}\n  \
             pluginConfig:\n  - name: Mine\n    args: {{{args}}}\n"
        )
    };
    assert!(load(&file(""), "f", &mine()).is_ok());
    assert!(load(&file(""), "f", &registry()).is_err());
    let errors = load(&file("ignoredResource: []"), "f", &mine()).unwrap_err().to_string();
    assert!(errors.contains("did you mean \"ignoredResources\"?"), "{errors}");
    let errors =
        load(&file("scoringStrategy: {type: Best}"), "f", &mine()).unwrap_err().to_string();
    assert!(
        errors.starts_with("f:7: profiles[0].pluginConfig[0].args.scoringStrategy.type"),
        "{errors}"
    );
}

#[test]
fn what_is_printed_is_read_again_as_the_same() {
    let loaded = loaded(
        "parallelism: 3\nextenders: [{urlPrefix: http://a, filterVerb: f, ignorable: true}]\n\
         profiles: [{schedulerName: a}, {schedulerName: b, percentageOfNodesToScore: 5}]\n",
    );
    let text = print(loaded.configuration());
    let again = load(&text, "f", &registry()).unwrap();
    assert_eq!(again.configuration(), loaded.configuration());
    assert_eq!(print(again.configuration()), text);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        let _ = load(&text, "f", &registry());
        let _ = load(&format!("{HEADER}{text}"), "f", &registry());
    }

    #[test]
    fn no_structure_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "profiles", "plugins", "pluginConfig", "args", "name", "NodeResourcesFit", "score",
            "enabled", "multiPoint", ": ", "- ", "\n", "  ", "{", "}", "[", "]", ",", "&a ", "*a",
            "<<", "'", "\"", "*", "1", "1e400", "-", "null", "!!int ", "|", "#", "extenders",
            "scoringStrategy", "resources", "weight", "queueSort",
        ]), 0..40),
    ) {
        let _ = load(&format!("{HEADER}{}", words.concat()), "f", &registry());
        let _ = load(&format!("{{{}", words.concat()), "f", &registry());
    }
}
