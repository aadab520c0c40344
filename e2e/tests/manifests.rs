//! The manifests on a bare cluster: they apply, twice, and grant what they say and no more.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use e2e::controlplane::{ControlPlane, Options};
use e2e::kubectl::Kubectl;
use e2e::{installed, manifests_dir};

const BERTH: &str = "--as=system:serviceaccount:berth-system:berth";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn the_manifests_apply_to_a_bare_cluster() {
    let options = Options { name: "manifests".to_owned(), ..Options::default() };
    let plane = ControlPlane::start(&options).await.unwrap();
    let kubectl = plane.kubectl();
    installed::install(&plane).await.unwrap();
    let base = manifests_dir().display().to_string();
    let again = kubectl.run(&["apply", "-k", &base]).await.unwrap();
    let changed: Vec<_> = again.lines().filter(|line| !line.ends_with(" unchanged")).collect();
    // The API server writes its own kind of PDB selector, which kubectl takes for a change.
    assert!(changed.iter().all(|line| line.starts_with("poddisruptionbudget")), "{changed:?}");
    let examples = format!("{base}/examples");
    kubectl.run(&["apply", "--dry-run=server", "-f", &examples]).await.unwrap();
    check_tuned(&plane, &kubectl).await;
    let rules = check_rules(&kubectl).await;
    check_rights(&kubectl).await;
    check_levels(&kubectl).await;
    check_overlays(&kubectl).await;
    for config in ["base/config.yaml", "examples/weights.yaml"] {
        check_configuration(&plane, &kubectl, config).await;
    }
    println!("manifests: applied twice; {rules} rules without a wildcard; examples accepted");
    plane.stop().unwrap();
}

/// Tuned weights as a patch of a kustomization beside ours: applied twice, they stay.
async fn check_tuned(plane: &ControlPlane, kubectl: &Kubectl) {
    let dir = plane.dir().join("my-berth");
    std::fs::create_dir_all(&dir).unwrap();
    let base = manifests_dir().canonicalize().unwrap();
    std::fs::copy(base.join("examples/weights.yaml"), dir.join("weights.yaml")).unwrap();
    // kustomize takes relative paths alone.
    let up = "../".repeat(dir.canonicalize().unwrap().components().count() - 1);
    let root = base.strip_prefix("/").unwrap().display();
    let text = format!("resources: [{up}{root}]\npatches: [{{path: weights.yaml}}]\n");
    std::fs::write(dir.join("kustomization.yaml"), text).unwrap();
    let dir = dir.display().to_string();
    for _ in 0..2 {
        kubectl.run(&["apply", "-k", &dir]).await.unwrap();
        let get = ["get", "configmap", "berth-config", "-n=berth-system", "-o=json"];
        let map: serde_json::Value =
            serde_json::from_str(&kubectl.run(&get).await.unwrap()).unwrap();
        assert!(map["data"]["config.yaml"].as_str().unwrap().contains("berth-spread"), "{map}");
        assert_eq!(map["metadata"]["labels"]["app.kubernetes.io/part-of"], "berth");
    }
    kubectl.run(&["apply", "-k", &manifests_dir().display().to_string()]).await.unwrap();
}

/// Requests of Berth's account have a level of their own at the API server, its Leases that of
/// leader elections. The API server names schema and level of each request in its answer.
async fn check_levels(kubectl: &Kubectl) {
    let uid = async |kind: &str, name: &str| {
        let get = ["get", kind, name, "-o", "jsonpath={.metadata.uid}"];
        kubectl.run(&get).await.unwrap()
    };
    for (path, schema, level) in [
        ("/api/v1/pods?limit=1", "berth", "berth"),
        ("/apis/storage.k8s.io/v1/csinodes?limit=1", "berth", "berth"),
        (
            "/apis/coordination.k8s.io/v1/namespaces/berth-system/leases/berth-berth",
            "berth-leases",
            "leader-election",
        ),
    ] {
        // The Lease is not there yet: its headers count.
        let said = kubectl.said(&["get", "--raw", path, BERTH, "-v=8"]).await.unwrap();
        let expected = [
            ("X-Kubernetes-Pf-Flowschema-Uid", uid("flowschema", schema).await),
            ("X-Kubernetes-Pf-Prioritylevel-Uid", uid("prioritylevelconfiguration", level).await),
        ];
        for (header, uid) in expected {
            let line = said.lines().find(|line| line.contains(header)).unwrap_or_default();
            assert!(line.contains(&uid), "{path}: {header} is not {schema}/{level}: {line:?}");
        }
    }
}

