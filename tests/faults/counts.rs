//! What metrics say of pods whose attempts end in every way there is.

use crate::pods::{PODS_PER_NODE, nodes, pod};
use crate::stage::Stage;

/// How a bind may fail: the code of the answer, `None` for one that is carried out and not
/// answered; the outcome it counts as; and whether the pod is posted again.
const ENDS: [(Option<u16>, &str, bool); 8] = [
    (Some(403), "denied", true),
    (Some(404), "gone", true),
    (Some(409), "conflict", true),
    (Some(422), "denied", true),
    (Some(429), "throttled", true),
    (Some(500), "not_bound", true),
    (Some(503), "unavailable", true),
    (None, "bound", false),
];

/// The series of attempts with this result.
fn attempts(stage: &Stage, result: &str) -> u64 {
    let labels = format!("{{result=\"{result}\",profile=\"berth\"}}");
    let total = stage.metric(&format!("scheduler_schedule_attempts_total{labels}"));
    let name = "scheduler_scheduling_attempt_duration_seconds_count";
    assert_eq!(stage.metric(&format!("{name}{labels}")), total, "each is timed");
    total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_counts_as_what_became_of_it() {
    for (code, outcome, again) in ENDS {
        let stage = Stage::with_nodes(nodes(1)).await;
        match code {
            Some(code) => stage.sandbox.faults().fail_next("create", "pods/binding", 1, code),
            None => stage.sandbox.faults().lose_answers("create", "pods/binding", 1),
        }
        stage.sandbox.create("pods", pod("one")).unwrap();
        stage.bound_at_least(1).await;
        let bound = "scheduler_pod_scheduling_attempts_count";
        stage.until("the engine knows", || stage.metric(bound) == 1).await;
        let what = format!("{code:?} {outcome}");
        let failures = u64::from(again);
        assert_eq!(attempts(&stage, "scheduled"), 1, "{what}");
        assert_eq!(attempts(&stage, "error"), failures, "{what}");
        assert_eq!(attempts(&stage, "unschedulable"), 0, "{what}");
        let outcomes =
            |name: &str| stage.metric(&format!("berth_bind_outcomes_total{{outcome=\"{name}\"}}"));
        assert_eq!(outcomes("bound"), 1, "{what}");
        assert_eq!(outcomes(outcome), 1, "{what}");
        let all = ["bound", "conflict", "gone", "denied", "throttled", "unavailable", "not_bound"];
        assert_eq!(all.iter().map(|name| outcomes(name)).sum::<u64>(), 1 + failures, "{what}");
        // It is one pod that took this many attempts, however they ended.
        assert_eq!(stage.metric("scheduler_pod_scheduling_attempts_sum"), 1 + failures, "{what}");
        let sli = |attempts: u64| {
            let name = "scheduler_pod_scheduling_sli_duration_seconds_count";
            stage.metric(&format!("{name}{{attempts=\"{attempts}\"}}"))
        };
        assert_eq!((sli(1), sli(2)), (1 - failures, failures), "{what}");
        assert_eq!(stage.metric("berth_api_writes_total{kind=\"binding\"}"), 1 + failures);
        assert_eq!(stage.metric("scheduler_goroutines{operation=\"binding\"}"), 0, "{what}");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_fits_nowhere_counts_as_that() {
    let stage = Stage::with_nodes(nodes(1)).await;
    stage.create_pods("pod", PODS_PER_NODE);
    stage.bound_at_least(PODS_PER_NODE).await;
    stage.sandbox.create("pods", pod("late")).unwrap();
    let written = "berth_status_patches_total{result=\"written\"}";
    stage.until("it is told", || stage.metric(written) == 1).await;
    assert_eq!(attempts(&stage, "unschedulable"), 1);
    assert_eq!(attempts(&stage, "error"), 0);
    assert_eq!(attempts(&stage, "scheduled"), PODS_PER_NODE as u64);
    let pending = |queue| stage.metric(&format!("scheduler_pending_pods{{queue=\"{queue}\"}}"));
    stage.until("it is shown as parked", || pending("unschedulable") == 1).await;
    assert_eq!((pending("active"), pending("backoff"), pending("gated")), (0, 0, 0));
    let rejected = "scheduler_unschedulable_pods{plugin=\"NodeResourcesFit\",profile=\"berth\"}";
    stage.until("by the plugin that rejected it", || stage.metric(rejected) == 1).await;

    stage.sandbox.delete("pods", "default", "pod-000").unwrap();
    stage.bound_at_least(PODS_PER_NODE).await;
    let bound = "scheduler_pod_scheduling_attempts_count";
    stage.until("the engine knows", || stage.metric(bound) == PODS_PER_NODE as u64 + 1).await;
    assert_eq!(attempts(&stage, "unschedulable"), 1, "woken once, for the place");
    stage.until("nobody is parked", || pending("unschedulable") == 0).await;
    stage.until("nobody is rejected", || stage.metric(rejected) == 0).await;
    stage.stop().await;
}
