//! Comparing finds every difference, in both directions.

use std::collections::BTreeSet;

use bedside_protocol::ids::SealedId;
use bedside_protocol::limits::RANGES_MAX;
use bedside_protocol::wire::{CompareRequest, Range, RangeSum};

use super::*;

/// What a device does: compares step by step until nothing differs; gives what it lacks and what the relay lacks.
fn differences(
    world: &World,
    device: &Device,
    held: &BTreeSet<SealedId>,
    at_once: usize,
) -> (BTreeSet<SealedId>, BTreeSet<SealedId>, usize) {
    let (mut lacked, mut given, mut steps) = (BTreeSet::new(), BTreeSet::new(), 0);
    let mut open = vec![Range::ALL];
    while !open.is_empty() {
        steps += 1;
        assert!(steps < 1_000, "every step gets further");
        let asked: Vec<_> = open.drain(..at_once.min(open.len())).collect();
        let ranges = asked.into_iter().map(|range| range.sum(held)).collect();
        let answer = world.relay.compare(world.now, device.id(), &CompareRequest { ranges }).unwrap();
        assert!(answer.split.len() <= RANGES_MAX + 31);
        for list in answer.listed {
            let theirs: BTreeSet<_> = list.entries.into_iter().collect();
            let ours: BTreeSet<_> = held.iter().filter(|id| list.range.contains(id)).copied().collect();
            lacked.extend(&theirs - &ours);
            given.extend(&ours - &theirs);
        }
        open.extend(answer.split.iter().filter(|sum| sum.range.sum(held) != **sum).map(|sum| sum.range));
    }
    (lacked, given, steps)
}

#[test]
fn comparing_finds_what_either_side_lacks() {
    let (mut world, mut ann, ben) = two_nurses();
    let entries: Vec<_> = (0..3_000).map(|n| sealed(log("plan"), &n.to_string())).collect();
    for part in entries.chunks(1_000) {
        let entries = part.iter().map(|entry| entry.clone().into()).collect();
        world.sync(&mut ann, SyncRequest { entries, ..Default::default() });
    }
    let relay: BTreeSet<_> = entries.iter().map(|entry| id_of(entry)).collect();
    let only_here: BTreeSet<_> = (0..70).map(|n| id_of(&sealed(log("plan"), &format!("new {n}")))).collect();
    let gone: BTreeSet<_> = relay.iter().step_by(100).copied().collect();
    let held: BTreeSet<_> = &(&relay - &gone) | &only_here;
    for at_once in [1, 40, RANGES_MAX] {
        let (lacked, given, _) = differences(&world, &ben, &held, at_once);
        assert_eq!((lacked, given), (gone.clone(), only_here.clone()));
    }
    let (lacked, given, steps) = differences(&world, &ben, &relay, RANGES_MAX);
    assert!(lacked.is_empty() && given.is_empty());
    assert_eq!(steps, 1, "one sum says that nothing differs");
    let (lacked, _, _) = differences(&world, &ben, &BTreeSet::new(), RANGES_MAX);
    assert_eq!(lacked.len(), 3_000);
}

#[test]
fn a_stranger_compares_with_nothing() {
    let (mut world, mut ann, _) = two_nurses();
    world.sync(&mut ann, push(&sealed(log("plan"), "a")));
    let stranger = device("stranger", Role::Nurse, &organisation("elsewhere"));
    world.sign_in(&stranger);
    let (lacked, given, _) = differences(&world, &stranger, &BTreeSet::new(), 1);
    assert!(lacked.is_empty() && given.is_empty());
}

#[test]
fn overlapping_and_impossible_ranges_are_refused() {
    let (world, ann, _) = two_nurses();
    let sum = |prefix, bits| RangeSum { range: Range { prefix, bits }, count: 1, xor: [0; 32] };
    for ranges in [
        vec![sum(0, 0), sum(0, 5)],
        vec![sum(0, 0), sum(0, 0)],
        vec![sum(1, 5)],
        vec![sum(0, 3)],
        vec![sum(0, 255)],
    ] {
        let problem = world.relay.compare(world.now, ann.id(), &CompareRequest { ranges }).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Malformed);
    }
}