/// The overlays are taken by the API server; it needs to know what a ServiceMonitor is.
async fn check_overlays(kubectl: &Kubectl) {
    let definition = serde_json::json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema":
                {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    });
    kubectl.run_with(&definition.to_string(), &["apply", "-f", "-"]).await.unwrap();
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    kubectl.run(&established).await.unwrap();
    for overlay in ["only-scheduler", "monitoring"] {
        let path = manifests_dir().join("overlays").join(overlay).display().to_string();
        let applied = kubectl.run(&["apply", "--dry-run=server", "-k", &path]).await.unwrap();
        assert!(applied.contains("deployment.apps/berth"), "{overlay}: {applied}");
    }
}

/// No rule of ours has a wildcard. Gives back how many rules there are.
async fn check_rules(kubectl: &Kubectl) -> usize {
    let get = ["get", "clusterroles,roles", "-A", "-l", "app.kubernetes.io/name=berth", "-o=json"];
    let roles: serde_json::Value = serde_json::from_str(&kubectl.run(&get).await.unwrap()).unwrap();
    let roles = roles["items"].as_array().unwrap();
    assert_eq!(roles.len(), 4, "two ClusterRoles and two Roles");
    let rules = roles.iter().flat_map(|role| role["rules"].as_array().unwrap());
    let rules: Vec<String> = rules.map(ToString::to_string).collect();
    for rule in &rules {
        assert!(!rule.contains('*'), "a wildcard: {rule}");
    }
    rules.len()
}

async fn check_rights(kubectl: &Kubectl) {
    let allowed = [
        "watch pods -A",
        "create pods --subresource=binding -A",
        "patch pods --subresource=status -A",
        "create events.events.k8s.io -A",
        "get leases.coordination.k8s.io/kube-scheduler -n=kube-system",
        "get configmaps/berth-config -n=berth-system",
        "get configmaps/extension-apiserver-authentication -n=kube-system",
        "create leases.coordination.k8s.io -n=berth-system",
        "update leases.coordination.k8s.io/berth-berth -n=berth-system",
    ];
    let refused = [
        "get secrets -A",
        "create pods -A",
        "update pods -A",
        "patch nodes -A",
        "delete pods -A",
        "create events -A",
        "update leases.coordination.k8s.io/kube-scheduler -n=kube-system",
        "create leases.coordination.k8s.io -n=default",
        "get configmaps/other -n=kube-system",
        "get configmaps/other -n=berth-system",
    ];
    for (question, expected) in
        allowed.map(|q| (q, true)).into_iter().chain(refused.map(|q| (q, false)))
    {
        let words = ["auth", "can-i", BERTH].into_iter().chain(question.split(' '));
        // It ends with 1 where the answer is no.
        let answer = kubectl.run(&words.collect::<Vec<_>>()).await;
        assert_eq!(answer.is_ok(), expected, "{question}: {answer:?}");
    }
}

/// kube-scheduler itself takes the configuration: the format is its own.
async fn check_configuration(plane: &ControlPlane, kubectl: &Kubectl, file: &str) {
    let path = manifests_dir().join(file).display().to_string();
    let jsonpath = r"-o=jsonpath={.data.config\.yaml}";
    let create = ["create", "--dry-run=client", "-f", &path, jsonpath];
    let config = kubectl.run(&create).await.unwrap();
    let (given, written) = (plane.dir().join("given.yaml"), plane.dir().join("written.yaml"));
    std::fs::write(&given, &config).unwrap();
    let output = Command::new(plane.binaries().path("kube-scheduler"))
        .arg(format!("--config={}", given.display()))
        .arg(format!("--write-config-to={}", written.display()))
        .arg(format!("--master={}", plane.url()))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}: kube-scheduler says {complaint}");
    let written = std::fs::read_to_string(&written).unwrap();
    assert!(written.contains("schedulerName: berth"), "{file}: {written}");
}
