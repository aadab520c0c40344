#![allow(clippy::unwrap_used)]

use super::*;

fn job(uid: &str) -> Option<Arc<Owner>> {
    let (api_version, kind) = ("batch/v1".into(), "Job".into());
    Some(Arc::new(Owner { api_version, kind, name: format!("job-{uid}").into(), uid: uid.into() }))
}

fn placed(pod: &str, controller: Option<Arc<Owner>>) -> Waiting {
    let pod = PodName { key: ObjectKey::new("ns", pod), uid: pod.into() };
    let event = PodEvent::Scheduled { node: "n".into(), controller };
    Waiting {
        about: About::Pod(pod.into(), event),
        reporter: "berth".into(),
        time: Timestamp::now(),
    }
}

fn failed() -> Waiting {
    let pod = PodName { key: ObjectKey::new("ns", "p"), uid: "p".into() };
    let event = PodEvent::FailedScheduling { note: "x".to_owned() };
    Waiting {
        about: About::Pod(pod.into(), event),
        reporter: "berth".into(),
        time: Timestamp::now(),
    }
}

fn note(waiting: Option<Waiting>) -> String {
    let event = waiting.unwrap().event("host");
    let json: serde_json::Value = serde_json::from_slice(&event.to_json()).unwrap();
    let about = &json["regarding"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}: {}", text(&about["kind"]), text(&about["name"]), text(&json["note"]))
}

#[test]
fn a_waiting_event_is_as_small_as_its_bound_says() {
    assert!(size_of::<Waiting>() <= 144, "{}", size_of::<Waiting>());
}

#[test]
fn notes_are_bounded_by_their_bytes() {
    let of = |note: &str| {
        let mut waiting = failed();
        let About::Pod(_, event) = &mut waiting.about else { unreachable!() };
        *event = PodEvent::FailedScheduling { note: note.to_owned() };
        waiting
    };
    let (mut backlog, now, long) = (Backlog::default(), Instant::now(), "x".repeat(5_000));
    let mut taken = 0;
    while backlog.push(of(&long), now) == Taken::Alone {
        taken += 1;
    }
    assert_eq!((taken, backlog.notes), (NOTES_MAX / 1_024, NOTES_MAX));
    assert_eq!(backlog.push(placed("p", None), now), Taken::Alone, "it has no note yet");
    while backlog.pop(now, true).is_some() {}
    assert_eq!(backlog.notes, 0);
    assert_eq!(backlog.push(of("short"), now), Taken::Alone);
}

#[test]
fn one_event_per_job_and_second() {
    let start = Instant::now();
    let mut backlog = Backlog::new(Granularity::Job);
    for pod in 0..412 {
        assert_eq!(backlog.push(placed(&pod.to_string(), job("a")), start), Taken::Folded);
    }
    let later = start + FOLD / 2;
    assert_eq!(backlog.push(placed("x", job("b")), later), Taken::Folded);
    assert_eq!(backlog.push(placed("alone", None), later), Taken::Alone);
    assert_eq!(backlog.push(failed(), later), Taken::Alone);
    assert_eq!(backlog.len(), 4);
    assert_eq!(note(backlog.pop(later, false)), "Pod/p: x");
    assert_eq!(note(backlog.pop(later, false)), "Pod/alone: Successfully assigned ns/alone to n");
    assert!(backlog.pop(later, false).is_none());
    assert!(matches!(backlog.next(later, false), Next::At(due) if due == start + FOLD));
    assert_eq!(note(backlog.pop(start + FOLD, false)), "Job/job-a: 412 pods placed");
    // The second of the other one is not over, but nothing more will come.
    assert!(matches!(backlog.next(start + FOLD, true), Next::Ready));
    assert_eq!(note(backlog.pop(start + FOLD, true)), "Job/job-b: 1 pod placed");
    assert!(matches!(backlog.next(start + FOLD, true), Next::Nothing));
    // The next second of the first begins anew.
    assert_eq!(backlog.push(placed("y", job("a")), start + FOLD), Taken::Folded);
    assert_eq!(note(backlog.pop(start + 2 * FOLD, false)), "Job/job-a: 1 pod placed");
}

#[test]
fn what_is_over_the_bound_is_folded_and_else_dropped() {
    let start = Instant::now();
    let mut backlog = Backlog::new(Granularity::Each);
    for _ in 0..EVENTS_WAITING_MAX {
        assert_eq!(backlog.push(placed("p", job("a")), start), Taken::Alone);
    }
    assert_eq!(backlog.push(placed("q", job("a")), start), Taken::Folded);
    assert_eq!(backlog.push(placed("r", job("a")), start), Taken::Folded);
    assert_eq!(backlog.push(placed("s", None), start), Taken::Dropped);
    assert_eq!(backlog.push(failed(), start), Taken::Dropped);
    assert_eq!(note(backlog.pop(start + FOLD, false)), "Job/job-a: 2 pods placed");
    assert_eq!(backlog.len(), EVENTS_WAITING_MAX);
}

#[test]
fn folds_are_bounded_too() {
    let start = Instant::now();
    let mut backlog = Backlog::new(Granularity::Job);
    for uid in 0..FOLDS_MAX {
        assert_eq!(backlog.push(placed("p", job(&uid.to_string())), start), Taken::Folded);
    }
    assert_eq!(backlog.push(placed("p", job("one more")), start), Taken::Alone);
    assert_eq!(backlog.push(placed("p", job("0")), start), Taken::Folded);
    assert_eq!(backlog.len(), FOLDS_MAX + 1);
}

#[test]
fn why_pods_wait_comes_first_and_counts_among_what_may_wait() {
    let (mut backlog, now) = (Backlog::new(Granularity::Job), Instant::now());
    backlog.push(placed("a", job("1")), now);
    backlog.push(placed("b", None), now);
    backlog.push(failed(), now);
    assert!(backlog.has_failure());
    assert_eq!(backlog.len(), 3);
    assert_eq!(note(backlog.pop(now + FOLD, false)), "Pod/p: x");
    assert_eq!((backlog.has_failure(), backlog.notes), (false, 0));
    assert_eq!(note(backlog.pop(now + FOLD, false)), "Job/job-1: 1 pod placed");
    let mut backlog = Backlog::default();
    for _ in 0..EVENTS_WAITING_MAX {
        assert_eq!(backlog.push(failed(), now), Taken::Alone);
    }
    assert_eq!(backlog.push(failed(), now), Taken::Dropped);
    assert_eq!(backlog.push(placed("p", None), now), Taken::Dropped);
}
