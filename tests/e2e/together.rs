//! Devices and a relay that behave.

use bedside_core::api::{Event, InviteSpec, PlanId, Role, Status};

use crate::world::*;

#[test]
fn three_devices_that_wrote_apart_show_the_same_plan() {
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
    let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
    let plan = nurse.start_plan(jane()).unwrap().plan;
    let person = world.device("jane");
    nurse.in_step();
    let spec = InviteSpec { name: "Jane Smith".into(), role: Role::Person, plan: Some(plan), ..invitation() };
    person.enrol_by(&nurse, spec);
    converge(&[&nurse, &doctor, &person]);
    same_everywhere(&[&nurse, &doctor, &person], plan);

    closed(&world);
    nurse.write(plan, "wishes.about_me", "I taught music.").unwrap();
    nurse.set(plan, "identity.preferred_name", "Jane").unwrap();
    doctor.set(plan, "identity.preferred_name", "Janie").unwrap();
    person.write(plan, "wishes.about_me", "My dog is Biscuit.").unwrap();
    person.write(plan, "wishes.most_fear", "Being alone at night.").unwrap();
    for device in [&nurse, &doctor, &person] {
        assert_eq!(code(device.try_sync()), "unreachable");
    }
    whole(&world);
    converge(&[&person, &doctor, &nurse]);
    same_everywhere(&[&nurse, &doctor, &person], plan);
    let shown = doctor.shown(plan);
    for words in ["I taught music.", "My dog is Biscuit.", "Being alone at night.", "\"Jane\"", "\"Janie\""] {
        assert!(shown.contains(words), "{words} is missing in {shown}");
    }
    converge(&[&nurse, &doctor, &person]);
    let receipts = person.receipts(plan).unwrap();
    assert_eq!((receipts.saved, receipts.sent, receipts.seen), (2, 2, 2));
}

#[test]
fn changes_arrive_by_themselves_one_after_another() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.go_online().unwrap();
    hear(&heard, |event| matches!(event, Event::Sync(Status::InStep { live: true })));
    nurse.go_online().unwrap();
    for number in 1..=5 {
        nurse.write(plan, "wishes.about_me", &format!("version {number}")).unwrap();
        hear(&heard, |event| arrived(event) && doctor.shown(plan).contains(&format!("version {number}")));
    }
    let (_again, first) = doctor.listen();
    assert!(matches!(first.recv_timeout(LONG), Ok(Event::Sync(_))), "whoever listens is told how things are");
}

#[test]
fn a_new_device_takes_in_more_plans_at_once_than_it_keeps_in_memory_and_lists_every_one() {
    const PLANS: usize = 120;
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
    let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
    let plans: Vec<PlanId> =
        nhs_numbers().take(PLANS).map(|number| nurse.start_plan(plan_for(&number)).unwrap().plan).collect();
    for plan in &plans {
        nurse.write(*plan, "wishes.about_me", "I taught music.").unwrap();
        nurse.set(*plan, "identity.family", "Smith").unwrap();
    }
    nurse.in_step();
    doctor.in_step();
    assert_eq!(doctor.status().unwrap().waiting, Some(0));
    let rows = doctor.plans(None, 200).unwrap().rows;
    assert_eq!(rows.iter().filter(|row| row.family.eq_ignore_ascii_case("smith")).count(), PLANS);
    for plan in &plans {
        assert_eq!(doctor.entries(*plan), nurse.entries(*plan));
    }
}

fn arrived(event: &Event) -> bool {
    matches!(event, Event::Plan(_))
}

#[test]
fn a_device_that_goes_offline_hears_nothing_and_catches_up_when_it_comes_back() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.go_online().unwrap();
    hear(&heard, |event| matches!(event, Event::Sync(Status::InStep { live: true })));
    doctor.go_offline();
    nurse.write(plan, "wishes.about_me", "while you were away").unwrap();
    nurse.in_step();
    assert!(!doctor.shown(plan).contains("while you were away"));
    doctor.go_online().unwrap();
    hear(&heard, |event| arrived(event) && doctor.shown(plan).contains("while you were away"));
}

