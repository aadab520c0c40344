#![allow(clippy::unwrap_used)]

use std::time::Duration;

use berth_sandbox::Sandbox;

use super::*;
use crate::client::Rate;
use crate::config;
use crate::scheduler::{Options, Scheduler};

/// Ends a broken test.
const LIMIT: Duration = Duration::from_secs(60);

/// What a check of `/readyz` says.
fn says(pages: &Pages, name: &str) -> Result<(), String> {
    let check = pages.ready.iter().find(|check| check.name == name).unwrap();
    (check.test)()
}

#[tokio::test]
async fn readyz_fails_where_a_watch_is_not_heard_or_a_lease_is_not_held() {
    let sandbox = Sandbox::start(berth_sandbox::Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    let connection = ConnectOptions { kubeconfig: Some(kubeconfig), master: None };
    let client = connect(&connection).await.unwrap();
    let loaded = config::without_file(&berth_plugins::in_tree().unwrap()).unwrap();
    let options = Options {
        rate: Rate::Unlimited,
        format: crate::watch::Format::default(),
        threads: 1,
        origin: berth_engine::Origin::seeded(1),
        events: crate::events::Granularity::Each,
    };
    let scheduler = Scheduler::start(client, loaded.engine_config(true).unwrap(), options).unwrap();
    let (_announce, in_force) = watch::channel(InForce::at_start(loaded));
    let (stand, standing) = watch::channel(Standing::default());
    let health = scheduler.health();
    let page = |health: &Health| {
        pages(false, in_force.clone(), (health, scheduler.reader()), standing.clone())
    };
    let (patient, impatient) = (page(&health), page(&health.impatient()));
    // What has not been listed is waited for by another check.
    let synced = async {
        while !health.is_synced() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, synced).await.unwrap();
    assert_eq!(says(&patient, "sched-handler-sync"), Ok(()));
    assert_eq!(says(&patient, "watches-heard"), Ok(()));
    tokio::time::sleep(Duration::from_millis(2)).await;
    let why = says(&impatient, "watches-heard").unwrap_err();
    assert!(why.contains("Pod: nothing heard for 0 s; ") && why.contains("Node: nothing"), "{why}");

    let why = "a_1 holds Lease x".to_owned();
    for standing in
        [Standing::Waits(why.clone()), Standing::Lost(why.clone()), Standing::Refused(why.clone())]
    {
        stand.send_replace(standing);
        assert_eq!(says(&patient, "lease"), Err(why.clone()));
    }
    stand.send_replace(Standing::Holds);
    assert_eq!(says(&patient, "lease"), Ok(()));
    scheduler.stop(LIMIT).await;
    sandbox.stop().await;
}
