//! What the log keeps, for whom, and for how long.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::base::{ClassIdx, LabelSetIdx, NodeIdx};

fn entry(fact: Logged) -> Entry {
    Entry { fact, told: Told::Nobody }
}

#[test]
fn former_nodes_are_bounded_and_found_by_their_entry() {
    assert!(size_of::<(u64, NodeTable)>() <= 544, "{}", size_of::<(u64, NodeTable)>());
    let mut log = Log::default();
    let more = FORMER_MAX + 2;
    for at in 0..more {
        log.keep(NodeTable::default());
        log.push(entry(Logged::Node(NodeIdx::new(at), Reads::NODE_LABELS)));
    }
    log.push(entry(Logged::Node(NodeIdx::new(more), Reads::NODE_ROOM)));
    assert_eq!(log.former.len(), FORMER_MAX);
    let known = |log: &Log, number: usize| log.former(number as u64).is_some();
    assert!(!known(&log, 1) && known(&log, 2) && known(&log, more - 1) && !known(&log, more));
    for _ in 0..3 {
        log.pop();
    }
    assert!(!known(&log, 2) && known(&log, 3), "it goes with its entry");
}

#[test]
fn moved_rows_are_named_from_any_position() {
    let (class, labels) = (ClassIdx::FIRST, LabelSetIdx::FIRST);
    let moved = |at: usize, terms| Logged::Pod {
        node: NodeIdx::new(at),
        class,
        labels,
        amount: 1,
        terminating: false,
        terms,
        kind: 0,
    };
    // As after so many entries that their low bits begin anew.
    let mut log = Log { first: u64::from(u32::MAX) - 258, ..Log::default() };
    for at in 0..256 {
        log.push(entry(moved(at, false)));
    }
    let start = log.end();
    for (at, terms) in [(0, false), (63, true), (64, false), (0, false), (200, false)] {
        log.push(entry(moved(at, terms)));
    }
    let named = |log: &Log, position| {
        let mut rows: Vec<usize> = Vec::new();
        log.moved(position, |at, word| {
            rows.extend((0..64).filter(|b| word >> b & 1 == 1).map(|b| 64 * at + b));
        });
        rows
    };
    assert_eq!(named(&log, start), [0, 63, 64, 200]);
    assert_eq!(named(&log, start + 2), [0, 64, 200]);
    assert_eq!(named(&log, start + 4), [200]);
    assert_eq!(named(&log, log.end()), []);
    assert!(log.has_terms(start + 1) && !log.has_terms(start + 2));
    assert!(log.is_of_pods(start) && !log.is_of_pods(start - 257), "some of it is gone");
    let end = log.end();
    log.push(entry(Logged::World(Reads::NOTHING)));
    assert!(log.is_of_pods(start) && log.end() == end, "that is for waiting pods alone");
    log.push(entry(Logged::World(Reads::NAMESPACES)));
    assert!(!log.is_of_pods(start) && log.is_of_pods(log.end()));
}

#[test]
fn readers_too_far_behind_are_told() {
    let mut log = Log::default();
    log.set_read(true);
    let fact = |at: usize| Logged::Node(NodeIdx::new(at), Reads::NODE_ROOM);
    for at in 0..=LOG_MAX {
        assert!(log.push(entry(fact(at))).is_none(), "waiting pods have not been told");
    }
    assert_eq!(log.since(0).unwrap().len(), LOG_MAX + 1);
    log.heed();
    assert_eq!(log.push(entry(fact(LOG_MAX + 1))), Some(fact(0)));
    assert!(log.since(0).is_none() && log.since(log.end() + 1).is_none());
    let mut rest = log.since(LOG_MAX as u64 + 1).unwrap();
    assert_eq!((rest.next(), rest.next()), (Some(&fact(LOG_MAX + 1)), None));
    assert_eq!(log.since(log.end()).unwrap().len(), 0);
}

#[test]
fn what_is_written_is_held_until_it_goes() {
    assert!(size_of::<Entry>() <= 32, "{}", size_of::<Entry>());
    let mut log = Log::default();
    let fact = |at: usize| Logged::Node(NodeIdx::new(at), Reads::NODE_ROOM);
    for (at, read) in [true, true, false].into_iter().enumerate() {
        log.push(entry(fact(at)));
        log.set_read(read);
    }
    assert!(log.held().eq([&fact(0), &fact(1), &fact(2)]), "whether it is read or not");
    assert_eq!((log.pop(), log.pop()), (Some(fact(0)), Some(fact(1))));
    assert!(log.held().eq([&fact(2)]));
}

#[test]
fn what_is_taken_back_is_told_to_nobody() {
    for read in [false, true] {
        let mut log = Log::default();
        log.set_read(read);
        let told = |at: usize| {
            let fact = Logged::Node(NodeIdx::new(at), Reads::NODE_ROOM);
            Entry { fact, told: Told::PodLeft }
        };
        log.push(told(0));
        let mark = log.mark();
        log.push(told(1));
        log.untell(mark);
        // A ranking may have read it.
        assert_eq!(log.since(0).unwrap().len(), if read { 2 } else { 1 });
        assert_eq!(log.end(), log.next());
        log.push(told(2));
        let nodes: Vec<_> = log.heed().iter().map(|change| change.node).collect();
        assert_eq!(nodes, [Some(NodeIdx::new(0)), Some(NodeIdx::new(2))]);
        assert!(log.is_heeded());
        // Where all was told before, nothing is left to tell.
        let mark = log.mark();
        log.push(told(3));
        log.untell(mark);
        assert!(log.is_heeded());
    }
}
