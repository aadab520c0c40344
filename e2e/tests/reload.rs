//! The ConfigMap is patched while Berth runs: the next pods land by the new weights; a wrong one
//! changes nothing. The test plays the kubelet, which brings a ConfigMap to a volume.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use e2e::audit::{self, BERTH};
use e2e::controlplane::{ControlPlane, Options};
use e2e::nodes::NodePool;
use e2e::scheduler::Scheduler;
use e2e::{installed, patience, serviceaccount};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What pods prefer by NodeAffinity (weight 2), against NodeResourcesFit (weight 1).
const NEAR: &str = "near";
const FAR: &str = "far";

/// A mounted ConfigMap: `config.yaml -> ..data/config.yaml`, `..data -> ..VERSION`.
struct Volume {
    dir: PathBuf,
    version: usize,
}

impl Volume {
    fn mount(dir: &Path, text: &str) -> Self {
        fs::create_dir_all(dir).unwrap();
        let mut volume = Self { dir: dir.to_owned(), version: 0 };
        volume.swap(text);
        symlink("..data/config.yaml", dir.join("config.yaml")).unwrap();
        volume
    }

    /// As the kubelet does (`AtomicWriter`): a new folder, a new link, a rename.
    fn swap(&mut self, text: &str) {
        self.version += 1;
        let folder = format!("..{}", self.version);
        fs::create_dir(self.dir.join(&folder)).unwrap();
        fs::write(self.dir.join(&folder).join("config.yaml"), text).unwrap();
        let link = self.dir.join("..data_tmp");
        symlink(&folder, &link).unwrap();
        fs::rename(link, self.dir.join("..data")).unwrap();
    }
}

struct Bench {
    plane: ControlPlane,
    berth: Scheduler,
    volume: Volume,
    reader: String,
}

impl Bench {
    async fn start() -> Self {
        let options =
            Options { name: "reload".to_owned(), controllers: true, kwok: true, load: false };
        let plane = ControlPlane::start(&options).await.unwrap();
        for name in [NEAR, FAR] {
            let mut pool = NodePool::new(name, 1);
            pool.labels.insert("e2e/place".to_owned(), name.to_owned());
            pool.create(&plane.client()).await.unwrap();
            pool.wait_untainted(&plane.client(), LIMIT).await.unwrap();
        }
        let mut options = installed::install(&plane).await.unwrap();
        options.flags.push(format!("--config-map={}/berth-config", installed::NAMESPACE));
        let volume = Volume::mount(&plane.dir().join(&options.name), &options.config);
        let berth = Scheduler::start(&plane, &options).await.unwrap();
        let kubectl = plane.kubectl();
        kubectl.run(&["create", "serviceaccount", "reader"]).await.unwrap();
        let urls = ["--non-resource-url=/metrics", "--non-resource-url=/configz"];
        let role = [&["create", "clusterrole", "reader", "--verb=get"][..], &urls].concat();
        kubectl.run(&role).await.unwrap();
        let bind = ["create", "clusterrolebinding", "reader", "--clusterrole=reader"];
        let bind = [&bind[..], &["--serviceaccount=default:reader"]].concat();
        kubectl.run(&bind).await.unwrap();
        let reader = serviceaccount::token(&plane, "default", "reader").await.unwrap();
        Self { plane, berth, volume, reader }
    }

    /// Patches the ConfigMap, and lets the volume follow.
    async fn patch(&mut self, config: &str) {
        let kubectl = self.plane.kubectl();
        let patch = json!({"data": {"config.yaml": config}}).to_string();
        let map = ["configmap", "berth-config", "-n", installed::NAMESPACE];
        kubectl.run(&[&["patch", "-p", &patch][..], &map].concat()).await.unwrap();
        let path = r"jsonpath={.data.config\.yaml}";
        let text = kubectl.run(&[&["get", "-o", path][..], &map].concat()).await.unwrap();
        self.volume.swap(&text);
    }

    /// Waits until `kubectl describe` of the ConfigMap shows an event, and gives its line back.
    async fn described(&self, reason: &str) -> String {
        let kubectl = self.plane.kubectl();
        let describe = ["describe", "configmap", "berth-config", "-n", installed::NAMESPACE];
        patience::until(reason, LIMIT, POLL, async || {
            let text = kubectl.run(&describe).await?;
            let events = text.split("Events:").nth(1).context("no events")?;
            let line = events.lines().find(|line| line.contains(reason));
            line.map(|line| line.trim().to_owned()).with_context(|| events.to_owned())
        })
        .await
        .unwrap()
    }

