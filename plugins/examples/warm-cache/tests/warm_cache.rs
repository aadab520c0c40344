//! The built binary: its commands, and its decisions on a sandbox.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use berth_sandbox::{Options, SHAPES, Sandbox, shaped};
use serde_json::{Value, json};

/// Ends a broken test.
const LIMIT: Duration = Duration::from_secs(60);

fn scheduler() -> Command {
    Command::new(env!("CARGO_BIN_EXE_warm-cache-scheduler"))
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `config check` of the example's configuration with something replaced.
fn check(from: &str, to: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let original = fs::read_to_string(example()).unwrap();
    assert!(original.contains(from), "{from:?} is not in the example");
    fs::write(&file, original.replace(from, to)).unwrap();
    scheduler().args(["config", "check"]).arg(file).output().unwrap()
}

/// A scheduler that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(dir: &Path, sandbox: &Sandbox) -> Running {
    let kubeconfig = dir.join("kubeconfig");
    fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let child = scheduler()
        .args(["run", &flag("config", &example()), &flag("kubeconfig", &kubeconfig)])
        .args(["--secure-port=0", "--seed=1"])
        .stdin(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

fn pod(name: &str) -> Value {
    let requests = json!({"cpu": "100m"});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "schedulerName": "berth-warm",
            "containers": [{"name": "c", "image": "i", "resources": {"requests": requests}}],
        },
    })
}

/// How many pods each node has.
fn placed(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut placed = BTreeMap::new();
    for pod in sandbox.list("pods", None).unwrap() {
        if let Some(node) = pod["spec"]["nodeName"].as_str() {
            *placed.entry(node.to_owned()).or_default() += 1;
        }
    }
    placed
}

async fn until_placed(sandbox: &Sandbox, count: usize) -> BTreeMap<String, usize> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let placed = placed(sandbox);
        if placed.values().sum::<usize>() == count {
            return placed;
        }
        assert!(Instant::now() < deadline, "{count} pods are not placed: {placed:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Nodes by label value; with no label there are more, so that chance does not look like a choice.
#[tokio::test]
async fn pods_prefer_warm_nodes() {
    let mut nodes: Vec<Value> =
        (0..8).map(|i| shaped(&format!("cold-{i}"), &SHAPES[0], "zone-a")).collect();
    for value in ["full", "partial", "unheard-of"] {
        let mut node = shaped(value, &SHAPES[0], "zone-a");
        node["metadata"]["labels"]["example.com/warm-image-cache"] = json!(value);
        nodes.push(node);
    }
    let options = Options { nodes, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let scheduler = run(dir.path(), &sandbox);
    for i in 0..10 {
        sandbox.create("pods", pod(&format!("p{i}"))).unwrap();
    }
    let expected = BTreeMap::from([("full".to_owned(), 10)]);
    assert_eq!(until_placed(&sandbox, 10).await, expected);
    let mut full = sandbox.get("nodes", "", "full").unwrap().unwrap();
    full["spec"]["unschedulable"] = json!(true);
    // Without a version the update is unconditional: the node's heartbeats do not hinder it.
    full["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    sandbox.update("nodes", false, &full).unwrap();
    // The scheduler hears of nodes and pods by two watches: a pod now and then, until one shows
    // that it has heard.
    for i in 10.. {
        sandbox.create("pods", pod(&format!("p{i}"))).unwrap();
        let placed = until_placed(&sandbox, i + 1).await;
        if placed.contains_key("partial") {
            break;
        }
        assert_eq!(placed.len(), 1, "neither the warmest nor the next: {placed:?}");
        assert!(i < 100, "the cordon is not heard of");
    }
    drop(scheduler);
    sandbox.stop().await;
}

#[test]
fn the_example_is_right_and_wrong_args_are_found_by_line() {
    let checked = check("full", "full");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("ok: profiles berth-warm"));
    let args = "profiles[0].pluginConfig[0].args.";
    for (from, to, line, problem) in [
        ("labelKey", "labelName", 16, "labelName: unknown field"),
        ("example.com/warm", "-/warm", 16, "labelKey: \"-/warm-image-cache\" is no label key"),
        ("full: 100", "full: 101", 18, "scores.full: 101 is not between 0 and 100"),
        ("partial: 40", "partial: warm", 19, "scores.partial: must be an integer"),
    ] {
        let checked = check(from, to);
        assert!(!checked.status.success(), "{to} is taken");
        let found = text(&checked.stderr);
        let expected = format!("config.yaml:{line}: {args}{problem}");
        assert!(found.contains(&expected), "no {expected:?} in {found}");
    }
}

#[test]
fn a_wrong_plugin_name_gets_the_right_one() {
    let checked =
        check("- name: WarmImageCache\n        weight", "- name: WarmImagesCache\n        weight");
    assert!(!checked.status.success());
    let found = text(&checked.stderr);
    assert!(found.contains("did you mean \"WarmImageCache\"?"), "{found}");
}

#[test]
fn the_schema_has_the_args() {
    let output = scheduler().args(["config", "schema"]).output().unwrap();
    let schema = text(&output.stdout);
    serde_json::from_str::<Value>(&schema).unwrap();
    for part in ["WarmImageCacheArgs", "labelKey", "how warm its image cache is"] {
        assert!(schema.contains(part), "no {part} in {schema}");
    }
}

/// The code that the README shows is this code.
#[test]
fn the_readme_shows_this_code() {
    let readme = include_str!("../../../../README.md");
    let section = readme.split("## Write a plugin of your own").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let here = [
        include_str!("../src/warm_image_cache.rs"),
        include_str!("../src/main.rs"),
        include_str!("../config.yaml"),
    ];
    let blocks: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
    let code = blocks.iter().filter_map(|block| block.split_once('\n'));
    let code = code.filter(|(language, _)| !language.is_empty());
    let mut shown = 0;
    for (_, block) in code {
        for part in block.split("\n\n").map(|part| part.trim_matches('\n')) {
            assert!(here.iter().any(|file| file.contains(part)), "not in the example:\n{part}");
            shown += 1;
        }
    }
    assert_eq!(shown, 4, "parts of code in the README");
}
