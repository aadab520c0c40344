//! The right of way, by every way in which a bind can end or not begin.

use super::*;

#[tokio::test]
async fn a_bind_that_is_not_taken_does_not_hold_others_up() {
    let bench = Bench::new(options(), |_| Reply::Hang).await;
    let (handle, way) = (bench.binder.handle(), bench.binder.right_of_way());
    let mut taken = 0;
    // As many as fit in, and more: those are given back.
    let given_back = (0..BIND_QUEUE_MAX + 100)
        .filter(|number| handle.try_send(bind_of(&number.to_string())).is_err())
        .count();
    taken += BIND_QUEUE_MAX + 100 - given_back;
    assert!(given_back >= 100 - options().in_flight_max - 1, "{given_back}");
    assert_eq!(way.binds(), taken, "one that was given back does not count");
    // Of those that were taken none is answered: the drain gives them up, and the way is free.
    let drained = bench.binder.drain(Duration::from_millis(20)).await;
    assert_eq!(drained.left + drained.unposted, taken);
    assert_eq!(way.binds(), 0);
    assert!(handle.try_send(bind_of("late")).is_err(), "nobody takes it");
    assert_eq!(way.binds(), 0, "and it holds nobody up");
}

#[tokio::test]
async fn every_end_of_a_bind_frees_the_way() {
    for reply in [
        created(),
        Reply::status(403, "Forbidden", ""),
        Reply::status(404, "NotFound", ""),
        Reply::status(409, "Conflict", ""),
        Reply::status(503, "ServiceUnavailable", ""),
        Reply::Close,
    ] {
        let script = move |seen: &Seen| match &*seen.method {
            "POST" => reply.clone(),
            _ => pod_on(""),
        };
        let mut bench = Bench::new(options(), script).await;
        let way = bench.binder.right_of_way();
        bench.bind("p").await;
        let freed = async {
            while way.binds() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, freed).await.unwrap();
    }
}
