//! Writes before the bind, their answers, and what comes late.

use berth_engine::framework::{Progress, Reads};
use berth_engine::{BindOutcome, Control, Input, WriteOutcome};

use super::bench::{Bench, deleted, plugins, reading};
use super::support::plugins::config;

fn failed() -> WriteOutcome {
    WriteOutcome::Failed("no".to_owned())
}

#[test]
fn the_bind_follows_the_writes() {
    let mut bench = Bench::new();
    bench.runs("one", false, 2);
    assert_eq!(bench.pod("p"), "nominate p to n; write one-0; write one-1");
    assert_eq!(bench.asked(), "permit one p, permit two p, pre-bind one p");
    assert_eq!(bench.written(WriteOutcome::Written), "");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
    assert_eq!(bench.asked(), "progress one p");
    assert_eq!(bench.answer("p", BindOutcome::Bound), "bound p");
}

#[test]
fn one_after_the_other_unless_both_may_run_side_by_side() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.runs("two", true, 1);
    assert_eq!(bench.pod("p"), "nominate p to n; write one-0");
    assert_eq!(bench.written(WriteOutcome::Written), "write two-0");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
    let mut bench = Bench::new();
    bench.runs("one", true, 1);
    bench.runs("two", true, 1);
    assert_eq!(bench.pod("p"), "nominate p to n; write one-0; write two-0");
    assert_eq!(bench.written(WriteOutcome::Written), "");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
}

#[test]
fn what_was_written_is_waited_for() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.comes("one", Progress::Wait);
    bench.pod("p");
    assert_eq!(bench.written(WriteOutcome::Written), "");
    assert_eq!(bench.news(), "");
    bench.comes("one", Progress::Done);
    assert_eq!(bench.news(), "bind p to n");
}

#[test]
fn patience_ends() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.pod("p");
    assert_eq!(bench.wake_at, Some(bench.now + 30_000));
    let text = "nominate p no more; event; p: error: running PreBind plugin \"one\": it took too \
                long";
    assert_eq!(bench.later(30), text);
    assert_eq!(bench.counts(), [0, 1, 0]);
    let late = bench.writes.clone();
    assert_eq!(bench.written(WriteOutcome::Written), "", "its cycle is over");
    // The next cycle is not taken for it.
    assert_eq!(bench.later(10), "nominate p to n; write one-0");
    let answers =
        late.into_iter().map(|id| Input::WriteOutcome { id, outcome: WriteOutcome::Written });
    assert_eq!(bench.step(answers.collect()), "");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
}

#[test]
fn a_write_that_fails_ends_the_cycle() {
    let mut bench = Bench::new();
    bench.runs("one", true, 2);
    bench.runs("two", true, 1);
    bench.pod("p");
    let text = "nominate p no more; event; p: error: running PreBind plugin \"one\": no";
    assert_eq!(bench.written(failed()), text);
    assert_eq!(bench.counts(), [0, 1, 0]);
    assert_eq!(bench.written(failed()), "", "one more answer changes nothing");
    assert_eq!(bench.written(WriteOutcome::Written), "");
}

#[test]
fn a_rejection_backs_off_and_reads_as_unschedulable() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.comes("one", Progress::Reject("the volume is elsewhere".into()));
    bench.pod("p");
    let text = "nominate p no more; event; p: the volume is elsewhere";
    assert_eq!(bench.written(WriteOutcome::Written), text);
    assert_eq!(bench.counts(), [0, 1, 0]);
}

#[test]
fn answers_count_once_and_for_their_own_cycle() {
    let mut bench = Bench::new();
    assert_eq!(bench.pod("p"), "bind p to n");
    let cycle = bench.engine.cycle_of("p").unwrap();
    let refused = BindOutcome::Unavailable("503".to_owned());
    let first = Input::BindOutcome { cycle, outcome: refused };
    let second = Input::BindOutcome { cycle, outcome: BindOutcome::Bound };
    assert!(bench.step(vec![first.clone()]).contains("503"));
    assert_eq!(bench.step(vec![second.clone(), first.clone()]), "");
    assert_eq!(bench.later(10), "bind p to n");
    assert_eq!(bench.step(vec![first, second]), "", "the second cycle is another");
    assert_eq!(bench.counts(), [1, 0, 0]);
}

#[test]
fn a_deleted_pod_needs_no_answers() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.pod("p");
    assert_eq!(bench.step(vec![deleted("p")]), "");
    assert_eq!((bench.engine.binding_cycles(), bench.wake_at), (0, None));
    assert_eq!(bench.written(WriteOutcome::Written), "");
}

#[test]
fn a_paused_engine_writes_nothing_more() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.runs("two", false, 1);
    bench.pod("p");
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(true))]), "");
    assert_eq!(bench.written(WriteOutcome::Written), "");
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(false))]), "write two-0");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
}

#[test]
fn a_reload_that_takes_a_plugin_away_forgets_its_writes() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.runs("two", false, 1);
    bench.pod("p");
    // `one` is gone: `two` is next.
    let two = plugins(&bench.script).split_off(1);
    assert_eq!(bench.step(vec![Input::Config(config(two))]), "write two-0");
    assert_eq!(bench.written(WriteOutcome::Written), "", "that of a plugin that is gone");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
}

#[test]
fn a_reload_of_a_paused_engine_writes_nothing() {
    let mut bench = Bench::new();
    bench.runs("one", false, 1);
    bench.runs("two", false, 1);
    bench.pod("p");
    let two = Input::Config(config(plugins(&bench.script).split_off(1)));
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(true)), two]), "");
    assert_eq!(bench.step(vec![Input::Control(Control::Pause(false))]), "write two-0");
}

#[test]
fn a_plugin_that_reads_nothing_is_done_with_its_writes() {
    let mut bench = Bench::new();
    let nothing = config(reading(&bench.script, Reads::NOTHING));
    bench.step(vec![Input::Config(nothing)]);
    bench.runs("one", false, 1);
    bench.pod("p");
    assert_eq!(bench.written(WriteOutcome::Written), "bind p to n");
}
