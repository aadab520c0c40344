//! Pods that Permit holds back, refuses or loses.

use std::sync::Arc;

use berth_engine::framework::{Permission, Point, ProfileBuilder, Reads};
use berth_engine::{BindOutcome, Config, Control, Input};

use super::bench::{Bench, deleted, node, plugins, pod, reading};
use super::support::plugins::{base, config, config_named};

#[test]
fn a_pod_that_all_plugins_allow_is_bound_at_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.pod("p"), "bind p to n");
    assert_eq!(bench.asked(), "permit one p, permit two p");
    assert_eq!(bench.answer("p", BindOutcome::Bound), "bound p");
    assert_eq!(bench.asked(), "post-bind one p, post-bind two p");
}

#[test]
fn a_pod_waits_until_each_plugin_allows_it() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.say("two", Permission::Wait(60_000));
    assert_eq!(bench.pod("p"), "nominate p to n");
    assert_eq!((bench.counts(), bench.engine.waiting_cycles()), ([1, 0, 0], 1));
    bench.asked();
    bench.say("one", Permission::Allow);
    bench.say("two", Permission::Allow);
    assert_eq!(bench.later(1), "", "nobody is asked while nothing changes");
    assert_eq!(bench.news(), "", "the other has not been asked");
    assert_eq!(bench.asked(), "permit one p");
    // What is reloaded may say something else, so both are asked.
    let again = Input::Config(config(plugins(&bench.script)));
    assert_eq!(bench.step(vec![again]), "bind p to n");
    assert_eq!(bench.answer("p", BindOutcome::Bound), "bound p");
}

#[test]
fn the_first_time_that_is_over_rejects_the_pod() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(300_000));
    bench.say("two", Permission::Wait(90_000));
    assert_eq!(bench.pod("p"), "nominate p to n");
    assert_eq!(bench.wake_at, Some(bench.now + 90_000));
    assert_eq!(bench.later(89), "");
    let text = "0/1 nodes are available: 1 rejected due to timeout after waiting 1m30s at plugin \
                two.";
    assert_eq!(bench.later(1), format!("nominate p no more; event; p: {text}"));
    assert_eq!(bench.counts(), [0, 0, 1], "it is parked, and its room is free");
    // Nothing that `two` reads has changed since it was popped.
    assert_eq!(bench.news(), "");
    assert_eq!(bench.counts(), [0, 0, 1]);
}

#[test]
fn a_wait_is_a_quarter_of_an_hour_at_most() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(u64::MAX));
    bench.pod("p");
    assert_eq!(bench.wake_at, Some(bench.now + 900_000));
    assert!(bench.later(900).contains("after waiting 15m0s at plugin one."));
}

#[test]
fn a_refused_pod_waits_for_what_the_plugin_reads() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Reject("not today".into()));
    assert_eq!(bench.pod("p"), "event; p: 0/1 nodes are available: 1 not today.");
    assert_eq!(bench.asked(), "permit one p", "those after it are not asked");
    assert_eq!(bench.counts(), [0, 0, 1], "what it gave up itself is no reason to try again");
    assert_eq!(bench.step(vec![node("m")]), "", "the plugin does not read nodes");
    bench.say("one", Permission::Allow);
    // One failure is a second of backoff, and nobody else is active.
    assert_eq!(bench.news(), "bind p to n");
}

#[test]
fn what_has_changed_meanwhile_is_not_missed() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    bench.news();
    bench.say("one", Permission::Reject("no".into()));
    bench.asked();
    let text = "nominate p no more; event; p: 0/1 nodes are available: 1 no.";
    assert_eq!(bench.news(), text);
    // Reviewed, and tried once more at once, as kube-scheduler replays the events of pods in
    // flight; then nothing was missed.
    assert_eq!(bench.asked(), "permit one p, permit one p");
    assert_eq!(bench.counts(), [0, 0, 1]);
}

#[test]
fn a_plugin_that_fails_sends_the_pod_into_backoff() {
    let mut bench = Bench::new();
    bench.say("two", Permission::Broken("oh".into()));
    let text = "event; p: error: running Permit plugin \"two\": oh";
    assert_eq!(bench.pod("p"), text);
    assert_eq!(bench.counts(), [0, 1, 0]);
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    bench.say("one", Permission::Broken("oh".into()));
    let text = "nominate p no more; event; p: error: waiting on permit for pod: oh";
    assert_eq!(bench.news(), text);
}

