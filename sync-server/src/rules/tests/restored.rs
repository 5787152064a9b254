//! What happens when the relay's or a device's past is not what the other remembers.

use bedside_protocol::wire::{Range, RangeSum};

use super::*;
use bedside_protocol::wire::CompareRequest;

pub(super) fn lists(world: &World, device: &Device) -> usize {
    let nothing = RangeSum { range: Range::ALL, count: 0, xor: [0; 32] };
    let answer = world.relay.compare(world.now, device.id(), &CompareRequest { ranges: vec![nothing] });
    answer.unwrap().listed.first().map_or(0, |list| list.entries.len())
}

/// The device does what the protocol asks of it after a reset.
fn recover(world: &mut World, device: &mut Device, entries: &[Vec<u8>]) {
    let before = device.cursor;
    let answer = world.sync(device, SyncRequest::default());
    assert!(answer.reset && answer.items.is_empty() && !answer.more);
    assert_ne!(device.cursor, before);
    let entries = entries.iter().map(|entry| entry.clone().into()).collect();
    let follow = vec![log("plan")];
    let answer = world.sync(device, SyncRequest { follow, entries, ..Default::default() });
    assert!(!answer.reset);
}

#[test]
fn files_copied_back_by_hand_are_noticed_and_every_device_compares() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("relay.db"), folder.path().join("copy.db"));
    let hospice = organisation("hospice");
    let (mut ann, mut ben) = (device("ann", Role::Nurse, &hospice), device("ben", Role::Nurse, &hospice));
    let mut world = World::open(&path, 1);
    world.sign_in(&ann);
    world.sign_in(&ben);
    let founding = ann.access(log("plan"), hospice.principal(), true, true);
    let subscribe = vec![log("plan")];
    let request =
        SyncRequest { statements: vec![founding.into()], subscribe: subscribe.clone(), ..Default::default() };
    world.sync(&mut ann, request);
    world.sync(&mut ben, SyncRequest { subscribe, ..Default::default() });
    world.relay.storage().back_up(&copy).unwrap();
    let lost: Vec<_> = ["a", "b"].map(|text| sealed(log("plan"), text)).into();
    for entry in &lost {
        world.sync(&mut ann, push(entry));
        world.pull(&mut ben);
    }
    let mut world = World::open(&copy, 2);
    let epoch = world.relay.epoch();
    let mine = sealed(log("plan"), "written after the copy came back");
    assert!(
        world.send(&ann, push(&mine)).reset,
        "what ann pushed moved her cursor, though nothing came for her"
    );
    recover(&mut world, &mut ben, &lost);
    assert_ne!(world.relay.epoch(), epoch);
    assert_eq!(lists(&world, &ben), 3, "what was lost is back");
    recover(&mut world, &mut ann, &[]);
    world.sync(&mut ben, push(&sealed(log("plan"), "life goes on")));
    let answer = world.sync(&mut ann, SyncRequest::default());
    assert_eq!(answer.items.iter().filter(|i| matches!(i, Item::Entry(_))).count(), 1);
    assert_eq!(world.relay.take_tally().epochs_drawn, 1);
}

#[test]
fn who_only_ever_pushed_notices_an_old_copy_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("relay.db"), folder.path().join("copy.db"));
    let mut ann = device("ann", Role::Nurse, &organisation("hospice"));
    let mut world = World::open(&path, 1);
    world.sign_in(&ann);
    let founding = ann.access(log("plan"), organisation("hospice").principal(), true, true);
    world.sync(&mut ann, SyncRequest { statements: vec![founding.into()], ..Default::default() });
    world.relay.storage().back_up(&copy).unwrap();
    let entry = sealed(log("plan"), "only ann has this");
    assert!(world.sync(&mut ann, push(&entry)).items.is_empty());
    let mut world = World::open(&copy, 2);
    recover(&mut world, &mut ann, &[entry]);
    assert_eq!(lists(&world, &ann), 1);
}

#[test]
fn who_brings_the_access_that_they_were_given_hears_that_it_counts_now() {
    let (mut world, ann, _) = two_nurses();
    let willow = organisation("willow");
    let mut cat = device("cat", Role::Carer, &willow);
    world.sign_in(&cat);
    world.sync(&mut cat, SyncRequest::default());
    let given = ann.access(log("plan"), willow.principal(), true, false);
    let answer =
        world.sync(&mut cat, SyncRequest { statements: vec![given.clone().into()], ..Default::default() });
    assert!(answer.refused_statements.is_empty());
    assert!(answer.items.contains(&Item::Statement(given)));
}

#[test]
fn made_up_cursors_do_not_make_everybody_compare() {
    let (mut world, ann, _) = two_nurses();
    let epoch = world.relay.epoch();
    let mut liar = ann;
    let known = liar.cursor.unwrap();
    for (at, check) in [(u64::MAX, 0), (known.at + 50, known.check), (0, 0), (known.at, known.check ^ 1)] {
        liar.cursor = Some(bedside_protocol::wire::Cursor { at, check, ..known });
        assert!(world.send(&liar, SyncRequest::default()).reset);
    }
    assert_eq!(world.relay.epoch(), epoch);
}

#[test]
fn a_device_restored_from_an_old_copy_is_told_and_gets_its_keys_again() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let old = ben.cursor;
    for text in ["a", "b"] {
        world.sync(&mut ann, push(&sealed(log("plan"), text)));
        world.pull(&mut ben);
    }
    world.pull(&mut ben);
    ben.cursor = old;
    ben.statements.clear();
    recover(&mut world, &mut ben, &[]);
    assert_eq!(ben.statements.len(), 1);
    assert_eq!(lists(&world, &ben), 2);
}

#[test]
fn a_delayed_request_that_nobody_hears_does_no_harm() {
    let (mut world, mut ann, mut ben) = two_nurses();
    let delayed = device("ben", Role::Nurse, &organisation("hospice"));
    let delayed = Device { cursor: ben.cursor, ..delayed };
    world.sync(&mut ann, push(&sealed(log("plan"), "a")));
    world.pull(&mut ben);
    world.pull(&mut ben);
    assert!(world.send(&delayed, SyncRequest::default()).reset);
    world.sync(&mut ann, push(&sealed(log("plan"), "b")));
    let answer = world.sync(&mut ben, SyncRequest::default());
    assert!(!answer.reset);
    assert_eq!(answer.items.len(), 1, "ben is still subscribed and misses nothing");
}

#[test]
fn a_replaced_relay_resets_a_device_it_has_never_met() {
    let (_, _, mut ben) = two_nurses();
    let mut world = World::new();
    let mut chance = 9;
    world
        .relay
        .draw_epoch(&mut |buffer| {
            buffer.fill_with(|| {
                chance += 1;
                chance
            })
        })
        .unwrap();
    world.sign_in(&ben);
    recover(&mut world, &mut ben, &[]);
}
