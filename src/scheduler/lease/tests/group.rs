//! Instances with several names.

use super::*;

/// What the Lease of `name` says of its holder; empty where there is none.
fn holder(sandbox: &Sandbox, name: &str) -> String {
    let lease = sandbox.get(LEASES, "kube-system", name).unwrap().unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_instance_takes_all_its_names_or_none() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["m"]).await;
    first.holds().await;
    let mut second = Instance::start(&sandbox, "b_2", &["a", "m", "z"]).await;
    let refuses = |standing: &Standing| {
        let text = "refuses to serve schedulerName \"m\" while a_1 renews Lease kube-system/berth-m \
                    (--allow-second-instance runs both)";
        matches!(standing, Standing::Waits(why) if why == text)
    };
    second.until("refuses", refuses).await;
    assert_eq!((holder(&sandbox, "berth-a"), holder(&sandbox, "berth-z")), Default::default());
    // So another instance can serve them meanwhile.
    let mut third = Instance::start(&sandbox, "c_3", &["a"]).await;
    third.holds().await;
    third.claims.release(LIMIT).await;
    first.claims.release(LIMIT).await;
    second.holds().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn the_leases_of_a_dead_holder_run_out_side_by_side() {
    let sandbox = sandbox().await;
    let names = ["a", "b", "c", "d", "e"];
    let mut first = Instance::start(&sandbox, "a_1", &names).await;
    first.holds().await;
    drop(first);
    let mut second = Instance::start(&sandbox, "b_2", &names).await;
    second.until("waits", waits_for("a_1")).await;
    let seen = std::time::Instant::now();
    second.holds().await;
    // One after another they would take five times 2 s.
    assert!(seen.elapsed() < 4 * timing().lease, "{:?}", seen.elapsed());
    sandbox.stop().await;
}

#[tokio::test]
async fn whoever_loses_the_race_for_a_lease_says_who_has_it() {
    let sandbox = sandbox().await;
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "berth-berth", "namespace": "kube-system"},
        "spec": {"holderIdentity": "a_1", "leaseDurationSeconds": 2},
    });
    // It is there, and the first look finds nothing: somebody has made it in between.
    sandbox.create(LEASES, lease).unwrap();
    sandbox.faults().fail_next("get", "leases", 2, 404);
    let mut second = Instance::start(&sandbox, "b_2", &["berth"]).await;
    let standing = second.until("answers", |standing| *standing != Standing::default()).await;
    assert!(waits_for("a_1")(&standing), "{standing:?}");
    sandbox.stop().await;
}

#[tokio::test]
async fn instances_with_some_names_in_common_do_not_wait_for_each_other() {
    let sandbox = sandbox().await;
    let mut first = Instance::start(&sandbox, "a_1", &["x", "y", "z"]).await;
    let mut second = Instance::start(&sandbox, "b_2", &["z", "y", "w"]).await;
    let either = async {
        tokio::select! {
            () = first.holds() => true,
            () = second.holds() => false,
        }
    };
    let first_is_in = tokio::time::timeout(LIMIT, either).await.expect("one of them holds");
    let (winner, mut other) = if first_is_in { (first, second) } else { (second, first) };
    winner.claims.release(LIMIT).await;
    other.holds().await;
    sandbox.stop().await;
}
