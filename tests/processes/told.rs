//! What a process says: its log, and what it serves.

use berth::client::{Client, ConnectOptions, connect};
use serde_json::json;

use crate::stage::{Stage, pods, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_whose_profile_goes_are_counted_in_a_warning() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let write = |name: &str| {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\nprofiles: [{{schedulerName: {name}}}]\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("berth");
    let mut berth = stage.start("log", &[&format!("--config={}", file.display())]);
    // More than there is room for.
    let room = stage.room();
    stage.create(pods("pod", room + 7));
    until("all room is taken", &[&berth.log], || stage.bound() == room).await;
    let waits = |n: usize| {
        let unfit = stage.sandbox.count("pods", |pod| {
            let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|condition| condition["reason"] == "Unschedulable")
        });
        unfit.unwrap() == n
    };
    until("seven wait", &[&berth.log], || waits(7)).await;
    write("batch");
    berth.signal("HUP");
    let said = "Pods wait for a profile that is no longer in the configuration: add a profile with \
                this schedulerName again, or create the pods anew with another one; those counted \
                as told show this in their condition PodScheduled profile=berth pods=7 told=7";
    until("it says so", &[&berth.log], || berth.log().contains(said)).await;
    let log = berth.log();
    assert_eq!(log.matches("Pods wait for a profile").count(), 1, "once: {log}");
    let line = log.lines().find(|line| line.contains(said)).unwrap();
    assert!(line.contains(" WARN "), "{line}");
    berth.signal("TERM");
    assert!(berth.exit().await.success(), "{}", berth.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_names_whom_it_refuses_to_serve_beside() {
    let stage = Stage::new().await;
    let first = stage.start("first", &[]);
    until("the first holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let holder = stage.holder();
    let second = stage.start("second", &[]);
    let waiting = format!(
        "Another instance holds the Lease: waiting for it to be released or to run out \
         lease=\"kube-system/berth-berth\" scheduler_name=\"berth\" holder={holder:?}"
    );
    until("it waits", &[&second.log], || second.log().contains(&waiting)).await;
    let refusing = format!(
        "Refusing to serve this schedulerName while the other instance renews its Lease: this one \
         places no pod, is not ready, and takes over when the Lease is free. Stop the other, or \
         name the profile otherwise; --allow-second-instance runs both, which over-commits nodes \
         lease=\"kube-system/berth-berth\" scheduler_name=\"berth\" holder={holder:?}"
    );
    until("it refuses", &[&second.log], || second.log().contains(&refusing)).await;
    let log = second.log();
    for said in [&waiting, &refusing] {
        assert_eq!(log.matches(&**said).count(), 1, "once: {log}");
    }
    let level = |said: &str| {
        let line = log.lines().find(|line| line.contains(said)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!([level(&waiting), level(&refusing)], ["INFO", "WARN"]);
}

/// A client of what a process serves, whose certificate is its own.
async fn visitor(stage: &Stage, port: u16) -> Client {
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let path = stage.dir.path().join(format!("visitor-{port}"));
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    connect(&ConnectOptions { kubeconfig: Some(path), master: None }).await.unwrap()
}

async fn status(client: &Client, path: &str) -> Option<u16> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    match client.kube().request_text(request).await {
        Ok(_) => Some(200),
        Err(kube::Error::Api(status)) => Some(status.code),
        // It does not serve yet.
        Err(_) => None,
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_are_served_unless_the_flag_or_the_file_says_no() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let text = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
                leaderElection: {leaderElect: false}\nenableProfiling: false\n";
    std::fs::write(&file, text).unwrap();
    let config = format!("--config={}", file.display());
    let named: [&str; 2] = [&config, "--allow-default-scheduler"];
    for (flags, served) in [
        (&[][..], true),
        (&["--profiling=false"], false),
        (&["--profiling"], true),
        (&named, false),
    ] {
        let port = free_port();
        let secure = format!("--secure-port={port}");
        let open = "--authorization-always-allow-paths=/livez,/debug/*,/metrics";
        let mut all = vec![&*secure, "--bind-address=127.0.0.1", open];
        all.extend(flags);
        let mut berth = stage.start(&format!("log-{port}"), &all);
        let client = visitor(&stage, port).await;
        let deadline = std::time::Instant::now() + crate::stage::DEADLINE;
        while status(&client, "/livez").await != Some(200) {
            assert!(std::time::Instant::now() < deadline, "{}", berth.log());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(status(&client, "/metrics").await, Some(200), "{flags:?}");
        // One that is served says that no profile is so long.
        let found = status(&client, "/debug/pprof/profile?seconds=-1").await;
        assert_eq!(found, Some(if served { 400 } else { 404 }), "{flags:?}: {}", berth.log());
        berth.signal("TERM");
        assert!(berth.exit().await.success(), "{}", berth.log());
    }
}
