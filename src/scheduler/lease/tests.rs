//! Instances that claim names, on the sandbox.
#![allow(clippy::unwrap_used)]

mod group;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use berth_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::client::{Client, ConnectOptions, connect};
use crate::metrics::Metrics;

/// Ends a broken test.
const LIMIT: Duration = Duration::from_secs(60);

const LEASES: &str = "leases.coordination.k8s.io";

struct Instance {
    claims: Claims,
    standing: watch::Receiver<Standing>,
    metrics: Arc<Metrics>,
}

/// A lease of 2 s, renewed every 100 ms.
fn timing() -> Timing {
    let (second, tenth) = (Duration::from_secs(1), Duration::from_millis(100));
    Timing::new(2 * second, second / 2, tenth).unwrap()
}

async fn client(sandbox: &Sandbox) -> Client {
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = dir.path().join("kubeconfig");
    std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
    connect(&ConnectOptions { kubeconfig: Some(kubeconfig), master: None }).await.unwrap()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Instance {
    async fn start(sandbox: &Sandbox, identity: &str, names: &[&str]) -> Self {
        let metrics = Arc::new(Metrics::new(Arc::default()));
        let options = ClaimsOptions {
            names: set(names),
            namespace: Namespace::Found,
            timing: timing(),
            identity: identity.into(),
            status: metrics.lease.clone(),
            events: None,
        };
        let (announce, standing) = watch::channel(Standing::default());
        let claims = Claims::spawn(client(sandbox).await, options, announce);
        Self { claims, standing, metrics }
    }

    async fn until(&mut self, what: &str, is: impl Fn(&Standing) -> bool) -> Standing {
        let shown = self.standing.clone();
        let waited = tokio::time::timeout(LIMIT, self.standing.wait_for(is)).await;
        let reached =
            waited.unwrap_or_else(|_| panic!("not in time: {what}: {:?}", shown.borrow()));
        reached.unwrap().clone()
    }

    async fn holds(&mut self) {
        self.until("holds", |standing| *standing == Standing::Holds).await;
    }

    fn is_holding(&self) -> bool {
        *self.standing.borrow() == Standing::Holds
    }

    fn shows(&self, line: &str) -> bool {
        self.metrics.encode(None).body.contains(line)
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start(berth_sandbox::Options::default()).await.unwrap()
}

fn lease(sandbox: &Sandbox, name: &str) -> Value {
    sandbox.get(LEASES, "kube-system", name).unwrap().unwrap()
}

/// Writes another holder into a Lease, between two renewals.
fn steal(sandbox: &Sandbox, name: &str, holder: &str) {
    let mut stolen = lease(sandbox, name);
    stolen["spec"]["holderIdentity"] = json!(holder);
    while sandbox.update(LEASES, false, &stolen).is_err() {
        stolen["metadata"] = lease(sandbox, name)["metadata"].clone();
    }
}

fn waits_for(holder: &str) -> impl Fn(&Standing) -> bool {
    let holder = format!("{holder} holds Lease ");
    move |standing| matches!(standing, Standing::Waits(why) if why.starts_with(&holder))
}

/// Waits while a holder renews some ten times.
async fn while_renewed(sandbox: &Sandbox, name: &str) {
    let version = || lease(sandbox, name)["metadata"]["resourceVersion"].clone();
    for _ in 0..10 {
        let before = version();
        let renewed = async {
            while version() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, renewed).await.expect("a renewal");
    }
}

#[tokio::test]
async fn a_second_instance_waits_while_the_first_renews_and_follows_its_release() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    first.holds().await;
    assert!(first.shows("leader_election_master_status{name=\"berth-berth\"} 1\n"));
    let spec = lease(&sandbox, "berth-berth")["spec"].clone();
    assert_eq!(spec["holderIdentity"], "a_1");
    assert_eq!((&spec["leaseDurationSeconds"], &spec["leaseTransitions"]), (&json!(2), &json!(0)));
    let mut second = Instance::start(&sandbox, "b_2", &["berth"]).await;
    second.until("waits", waits_for("a_1")).await;
    assert!(second.shows("leader_election_master_status{name=\"berth-berth\"} 0\n"));
    while_renewed(&sandbox, "berth-berth").await;
    assert!(first.is_holding() && !second.is_holding());
    assert_eq!(lease(&sandbox, "berth-berth")["spec"]["acquireTime"], spec["acquireTime"]);
    first.claims.release(LIMIT).await;
    second.holds().await;
    let spec = lease(&sandbox, "berth-berth")["spec"].clone();
    assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("b_2"), &json!(1)));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_dead_holders_lease_is_waited_for_from_when_it_was_first_seen() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    first.holds().await;
    // It ends without a word.
    drop(first);
    // Whatever the time in it says: clocks are not compared.
    let text = |lease: &Value| lease["spec"]["renewTime"].as_str().unwrap().to_owned();
    let renewed: jiff::Timestamp = text(&lease(&sandbox, "berth-berth")).parse().unwrap();
    let begun = std::time::Instant::now();
    let mut second = Instance::start(&sandbox, "a_2", &["berth"]).await;
    second.until("waits", waits_for("a_1")).await;
    second.holds().await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?} after {renewed}", begun.elapsed());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_lease_that_another_has_taken_is_lost_for_good() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth", "batch"]).await;
    first.holds().await;
    steal(&sandbox, "berth-berth", "thief_3");
    let lost = first.until("lost", |standing| matches!(standing, Standing::Lost(_))).await;
    let Standing::Lost(why) = lost else { panic!("{lost:?}") };
    assert_eq!(why, "thief_3 has taken Lease kube-system/berth-berth of schedulerName \"berth\"");
    // The other one is let go of.
    first.claims.release(LIMIT).await;
    assert_eq!(lease(&sandbox, "berth-batch")["spec"]["holderIdentity"], "");
    assert_eq!(lease(&sandbox, "berth-berth")["spec"]["holderIdentity"], "thief_3");
    sandbox.stop().await;
}

