#![allow(clippy::unwrap_used)]

use berth_plugins::in_tree;

use super::*;

/// The answer, the errors, and whether it went well.
fn answer(command: &ConfigCommand) -> (String, String, bool) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(command, &in_tree().unwrap(), &mut out, &mut err).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(out), text(err), code == ExitCode::SUCCESS)
}

fn check(text: &str) -> (String, String, bool) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let name = file.path().display().to_string();
    let (out, err, fine) = answer(&ConfigCommand::Check { file: file.path().to_owned() });
    (out.replace(&name, "FILE"), err.replace(&name, "FILE"), fine)
}

/// The `config.yaml` of a ConfigMap among the manifests.
fn in_manifest(name: &str) -> String {
    let path = format!("{}/manifests/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let map: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    map["data"]["config.yaml"].as_str().unwrap().to_owned()
}

#[test]
fn the_manifests_are_right() {
    let (out, err, fine) = check(&in_manifest("base/config.yaml"));
    assert_eq!((out.as_str(), err.as_str(), fine), ("FILE: ok: profiles berth\n", "", true));
    let (out, err, fine) = check(&in_manifest("examples/weights.yaml"));
    let expected = "FILE: ok: profiles berth, berth-spread\n";
    assert_eq!((out.as_str(), err.as_str(), fine), (expected, "", true));
}

#[test]
fn the_tuned_weights_keep_the_labels_of_the_base() {
    let read = |name: &str| -> serde_json::Value {
        let path = format!("{}/manifests/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let (tuned, base) = (read("examples/weights.yaml"), read("base/config.yaml"));
    assert_eq!(tuned["metadata"]["labels"], read("base/kustomization.yaml")["labels"][0]["pairs"]);
    // A patch is of the object with its kind, name and namespace.
    for field in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
        assert_eq!(tuned.pointer(field), base.pointer(field), "{field}");
    }
    let keys = |map: &serde_json::Value| -> Vec<String> {
        map["data"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&tuned), keys(&base));
}

#[test]
fn every_error_gets_a_line() {
    let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
    let (out, err, fine) = check(&format!("{header}parallelism: 0\nprofile: []\n"));
    assert_eq!((out.as_str(), fine), ("", false));
    assert_eq!(
        err,
        "FILE:3: parallelism: must be greater than 0\n\
         FILE:4: profile: unknown field \"profile\": did you mean \"profiles\"?\n"
    );
}

#[test]
fn what_a_run_refuses_is_refused_and_what_it_warns_of_is_said() {
    let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
    let (out, err, fine) = check(&format!("{header}extenders: [{{urlPrefix: 'http://x'}}]\n"));
    assert_eq!((out.as_str(), fine), ("", false));
    assert!(err.contains("FILE:3: extenders: Berth does not call extenders yet"), "{err}");
    let (out, err, fine) = check(&format!("{header}leaderElection:\n  leaderElect: true\n"));
    assert!(fine && out.contains(": ok: "), "{out}{err}");
    assert!(
        err.starts_with("warning: FILE:4: leaderElection.leaderElect: leader election"),
        "{err}"
    );
    let (_, err, _) = check(&format!("{header}leaderElection: {{leaderElect: false}}\n"));
    assert_eq!(err, "");
}

#[test]
fn nothing_of_a_file_reaches_the_terminal_unescaped() {
    let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
    for body in [
        r#""\e[31mx": 1"#,
        r#""a\u202eb\n": 1"#,
        r#"profiles: [{schedulerName: "\e[2J", plugins: {score: {disabled: [{name: "\e[1m"}]}}}]"#,
        r#"profiles: [{schedulerName: a, pluginConfig: [{name: NodeResourcesFit, args: {"\x9b1m": 1}}]}]"#,
        r#"profiles: [{schedulerName: a, pluginConfig: [{name: "\e[1m", args: {}}]}]"#,
        r#"leaderElection: {resourceLock: "\e[1m"}"#,
        r#"extenders: [{tlsConfig: {caFile: "/\e[1m"}}]"#,
        r#"extenders: [{managedResources: [{name: "\e[1m"}]}]"#,
    ] {
        let (out, err, _) = check(&format!("{header}{body}\n"));
        let said = format!("{out}{err}");
        let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(raw), "{body}: {said:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (_, err, fine) = answer(&ConfigCommand::Check { file: "/no/such/file".into() });
    assert!(err.starts_with("/no/such/file: ") && !fine, "{err}");
}

#[test]
fn what_is_in_force_without_a_file_prints() {
    let (out, _, fine) = answer(&ConfigCommand::Print { file: None });
    assert!(fine);
    assert!(out.starts_with("apiVersion: kubescheduler.config.k8s.io/v1\nclientConnection:\n"));
    assert!(out.contains("\n  schedulerName: berth\n"), "{out}");
}

#[test]
fn the_schema_describes_plugins_and_their_arguments() {
    let (out, _, _) = answer(&ConfigCommand::Schema);
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    let document = |kind: &str| schema["$defs"][kind].clone();
    for (kind, field) in
        [("KubeSchedulerConfiguration", "profiles"), ("BerthConfiguration", "events")]
    {
        let document = document(kind);
        assert_eq!(document["properties"]["kind"]["const"], kind);
        assert_eq!(document["additionalProperties"], false);
        assert_eq!(document["required"], serde_json::json!(["apiVersion", "kind"]));
        assert!(document["properties"][field].is_object(), "{document}");
    }
    // A document that says that it is Berth's own is, any other is kube-scheduler's.
    assert_eq!(schema["if"]["properties"]["kind"]["const"], "BerthConfiguration");
    assert_eq!(schema["then"]["$ref"], "#/$defs/BerthConfiguration");
    assert_eq!(schema["else"]["$ref"], "#/$defs/KubeSchedulerConfiguration");
    let choices = schema["$defs"]["PluginConfig"]["allOf"].as_array().unwrap();
    let names: Vec<_> =
        choices.iter().filter_map(|c| c["if"]["properties"]["name"]["const"].as_str()).collect();
    for name in ["NodeResourcesFit", "NodeAffinity", "VolumeBinding", "DefaultPreemption"] {
        assert!(names.contains(&name), "{names:?}");
    }
    // Every reference leads somewhere.
    for part in out.split("\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(schema.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn a_printed_default_rate_is_said_not_to_be_in_force() {
    let header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
    let beside = |connection: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{header}{connection}")).unwrap();
        let file = Some(file.path().to_owned());
        let (out, err, fine) = answer(&ConfigCommand::Print { file });
        assert!(fine && out.contains("qps: ") && !out.contains('#'), "{out}{err}");
        err
    };
    let err = beside(
        "---\napiVersion: berth.dev/v1alpha1\nkind: BerthConfiguration\nadaptiveRate: {maxQPS: 700}\n",
    );
    assert!(err.contains("starts at 700 requests per second"), "{err}");
    assert!(err.contains("from 50 up to 700"), "{err}");
    for none in ["", "clientConnection: {burst: 7}\n", "clientConnection: {qps: 0}\n"] {
        let err = beside(none);
        assert!(err.contains("starts at 1000 requests per second"), "{none}: {err}");
        assert!(err.lines().all(|line| line.starts_with("# ")), "{err}");
    }
    // kube-scheduler's own default is a number as well.
    for number in ["50", "-1", "0.5"] {
        assert_eq!(beside(&format!("clientConnection: {{qps: {number}}}\n")), "");
    }
}