#[test]
fn room_of_a_pod_that_is_rejected_goes_to_others() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    assert_eq!(bench.pod("a"), "nominate a to n");
    assert_eq!(bench.pod("b"), "nominate b to n");
    bench.say("one", Permission::Allow);
    assert!(bench.pod("c").contains("c: 0/1 nodes are available: 1 no room."));
    let effects = bench.step(vec![deleted("a")]);
    assert_eq!(effects, "bind c to n");
    assert_eq!(bench.engine.waiting_cycles(), 1, "the cycle of the deleted pod is over");
}

#[test]
fn a_pod_that_waits_and_loses_its_node_is_tried_elsewhere() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    let gone = Input::NodeDeleted { name: "n".into() };
    let effects = bench.step(vec![gone, node("m")]);
    assert_eq!(effects, "nominate p no more; nominate p to m");
}

#[test]
fn a_profile_that_goes_takes_its_waiting_pods_along() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    let other = Input::Config(config_named("other", plugins(&bench.script)));
    assert!(bench.step(vec![other]).contains("profile \"berth\" is no longer"));
    assert_eq!((bench.counts(), bench.engine.binding_cycles()), ([0, 0, 0], 0));
    bench.say("one", Permission::Allow);
    let back = Input::Config(config(plugins(&bench.script)));
    assert_eq!(bench.step(vec![back]), "bind p to n");
}

#[test]
fn a_plugin_that_goes_with_a_reload_holds_nothing_back() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    assert_eq!(bench.step(vec![Input::Config(config(Vec::new()))]), "bind p to n");
}

#[test]
fn a_paused_engine_lets_no_pod_go_on() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    bench.say("one", Permission::Allow);
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(true))]), "");
    assert_eq!(bench.news(), "");
    assert_eq!(bench.later(600), "", "nor does it reject one");
    assert_eq!(bench.engine.open_binds(), 0);
    assert!(bench.step(vec![Input::Control(Control::Pause(false)), pod("q")]).contains("bind q"));
}

#[test]
fn a_refused_pod_does_not_wake_itself() {
    let mut bench = Bench::new();
    let all = config(reading(&bench.script, Reads::EVERYTHING));
    bench.step(vec![Input::Config(all)]);
    bench.say("one", Permission::Reject("no".into()));
    bench.pod("p");
    assert_eq!((bench.asked().as_str(), bench.counts()), ("permit one p", [0, 0, 1]));
}

#[test]
fn a_bind_that_fails_after_a_wait_takes_the_nomination_back() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    bench.say("one", Permission::Allow);
    assert_eq!(bench.news(), "bind p to n");
    let refused = BindOutcome::Unavailable("503".to_owned());
    assert!(bench.answer("p", refused).starts_with("nominate p no more; "));
}

#[test]
fn a_plugin_that_is_only_taken_off_permit_holds_nothing_back() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    let mut builder = ProfileBuilder::new("berth");
    for plugin in base().into_iter().chain(plugins(&bench.script)) {
        for point in Point::ALL.into_iter().filter(|point| *point != Point::Permit) {
            if point.is_run() && point.is_implemented_by(plugin.as_ref()) {
                builder.add(point, &plugin, i64::from(point == Point::Score)).unwrap();
            }
        }
    }
    let profiles = vec![Arc::new(builder.build().unwrap())];
    let config = Config { hash: 2, profiles, ..Config::default() };
    assert_eq!(bench.step(vec![Input::Config(Arc::new(config))]), "bind p to n");
}

#[test]
fn who_may_go_on_when_the_pause_is_over_is_asked_before_its_time_is_over() {
    let mut bench = Bench::new();
    bench.say("one", Permission::Wait(60_000));
    bench.pod("p");
    bench.step(vec![Input::Control(Control::Pause(true))]);
    bench.say("one", Permission::Allow);
    bench.later(600);
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(false))]), "bind p to n");
}

#[test]
fn an_answer_is_of_the_pod_that_was_and_not_of_one_that_came_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.pod("p"), "bind p to n");
    let first = bench.engine.cycle_of("p").unwrap();
    assert_eq!(bench.step(vec![deleted("p"), pod("p")]), "bind p to n");
    let outcome = BindOutcome::Unavailable("503".to_owned());
    assert_eq!(bench.step(vec![Input::BindOutcome { cycle: first, outcome }]), "");
    assert_eq!((bench.counts(), bench.engine.open_binds()), ([1, 0, 0], 1));
}