    /// Creates a pod that would like to be near, and says where it is put.
    async fn place(&self, name: &str) -> String {
        let pods: Api<Pod> = Api::namespaced(self.plane.client(), "default");
        let near = json!({"matchExpressions":
            [{"key": "e2e/place", "operator": "In", "values": [NEAR]}]});
        let pod = json!({
            "metadata": {"name": name},
            "spec": {
                "schedulerName": "berth",
                "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                    [{"weight": 100, "preference": near}]}},
                "containers": [{"name": "c", "image": "e2e.invalid/work:1",
                                "resources": {"requests": {"cpu": "1", "memory": "64Mi"}}}],
            },
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        pods.create(&PostParams::default(), &pod).await.unwrap();
        let node = patience::until(name, LIMIT, POLL, async || {
            let pod = pods.get(name).await?;
            pod.spec.and_then(|spec| spec.node_name).context("no node")
        });
        let node = node.await.unwrap();
        node.split('-').next().unwrap().to_owned()
    }

    async fn place_all(&self, names: &[&str]) -> Vec<String> {
        let mut places = Vec::new();
        for name in names {
            places.push(self.place(name).await);
        }
        places
    }

    async fn metric(&self, name: &str) -> String {
        let (status, text) = self.berth.get("/metrics", Some(&self.reader)).await.unwrap();
        assert_eq!(status, 200, "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    }

    async fn configz(&self) -> Value {
        let (status, text) = self.berth.get("/configz", Some(&self.reader)).await.unwrap();
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn weighted(fit: &str) -> String {
    format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
         clientConnection: {{qps: 900}}\nleaderElection:\n  leaderElect: false\nprofiles:\n- schedulerName: berth\n  plugins:\n    \
         multiPoint:\n      enabled:\n      - name: NodeResourcesFit\n        weight: {fit}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the control plane binaries: make e2e"]
async fn weights_change_live_and_a_wrong_configuration_changes_nothing() {
    let mut bench = Bench::start().await;
    let places = bench.place_all(&["p0", "p1", "p2", "p3", "p4", "p5"]).await;
    assert_eq!(places, [NEAR; 6], "affinity outweighs room");
    let started = bench.metric("berth_config_hash").await;

    bench.patch(&weighted("100")).await;
    let reloaded = bench.described("ConfigReloaded").await;
    // The manifests' own file has no rate.
    assert!(reloaded.contains("clientConnection.qps"), "{reloaded}");
    let tuned = bench.metric("berth_config_hash").await;
    assert_ne!(tuned, started);
    assert_eq!(bench.place_all(&["q0", "q1"]).await, [FAR; 2], "room outweighs affinity");

    bench.patch(&weighted("heavy\n        wait: 3")).await;
    let rejected = bench.described("ConfigRejected").await;
    for part in ["config.yaml:13: profiles[0].", "weight", "wait"] {
        assert!(rejected.contains(part), "no {part} in {rejected}");
    }
    assert_eq!(bench.metric("berth_config_hash").await, tuned);
    assert_eq!(bench.metric("berth_config_last_reload_successful").await, "0");
    let page = bench.configz().await;
    assert_eq!(page["berth"]["lastReload"]["result"], "rejected", "{page}");
    assert_eq!(page["berth"]["lastReload"]["problems"].as_array().unwrap().len(), 2, "{page}");
    assert_eq!(bench.place_all(&["r0", "r1"]).await, [FAR; 2], "nothing has changed");

    bench.patch(&weighted("1")).await;
    let mended = patience::until("the mended file", LIMIT, POLL, async || {
        let ok = bench.metric("berth_config_last_reload_successful").await;
        ensure!(ok == "1", "{ok}");
        Ok(())
    });
    mended.await.unwrap();
    assert_eq!(bench.place("s0").await, NEAR, "affinity outweighs room again");

    let log = bench.berth.process.log_text().unwrap();
    assert!(log.contains("Configuration refused"), "{log}");
    let denied = audit::denied(&bench.plane.audit().entries().unwrap(), BERTH);
    assert!(denied.is_empty(), "the manifests' RBAC refuses Berth: {denied:#?}");
    println!("reload: {reloaded}\nreload: {rejected}");
    let status = bench.berth.process.terminate(LIMIT).await.unwrap();
    assert!(status.success(), "SIGTERM ended Berth with {status}");
    bench.plane.stop().unwrap();
}
