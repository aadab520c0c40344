//! Snapshots taken at random moments of random histories stay what they were, and say what the
//! engine said at that moment.

use berth_engine::cache::Cache;
use berth_engine::model::Pod;
use berth_engine::{SNAPSHOTS_MAX, Snapshot, TooManySnapshots};

use super::history::History;
use super::twins::text_of;

/// A snapshot, and what the engine said when it was taken.
struct Kept {
    snapshot: Snapshot,
    pods: Vec<String>,
    said: Vec<(String, Option<Vec<String>>)>,
    at: usize,
}

/// Every pod and where it is.
fn pods_of(cache: &Cache) -> Vec<String> {
    let text = |(pod, row): (_, &Pod)| {
        format!("{} {:?} on {}", cache.pod_name(pod), row.stage, cache.node_name(row.node))
    };
    cache.pods().iter().map(text).collect()
}

/// What a snapshot says of a waiting pod: where it fits and why not elsewhere, every score, the
/// choice.
fn say(snapshot: &mut Snapshot, uid: &str) -> Option<Vec<String>> {
    let pod = snapshot.pods().find(uid)?;
    let profile = snapshot.profile_of(pod)?.clone();
    let decided = snapshot.decide(pod, &profile, true);
    Some(text_of(&decided, &profile, snapshot))
}

/// A snapshot of one of the engines; both are asked what they say of the waiting pods.
fn keep(history: &mut History, of: usize, at: usize) -> Result<Kept, TooManySnapshots> {
    let engine = history.engines()[of];
    let (snapshot, pods) = (engine.snapshot()?, pods_of(engine.cache()));
    let said = history.waiting().into_iter().map(|uid| (uid.clone(), history.ask(&uid))).collect();
    Ok(Kept { snapshot, said, pods, at })
}

/// Reads a snapshot on another thread; how many pods it was asked about.
fn check(mut kept: Kept, seed: u64) -> usize {
    let reader = std::thread::spawn(move || {
        let at = kept.at;
        assert_eq!(pods_of(&kept.snapshot), kept.pods, "seed {seed}: the snapshot of step {at}");
        for (uid, said) in &kept.said {
            let says = say(&mut kept.snapshot, uid);
            assert_eq!(says, *said, "seed {seed}: {uid} by the snapshot of step {at}");
        }
        kept.said.len()
    });
    reader.join().unwrap()
}

#[test]
fn a_snapshot_says_what_the_engine_said_when_it_was_taken() {
    let (mut asked, mut refused) = (0, 0);
    for seed in 30_000..30_200 {
        let mut history = History::unasked(seed);
        let of = (seed % 2) as usize;
        let mut kept: Vec<Kept> = Vec::new();
        for at in 0..25 {
            history.step();
            if !(seed as usize + at).is_multiple_of(3) {
                continue;
            }
            match keep(&mut history, of, at) {
                Ok(snapshot) => kept.push(snapshot),
                Err(TooManySnapshots) => {
                    assert_eq!(kept.len(), SNAPSHOTS_MAX);
                    refused += 1;
                    asked += check(kept.remove(0), seed);
                }
            }
            assert_eq!(history.engines()[of].snapshots(), kept.len());
        }
        asked += kept.into_iter().map(|kept| check(kept, seed)).sum::<usize>();
        let shared = history.engines()[of].cache().shared_pages();
        assert_eq!(shared, 0, "seed {seed}: what was shared is the engine's own again");
    }
    println!("{asked} pods were asked about, {refused} snapshots refused");
    assert!(asked > 2_000 && refused > 200, "{asked} asked, {refused} refused");
}
