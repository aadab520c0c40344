//! The BerthConfiguration beside the other document.

use super::*;

fn with_own(own: &str) -> String {
    let header = "apiVersion: berth.dev/v1alpha1\nkind: BerthConfiguration\n";
    format!("{}---\n{header}{own}", by("LeastAllocated", "berth"))
}

impl Bench {
    /// A pod of Job `j`.
    fn create_owned(&self, name: &str) {
        let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u-j",
                           "controller": true});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "ownerReferences": [owner]},
            "spec": {"schedulerName": "berth", "containers": [{"name": "c", "image": "i"}]},
        });
        self.sandbox.create("pods", pod).unwrap();
    }
}

#[tokio::test]
async fn berths_own_settings_follow_the_file() {
    let rate = Rate::from_client_connection(0.0, 0);
    let mut bench = Bench::start_at(&by("LeastAllocated", "berth"), rate).await;
    bench.create_owned("p1");
    bench.event("Scheduled", "Successfully assigned default/p1 to").await;
    has(&bench.metrics(), "berth_bind_rate_limit 1000\n");

    let result = bench.write(&with_own("events: job\nadaptiveRate: {maxQPS: 70}\n")).await;
    assert_eq!(result, ReloadResult::Success { needs_restart: Vec::new() });
    bench.create_owned("p2");
    let event = bench.event("Scheduled", "placed").await;
    assert_eq!(event["involvedObject"]["kind"], "Job", "{event}");
    has(&bench.metrics(), "berth_bind_rate_limit 70\n");
    let page = bench.in_force.borrow().page();
    let own = &page["berth"]["configuration"];
    assert_eq!((&own["events"], &own["adaptiveRate"]["maxQPS"]), (&json!("job"), &json!(70)));

    // Without the document the defaults are in force again.
    bench.write(&by("LeastAllocated", "berth")).await;
    bench.create_owned("p3");
    bench.event("Scheduled", "Successfully assigned default/p3 to").await;
    let ReloadResult::Rejected { problems } = bench.write(&with_own("events: x\n")).await else {
        panic!("taken")
    };
    has(&problems.join("\n"), "events: \"x\" is none of pod, job");
    bench.stop().await;
}