#[test]
fn the_relay_goes_and_comes_back_and_an_open_stream_with_it() {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.go_online().unwrap();
    hear(&heard, |event| matches!(event, Event::Sync(Status::InStep { live: true })));
    world.stop_relay();
    hear(&heard, |event| matches!(event, Event::Sync(Status::Retrying { .. })));
    world.start_relay();
    nurse.write(plan, "wishes.about_me", "after the restart").unwrap();
    nurse.in_step();
    hear(&heard, |event| arrived(event) && doctor.shown(plan).contains("after the restart"));
}

#[test]
fn a_stranger_in_the_same_network_gets_nothing_until_the_plan_is_shared() {
    let (world, nurse, _, plan) = World::with_plan();
    let other = world.organisation("Willow House", "VL900");
    let carer = world.colleague(&other, "Tom Reed", Role::Carer);
    converge(&[&nurse, &carer]);
    assert_eq!((carer.status().unwrap().plans, carer.status().unwrap().unopened), (Some(0), 0));
    assert_eq!(code(carer.plan(plan)), "not-found");
    assert_eq!(code(carer.draft(plan)), "not-found");
    assert_eq!(code(carer.start_plan(jane())), "not-allowed", "a carer starts no plans");

    share_with(&nurse, plan, "VL900");
    converge(&[&nurse, &carer]);
    same_everywhere(&[&nurse, &carer], plan);
    assert_eq!(
        code(nurse.share(plan, &bedside_core::api::Reader::Organisation("ZZ999".into()))),
        "not-found"
    );
}

#[test]
fn a_person_writes_her_wishes_and_no_medicines() {
    let (world, nurse, _, plan) = World::with_plan();
    let person = world.device("jane");
    let spec = InviteSpec { name: "Jane Smith".into(), role: Role::Person, plan: Some(plan), ..invitation() };
    person.enrol_by(&nurse, spec);
    person.in_step();
    let before = person.entries(plan);
    let mut draft = person.draft(plan).unwrap();
    draft.set(&format!("medicine/{}/name", draft.new_item()), &words("Morphine")).unwrap();
    assert_eq!(code(draft.commit()), "not-allowed");
    assert_eq!(person.entries(plan), before);
    person.write(plan, "wishes.about_me", "I would like the window open.").unwrap();
    converge(&[&person, &nurse]);
    same_everywhere(&[&person, &nurse], plan);
    assert_eq!(code(person.start_plan(plan_for("9000000033"))), "not-allowed");
}

#[test]
fn a_photographed_invitation_that_two_devices_use_admits_neither() {
    let (world, nurse, _, plan) = World::with_plan();
    let spec = InviteSpec { name: "Jane Smith".into(), role: Role::Person, plan: Some(plan), ..invitation() };
    let invitation = nurse.invite(spec).unwrap();
    nurse.in_step();
    let (first, second) = (world.device("first"), world.device("second"));
    let ask = |device: &Device| {
        let cancel = bedside_core::api::Cancel::new();
        let stop = cancel.clone();
        device.enrol(&invitation, &mut |_| stop.cancel(), &cancel)
    };
    assert_eq!(code(ask(&first)), "cancelled", "it waits for the nurse");
    assert_eq!(code(ask(&second)), "invalid");
    assert_eq!(code(ask(&first)), "invalid");
    nurse.in_step();
    assert_eq!(code(ask(&first)), "invalid");
    assert!(first.identity().is_none() && second.identity().is_none());
}

#[test]
fn one_plan_for_one_person_on_a_device() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    assert_eq!(code(nurse.start_plan(jane())), "already-there");
    assert_eq!(code(doctor.start_plan(jane())), "already-there");
    assert!(nurse.plan_id("900 000 0009").unwrap() == plan);
    assert_eq!(code(nurse.plan_id("900 000 0008")), "invalid");
    assert_eq!(code(nurse.plan_id("9000000033")), "not-found");
}

#[test]
fn two_who_start_a_plan_for_the_same_person_apart_write_in_one() {
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
    let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
    converge(&[&nurse, &doctor]);
    let plan: PlanId = nurse.start_plan(jane()).unwrap().plan;
    assert!(doctor.start_plan(jane()).unwrap().plan == plan);
    nurse.write(plan, "wishes.about_me", "from the nurse").unwrap();
    doctor.write(plan, "wishes.most_fear", "from the doctor").unwrap();
    converge(&[&nurse, &doctor, &nurse, &doctor]);
    same_everywhere(&[&nurse, &doctor], plan);
    let shown = nurse.shown(plan);
    assert!(shown.contains("from the nurse") && shown.contains("from the doctor"));
}