#[tokio::test]
async fn without_renewals_nothing_is_scheduled_until_there_is_one_again() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    first.holds().await;
    for verb in ["get", "update"] {
        sandbox.faults().fail_next(verb, "leases", 1_000_000, 503);
    }
    first.until("unsure", |standing| matches!(standing, Standing::Waits(_))).await;
    sandbox.faults().clear();
    first.holds().await;
    assert_eq!(lease(&sandbox, "berth-berth")["spec"]["leaseTransitions"], 0, "it was ours");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_denied_lease_is_refused_with_the_rule_to_grant() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next("get", "leases", 1_000_000, 403);
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    let refused = first.until("refused", |standing| matches!(standing, Standing::Refused(_))).await;
    let Standing::Refused(why) = refused else { panic!("{refused:?}") };
    for words in [
        "Lease kube-system/berth-berth",
        "grant get, create and update on leases of coordination.k8s.io in namespace kube-system",
        "--allow-second-instance",
    ] {
        assert!(why.contains(words), "{why}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn an_api_server_in_trouble_is_waited_for() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next("get", "namespaces", 3, 500);
    sandbox.faults().fail_next("get", "leases", 3, 500);
    sandbox.faults().fail_next("create", "leases", 3, 503);
    Instance::start(&sandbox, "a_1", &["berth"]).await.holds().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reload_takes_new_names_and_lets_old_ones_run_out() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    first.holds().await;
    let mut other = Instance::start(&sandbox, "b_2", &["batch"]).await;
    other.holds().await;
    let reload = first.claims.handle();
    let refused = reload.admit(set(&["aside", "batch", "berth"]), false).await.unwrap_err();
    assert!(refused.starts_with("b_2 holds Lease kube-system/berth-batch"), "{refused}");
    assert!(first.is_holding(), "what was held is held");
    let aside = sandbox.get(LEASES, "kube-system", "berth-aside").unwrap();
    assert_eq!(aside, None, "nothing is taken while another name is somebody else's");

    reload.admit(set(&["night"]), false).await.unwrap();
    assert_eq!(lease(&sandbox, "berth-night")["spec"]["holderIdentity"], "a_1");
    reload.retain(set(&["night"])).await;
    let mut third = Instance::start(&sandbox, "c_3", &["berth"]).await;
    third.holds().await;
    assert!(first.is_holding() && other.is_holding());
    assert!(first.shows("leader_election_master_status{name=\"berth-berth\"} 0\n"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reload_gives_up_a_name_that_the_start_still_waits_for() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["berth"]).await;
    first.holds().await;
    let mut second = Instance::start(&sandbox, "b_2", &["berth"]).await;
    second.until("waits", waits_for("a_1")).await;
    let reload = second.claims.handle();
    reload.admit(set(&["zeta"]), false).await.unwrap();
    assert!(!second.is_holding());
    reload.retain(set(&["zeta"])).await;
    second.holds().await;
    sandbox.stop().await;
}

#[test]
fn identities_are_a_hostname_and_a_uuid() {
    let (a, b) = (identity(), identity());
    assert_ne!(a, b, "a restart is somebody else");
    let uuid = a.strip_prefix(&format!("{}_", crate::events::hostname())).unwrap();
    let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
    assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
}
