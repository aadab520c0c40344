//! Snapshots taken at random moments of random histories stay what they were, and say what the
//! engine said at that moment.

use berth_engine::cache::Cache;
use berth_engine::model::Pod;
use berth_engine::{SNAPSHOTS_MAX, Snapshot, TooManySnapshots};

use super::history::History;
use super::twins::{compiled, text_of};

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

/// Plans all pods that wait, one on top of the other, and takes the plan back; how many it had.
fn plan(snapshot: &mut Snapshot, waiting: &[(String, Option<Vec<String>>)]) -> usize {
    let before = pods_of(snapshot);
    let mut plan = snapshot.begin_plan();
    for (uid, _) in waiting {
        let Some(pod) = snapshot.pods().find(uid) else { continue };
        let Some(profile) = snapshot.profile_of(pod).cloned() else { continue };
        // Where it fails the plan is as it was.
        let _ = snapshot.plan_pod(&mut plan, pod, &profile);
    }
    let planned = plan.steps().len();
    snapshot.take_back_plan(plan);
    assert_eq!(pods_of(snapshot), before);
    planned
}

/// Reads a snapshot on another thread; how many pods it was asked about, and how many it planned.
fn check(mut kept: Kept, seed: u64) -> [usize; 2] {
    let reader = std::thread::spawn(move || {
        let at = kept.at;
        assert_eq!(pods_of(&kept.snapshot), kept.pods, "seed {seed}: the snapshot of step {at}");
        // Plans of the reader's own are taken back, and change no answer.
        let planned = plan(&mut kept.snapshot, &kept.said);
        for (uid, said) in &kept.said {
            let says = say(&mut kept.snapshot, uid);
            assert_eq!(says, *said, "seed {seed}: {uid} by the snapshot of step {at}");
        }
        [kept.said.len(), planned]
    });
    reader.join().unwrap()
}

#[test]
fn a_snapshot_says_what_the_engine_said_when_it_was_taken() {
    let (mut asked, mut planned, mut refused) = (0, 0, 0);
    let mut read = |kept, seed| {
        let [pods, with_node] = check(kept, seed);
        (asked, planned) = (asked + pods, planned + with_node);
    };
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
                    read(kept.remove(0), seed);
                }
            }
            assert_eq!(history.engines()[of].snapshots(), kept.len());
        }
        kept.into_iter().for_each(|kept| read(kept, seed));
        let shared = history.engines()[of].cache().shared_pages();
        assert_eq!(shared, 0, "seed {seed}: what was shared is the engine's own again");
    }
    println!("{asked} pods were asked about, {planned} planned, {refused} snapshots refused");
    assert!(asked > 2_000 && refused > 200, "{asked} asked, {refused} refused");
    assert!(planned > 100, "{planned} planned");
}

/// Other weights than the defaults', and without what keeps pods off full and tainted nodes: it
/// accepts other nodes, and prefers others.
const OTHER_PROFILE: &str = "PrioritySort 0\nDefaultBinder 0\nNodeUnschedulable 0\n\
                             NodeName 0\nNodeAffinity 7\nNodeResourcesBalancedAllocation 3\n\
                             ImageLocality 5\nPodTopologySpread 1\nInterPodAffinity 1";

#[test]
fn two_profiles_judge_one_pod_side_by_side() {
    let other = compiled(OTHER_PROFILE).unwrap().profiles[0].clone();
    let (mut asked, mut differ) = (0, 0);
    for seed in 31_000..31_060 {
        let mut history = History::unasked(seed);
        (0..20).for_each(|_| history.step());
        let waiting = history.waiting();
        let snapshots = history.engines().map(|engine| engine.snapshot().unwrap());
        let [mut ranked, mut scanned] = snapshots;
        // In turn and again: the second round finds the rankings of both.
        for round in 0..2 {
            for uid in &waiting {
                let Some(pod) = ranked.pods().find(uid) else { continue };
                let Some(own) = ranked.profile_of(pod).cloned() else { continue };
                let mut say = |profile| {
                    let says = |of: &mut Snapshot| {
                        let pod = of.pods().find(uid).unwrap();
                        let decided = of.decide(pod, profile, true);
                        text_of(&decided, profile, of)
                    };
                    let (ours, theirs) = (says(&mut ranked), says(&mut scanned));
                    assert_eq!(ours, theirs, "seed {seed}: {uid} in round {round}");
                    ours
                };
                differ += usize::from(say(&own) != say(&other));
                asked += 1;
            }
        }
    }
    println!("{asked} pods were judged by two profiles, {differ} of them differently");
    assert!(asked > 400 && differ > asked / 2, "{asked} asked, {differ} differ");
}
