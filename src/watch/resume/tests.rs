//! What comes next after every answer.

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn watching(version: &str) -> Resume {
    let mut resume = Resume::new(1);
    assert_eq!(resume.next_step(), Step::List(List::Whole));
    assert_eq!(resume.page(version, "", NOW), PageVerdict::ApplyLast);
    resume
}

fn watched_version(resume: &mut Resume) -> String {
    match resume.next_step() {
        Step::Watch(version, timeout) => {
            assert!((300..600).contains(&timeout.as_secs()), "{timeout:?}");
            version
        }
        other => panic!("{other:?}"),
    }
}

/// Runs out the wait, which there must be.
fn waited(resume: &mut Resume) -> Duration {
    match resume.next_step() {
        Step::Wait(wait) => wait,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pages_then_watch_from_the_lists_version() {
    let mut resume = Resume::new(1);
    assert_eq!(resume.page("100", "next", NOW), PageVerdict::Apply);
    assert_eq!(resume.next_step(), Step::List(List::Continue("next".into())));
    assert_eq!(resume.page("100", "", NOW), PageVerdict::ApplyLast);
    assert_eq!(watched_version(&mut resume), "100");
}

#[test]
fn the_cache_is_asked_once() {
    let mut resume = Resume::new(1);
    assert_eq!(resume.next_step(), Step::List(List::Whole));
    resume.failed(Failure::Other, NOW);
    waited(&mut resume);
    assert_eq!(resume.next_step(), Step::List(List::Paged));
}

#[test]
fn a_watch_resumes_after_the_last_event_at_once() {
    let mut resume = watching("100");
    assert_eq!(resume.observed("105"), Progress::Further);
    assert_eq!(resume.observed(""), Progress::Same);
    assert_eq!(resume.observed("105"), Progress::Same);
    assert_eq!(resume.observed("99"), Progress::Back);
    resume.failed(Failure::Closed { lived: Duration::from_secs(9), fruitful: false }, NOW);
    assert_eq!(watched_version(&mut resume), "105");
    resume.failed(Failure::Closed { lived: Duration::from_secs(9), fruitful: true }, NOW);
    assert_eq!(watched_version(&mut resume), "105");
}

#[test]
fn a_watch_that_ends_at_once_waits() {
    let mut resume = watching("100");
    resume.failed(Failure::Closed { lived: Duration::ZERO, fruitful: false }, NOW);
    assert!(waited(&mut resume) >= Duration::from_millis(800));
    assert_eq!(watched_version(&mut resume), "100");
}

#[test]
fn every_watch_has_a_floor_even_one_that_got_further() {
    let mut resume = watching("100");
    resume.observed("101");
    resume.failed(Failure::Closed { lived: Duration::from_millis(50), fruitful: true }, NOW);
    assert_eq!(waited(&mut resume), RECONNECT_FLOOR - Duration::from_millis(50));
    assert_eq!(watched_version(&mut resume), "101");
}

#[test]
fn an_expired_version_lists_anew_at_once_and_then_slower() {
    let mut resume = watching("100");
    resume.failed(Failure::Expired, NOW);
    assert_eq!(resume.next_step(), Step::List(List::Paged));
    assert_eq!(resume.page("200", "", NOW), PageVerdict::ApplyLast);
    resume.failed(Failure::Expired, NOW);
    assert!(waited(&mut resume) >= Duration::from_millis(1600));
    assert_eq!(resume.next_step(), Step::List(List::Paged));
}

#[test]
fn an_expired_token_restarts_the_list() {
    let mut resume = Resume::new(1);
    resume.next_step();
    resume.page("100", "next", NOW);
    resume.failed(Failure::Expired, NOW);
    assert_eq!(resume.next_step(), Step::List(List::Paged));
}

#[test]
fn a_page_that_failed_is_asked_for_again() {
    let mut resume = Resume::new(1);
    resume.next_step();
    resume.page("100", "next", NOW);
    resume.failed(Failure::Other, NOW);
    waited(&mut resume);
    assert_eq!(resume.next_step(), Step::List(List::Continue("next".into())));
    for _ in 1..TRIES {
        resume.failed(Failure::Other, NOW);
        waited(&mut resume);
    }
    assert_eq!(resume.next_step(), Step::List(List::Paged));
}

#[test]
fn an_older_list_is_not_applied() {
    let mut resume = watching("100");
    resume.observed("150");
    resume.failed(Failure::Expired, NOW);
    assert_eq!(resume.page("149", "", NOW), PageVerdict::Old);
    waited(&mut resume);
    assert_eq!(resume.next_step(), Step::List(List::Paged));
    assert_eq!(resume.page("150", "", NOW), PageVerdict::ApplyLast);
    assert!(!resume.take_reset());
}

#[test]
fn a_history_that_went_back_for_good_is_believed_in_the_end() {
    let mut resume = watching("1000");
    resume.failed(Failure::Expired, NOW);
    for _ in 1..OLD_LISTS {
        assert_eq!(resume.page("10", "", NOW), PageVerdict::Old);
    }
    assert_eq!(resume.page("10", "", NOW), PageVerdict::ApplyLast);
    assert!(resume.take_reset());
    resume.wait = Duration::ZERO;
    assert_eq!(watched_version(&mut resume), "10");
}

#[test]
fn a_version_that_cannot_be_watched_leads_to_a_list() {
    let mut resume = watching("100");
    for _ in 0..TRIES {
        assert!(matches!(resume.state, State::Watching { .. }));
        resume.failed(Failure::Other, NOW);
        waited(&mut resume);
    }
    assert_eq!(resume.next_step(), Step::List(List::Paged));
}

#[test]
fn the_server_may_ask_for_a_longer_wait_within_reason() {
    let mut resume = watching("100");
    resume.failed(Failure::Throttled(Duration::from_secs(9)), NOW);
    assert_eq!(waited(&mut resume), Duration::from_secs(9));
    resume.failed(Failure::Throttled(Duration::from_secs(3600)), NOW);
    assert_eq!(waited(&mut resume), RETRY_AFTER_MAX);
    assert_eq!(watched_version(&mut resume), "100");
}

#[test]
fn versions_that_are_no_numbers_are_accepted() {
    let mut resume = watching("abc");
    resume.failed(Failure::Expired, NOW);
    assert_eq!(resume.page("abb", "", NOW), PageVerdict::ApplyLast);
    assert_eq!(watched_version(&mut resume), "abb");
}
