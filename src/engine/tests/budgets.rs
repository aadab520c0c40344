//! PodDisruptionBudgets in the dry run of preemption: which victims break one.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use berth_engine::record::{
    DisruptionBudgetRecord, LabelSelector, NodeRecord, ObjectKey, PodRecord, PodSpec, Quantity,
};
use berth_engine::{Change, Decided, Engine, Input, Object};
use support::amounts::requests;
use support::plugins::config;

fn node(name: &str) -> Input {
    let amounts = [("cpu", Quantity::from_units(1)), ("pods", Quantity::from_units(10))];
    let allocatable = amounts.into_iter().collect();
    Input::NodeApplied(Arc::new(NodeRecord {
        name: name.into(),
        allocatable,
        ..NodeRecord::default()
    }))
}

fn pod(name: &str, cpu: i64, priority: i32) -> PodRecord {
    let spec = PodSpec {
        scheduler_name: "berth".into(),
        containers: vec![requests(cpu, 0, 0)],
        ..PodSpec::default()
    };
    let mut pod = PodRecord::new("d", name, &format!("{name}-uid"), Arc::new(spec));
    pod.labels = [("app", "web")].into_iter().collect();
    pod.priority = priority;
    pod
}

/// A budget of all `app=web` pods of the namespace.
fn budget(namespace: &str, name: &str, allowed: i32, disrupted: &[&str]) -> DisruptionBudgetRecord {
    DisruptionBudgetRecord {
        key: ObjectKey::new(namespace, name),
        selector: Some(LabelSelector {
            match_labels: [("app", "web")].into_iter().collect(),
            ..LabelSelector::default()
        }),
        disruptions_allowed: allowed,
        disrupted_pods: disrupted.iter().map(|name| (*name).into()).collect(),
    }
}

/// For a pod that needs a whole node: the victims that break a budget on node `one`, with the pod
/// `a`, and on node `two`, with `b` and `c`; and the best nodes.
fn violations(budgets: &[DisruptionBudgetRecord]) -> ([usize; 2], Vec<String>) {
    let mut engine = Engine::new(None);
    let on = |node: &str, mut pod: PodRecord| {
        pod.node_name = Some(node.into());
        Input::PodApplied(Box::new(pod))
    };
    let budgets = budgets.iter().cloned().map(Object::DisruptionBudget);
    let inputs = [
        Input::Config(config(Vec::new())),
        node("one"),
        node("two"),
        on("one", pod("a", 1_000, 0)),
        on("two", pod("b", 500, 0)),
        on("two", pod("c", 500, 0)),
        Input::PodApplied(Box::new(pod("large", 1_000, 10))),
    ];
    let objects = budgets.map(|of| Input::Object(Box::new(of), Change::Applied));
    engine.step(inputs.into_iter().chain(objects), 1_000, &mut Vec::new(), &mut ());
    let large = engine.cache().pods().find("large-uid").unwrap();
    let profile = engine.profile_of(large).unwrap().clone();
    let Decided::Reject { filtered } = engine.decide(large, &profile, false, &mut ()) else {
        panic!("both nodes are full");
    };
    let preemption = engine.preempt(large, &profile, &filtered).unwrap();
    let of = |name: &str| {
        let node = engine.cache().find_node(name).unwrap();
        let victims = preemption.candidates.iter().find(|victims| victims.node == node);
        victims.unwrap().violations
    };
    let name = |node: &_| engine.cache().node_name(*node).to_owned();
    ([of("one"), of("two")], preemption.selected.iter().map(name).collect())
}

/// `disruptedPods` are on their way out already: the budget has paid for them.
#[test]
fn pods_that_are_disrupted_already_break_no_budget() {
    let web = |allowed, disrupted: &[&str]| budget("d", "web", allowed, disrupted);
    for (budgets, expected, best) in [
        (vec![], [0, 0], "one"),
        (vec![web(0, &[])], [1, 2], "one"),
        (vec![web(1, &[])], [0, 1], "one"),
        (vec![web(2, &[])], [0, 0], "one"),
        (vec![web(0, &["a"])], [0, 2], "one"),
        (vec![web(0, &["b"])], [1, 1], "one"),
        (vec![web(0, &["b", "c"])], [1, 0], "two"),
        (vec![web(1, &["c"])], [0, 0], "one"),
        // Names are those of the budget's own namespace, and each budget has its own.
        (vec![budget("other", "web", 0, &[])], [0, 0], "one"),
        (vec![web(0, &["b", "c"]), budget("d", "next", 0, &["b"])], [1, 1], "one"),
        (vec![web(i32::MIN, &["b"])], [1, 1], "one"),
    ] {
        let (broken, selected) = violations(&budgets);
        assert_eq!(broken, expected, "{budgets:?}");
        assert_eq!(selected, [best], "{budgets:?}");
    }
}
