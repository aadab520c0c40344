#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use tokio::time::Instant;

use super::super::bucket::{Bucket, Rate};
use super::*;

const FAST_ANSWER: Sign = Sign::After(Duration::from_millis(5));

fn std_now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Sends `requests` to a server that bears `capacity` a second, each second anew, and answers what
/// is beyond by 429. Returns how many were carried out, and the time it took.
async fn send(pace: &Arc<Pace>, requests: usize, capacity: usize) -> (usize, Duration) {
    let mut bucket = Bucket::of(Rate::Adaptive { divisor: 1 }, pace, std_now());
    let (began, mut carried_out, mut this_second) = (Instant::now(), 0, 0);
    let mut second = began;
    for _ in 0..requests {
        bucket.take().await;
        if second.elapsed() >= Duration::from_secs(1) {
            (second, this_second) = (Instant::now(), 0);
        }
        let fits = this_second < capacity;
        let sign = if fits { FAST_ANSWER } else { Sign::Overloaded };
        this_second += 1;
        carried_out += usize::from(fits);
        pace.hear(sign, std_now());
    }
    (carried_out, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_fast_is_asked_up_to_the_ceiling() {
    let pace = Arc::<Pace>::default();
    let (_, took) = send(&pace, 3_000, usize::MAX).await;
    assert!(took < Duration::from_secs(2), "3,000 requests took {took:?}");
    send(&pace, 20_000, usize::MAX).await;
    assert_eq!(pace.qps(), CEILING_QPS);
    let (_, took) = send(&pace, 50_000, usize::MAX).await;
    assert!(took >= Duration::from_millis(4_800), "50,000 requests took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sheds_load_is_asked_what_it_bears() {
    let pace = Arc::<Pace>::default();
    send(&pace, 20_000, 2_000).await;
    let (carried_out, took) = send(&pace, 40_000, 2_000).await;
    let rate = carried_out as f64 / took.as_secs_f64();
    assert!((1_000.0..=2_000.0).contains(&rate), "{rate} of 2,000 a second");
    let refused = 40_000 - carried_out;
    assert!(refused < 4_000, "{refused} of 40,000 were refused");
    // It bears more from now on.
    send(&pace, 100_000, usize::MAX).await;
    assert!(pace.qps() > 3_000.0, "{}", pace.qps());
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_asked_what_kube_scheduler_would() {
    let pace = Arc::<Pace>::default();
    send(&pace, 5_000, 0).await;
    assert_eq!(pace.qps(), FLOOR_QPS);
    let (_, took) = send(&pace, 500, 0).await;
    assert!(took >= Duration::from_secs(9), "{took:?}");
}

#[test]
fn one_decrease_for_what_was_under_way() {
    let (pace, now) = (Pace::default(), std::time::Instant::now());
    for _ in 0..100 {
        pace.hear(Sign::Overloaded, now);
        pace.hear(FAST_ANSWER, now + HOLD / 2);
    }
    assert_eq!(pace.qps(), START_QPS / 2.0);
    pace.hear(Sign::Overloaded, now + HOLD);
    assert_eq!(pace.qps(), START_QPS / 4.0);
}

#[test]
fn answers_that_are_late_on_average_halve_the_rate() {
    let (pace, now) = (Pace::default(), std::time::Instant::now());
    let after = |ms| Sign::After(Duration::from_millis(ms));
    // Few, among many that are not.
    for n in 0..200 {
        pace.hear(after(if n % 20 == 0 { 2_000 } else { 50 }), now);
    }
    assert!(pace.qps() > START_QPS, "{}", pace.qps());
    // Neither fast nor late.
    (0..100).for_each(|_| pace.hear(after(600), now));
    let before = pace.qps();
    (0..100).for_each(|_| pace.hear(after(600), now));
    assert_eq!(pace.qps(), before);
    (0..100).for_each(|_| pace.hear(after(2_000), now));
    assert_eq!(pace.qps(), before / 2.0);
}

#[test]
fn what_answers_say() {
    let answer = |status, retry_after: Option<u64>| {
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Answer { status, retry_after, date: None, body: bytes::Bytes::new() })
    };
    let ms = Duration::from_millis;
    let lost = || Err(Failure::Lost("reset".into()));
    let table = [
        (answer(201, None), false, Sign::After(ms(5))),
        (answer(409, None), false, Sign::After(ms(5))),
        (answer(429, None), false, Sign::Overloaded),
        (answer(503, Some(1)), false, Sign::Overloaded),
        (answer(503, None), false, Sign::After(ms(5))),
        (answer(504, None), false, Sign::Overloaded),
        (lost(), false, Sign::Silent),
        (lost(), true, Sign::Overloaded),
    ];
    for (result, late, expected) in table {
        assert_eq!(Sign::of(&result, ms(5), late), expected, "{result:?} {late}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_is_slower_and_a_number_is_obeyed() {
    let pace = Arc::<Pace>::default();
    let took = |mut bucket: Bucket| async move {
        let began = Instant::now();
        for _ in 0..1_100 {
            bucket.take().await;
        }
        began.elapsed().as_secs_f64()
    };
    let whole = took(Bucket::of(Rate::Adaptive { divisor: 1 }, &pace, std_now())).await;
    let quarter = took(Bucket::of(Rate::Adaptive { divisor: 4 }, &pace, std_now())).await;
    assert!((0.9..=1.1).contains(&whole), "{whole}");
    assert!((3.9..=4.5).contains(&quarter), "{quarter}");
    // What the server bears does not matter to a number.
    pace.hear(Sign::Overloaded, std_now());
    let fixed = Rate::Limited { qps: 500.0, burst: 100 };
    let fixed = took(Bucket::of(fixed, &pace, std_now())).await;
    assert!((1.9..=2.1).contains(&fixed), "{fixed}");
}

#[tokio::test(start_paused = true)]
async fn the_rate_stays_within_bounds_that_change() {
    let bounds = Arc::<Bounds>::default();
    let pace = Arc::new(Pace::within(&bounds));
    bounds.set(RateBounds { min_qps: 1, max_qps: 300 });
    assert_eq!(pace.qps(), 300.0, "it starts within them");
    send(&pace, 2_000, usize::MAX).await;
    assert_eq!(pace.qps(), 300.0);
    bounds.set(RateBounds { min_qps: 200, max_qps: 2_000 });
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(2)).await;
        pace.hear(Sign::Overloaded, std_now());
    }
    assert_eq!(pace.qps(), 200.0);
    send(&pace, 100_000, usize::MAX).await;
    assert_eq!(pace.qps(), 2_000.0);
}
