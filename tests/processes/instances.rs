//! Two `berth run` for the pods of one `schedulerName`: one of them schedules.

use serde_json::{Value, json};

use crate::stage::{Berth, LEASES, Stage, pods, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_places_nothing_until_the_first_has_ended() {
    let stage = Stage::new().await;
    let mut first = stage.start("first", &[]);
    until("the first holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let of_first = stage.holder();
    let mut second = stage.start("second", &[]);
    let logs = [&*first.log.clone(), &*second.log.clone()];
    let alive = "Refusing to serve this schedulerName while the other instance renews its Lease";
    until("the second sees the first renew", &logs, || second.log().contains(alive)).await;
    stage.create(pods("pod", 20));
    until("20 pods are bound", &logs, || stage.bound() == 20).await;
    assert!(!second.log().contains("Lease acquired"), "{}", second.log());
    assert_eq!(stage.holder(), of_first);
    assert!(second.log().contains("--allow-second-instance"), "{}", second.log());

    // In order: the second follows at once, and the first has finished what it began.
    first.signal("TERM");
    assert!(first.exit().await.success(), "{}", first.log());
    assert!(first.log().contains("Lease released"), "{}", first.log());
    stage.create(pods("late", 20));
    until("40 pods are bound", &logs, || stage.bound() == 40).await;
    assert!(second.log().contains("Lease acquired"));

    // Killed: its Lease runs out.
    second.child.kill().await.unwrap();
    stage.create(pods("last", 20));
    let third = stage.start("third", &[]);
    until("60 pods are bound", &[&third.log], || stage.bound() == 60).await;
    assert!(third.log().contains("Another instance holds the Lease: waiting"), "{}", third.log());
    assert_eq!(stage.overcommitted(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_lease_was_taken_ends_with_an_error() {
    let stage = Stage::new().await;
    let mut first = stage.start("first", &["--logging-format=json"]);
    until("it holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let mut stolen = stage.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap().unwrap();
    stolen["spec"]["holderIdentity"] = json!("thief_3");
    while stage.sandbox.update(LEASES, false, &stolen).is_err() {
        let now = stage.sandbox.get(LEASES, "kube-system", "berth-berth").unwrap().unwrap();
        stolen["metadata"] = now["metadata"].clone();
    }
    let status = first.exit().await;
    assert_eq!(status.code(), Some(1), "{}", first.log());
    assert!(first.log().contains("thief_3 has taken Lease kube-system/berth-berth"));
    assert_eq!(stage.holder(), "thief_3");
    let told = |event: &Value| event["reason"] == "LeaderElection" && event["type"] == "Warning";
    assert_eq!(stage.sandbox.count("events", told).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_is_allowed_loudly() {
    let stage = Stage::new().await;
    let first = stage.start("first", &[]);
    until("the first holds the Lease", &[&first.log], || !stage.holder().is_empty()).await;
    let mut second = stage.start("second", &["--allow-second-instance"]);
    let ready = "scheduling begins";
    until("the second schedules", &[&second.log], || second.log().contains(ready)).await;
    assert!(second.log().contains("WARN") && second.log().contains("no Lease is held"));
    // It alone places these, with nobody's Lease.
    drop(first);
    stage.create(pods("pod", 20));
    until("20 pods are bound", &[&second.log], || stage.bound() == 20).await;
    second.signal("TERM");
    assert!(second.exit().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_reads_the_configuration_again_and_ends_nothing() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let write = |profiles: &str| {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\nprofiles: {profiles}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("[{schedulerName: berth}]");
    let mut berth = stage.start("file", &[&format!("--config={}", file.display())]);
    until("it holds the Lease", &[&berth.log], || !stage.holder().is_empty()).await;
    berth.signal("HUP");
    let told = |berth: &Berth, what: &'static str| {
        let log = berth.log.clone();
        async move {
            until(what, &[&log], || std::fs::read_to_string(&log).unwrap().contains(what)).await;
        }
    };
    told(&berth, "The configuration says what is in force").await;
    write("[{schedulerName: 7}]");
    berth.signal("HUP");
    told(&berth, "Configuration refused").await;
    write("[{schedulerName: berth}, {schedulerName: other}]");
    berth.signal("HUP");
    told(&berth, "Configuration reloaded").await;
    berth.signal("TERM");
    assert!(berth.exit().await.success(), "{}", berth.log());

    let mut without = stage.start("without", &[]);
    until("it holds the Lease", &[&without.log], || without.log().contains("Lease acquired")).await;
    without.signal("HUP");
    told(&without, "SIGHUP ignored").await;
    without.signal("TERM");
    assert!(without.exit().await.success(), "{}", without.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_refused_for_a_lease_is_put_in_force_when_the_lease_is_free() {
    let stage = Stage::new().await;
    let file = stage.dir.path().join("config.yaml");
    let write = |profiles: &str| {
        let text = format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: false}}\nprofiles: {profiles}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    let mut other = stage.start("other", &[]);
    until("the other holds the Lease", &[&other.log], || !stage.holder().is_empty()).await;
    write("[{schedulerName: batch}]");
    let berth = stage.start("file", &[&format!("--config={}", file.display())]);
    let logs = [&*other.log.clone(), &*berth.log.clone()];
    until("it holds its own", &logs, || berth.log().contains("Lease acquired")).await;
    write("[{schedulerName: batch}, {schedulerName: berth}]");
    until("it is refused", &logs, || berth.log().contains("Configuration refused")).await;
    assert!(berth.log().contains("tried again every 2 s until the Lease is free"));
    stage.create(pods("pod", 20));
    until("20 pods are bound", &logs, || stage.bound() == 20).await;
    other.signal("TERM");
    assert!(other.exit().await.success(), "{}", other.log());
    until("it is taken", &logs, || berth.log().contains("Configuration reloaded")).await;
    stage.create(pods("late", 20));
    until("40 pods are bound", &logs, || stage.bound() == 40).await;
    let log = berth.log();
    assert_eq!(log.matches("Configuration refused").count(), 1, "once for each cause: {log}");
    assert!(!log.contains("takes over when the Lease is free"), "it serves batch: {log}");
}
