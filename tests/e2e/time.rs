//! Clocks that are wrong.

use bedside_core::api::{Event, Role, Status, Timestamp};

use crate::world::*;

const HOUR: i64 = 3_600_000;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

fn off_by(ms: i64) -> Timestamp {
    Timestamp(MORNING.0.strict_add_signed(ms))
}

#[test]
fn a_device_whose_clock_is_wrong_is_told_and_what_it_writes_is_accepted() {
    for wrong in [-HOUR, TEN_YEARS, -TEN_YEARS] {
        let (_world, nurse, doctor, plan) = World::with_plan();
        nurse.clock.set(off_by(wrong));
        nurse.in_step();
        assert_eq!(nurse.status().unwrap().clock_ahead_ms, Some(wrong));
        nurse.write(plan, "wishes.about_me", "by a wrong clock").unwrap();
        let mut draft = nurse.draft(plan).unwrap();
        draft.set("identity.preferred_name", &words("Jane")).unwrap();
        draft.commit().unwrap();
        converge(&[&nurse, &doctor]);
        // What is overdue is judged by each device's own clock, so the pages are compared when it is right again.
        assert_eq!(nurse.entries(plan), doctor.entries(plan));
        let newest = doctor.history(plan).unwrap().pop().unwrap();
        assert_eq!(newest.at, off_by(wrong).0, "the device's own time is shown");
        assert_eq!(newest.relay_at, Some(MORNING.0), "and the relay's");

        nurse.clock.set(MORNING);
        nurse.in_step();
        assert_eq!(nurse.status().unwrap().clock_ahead_ms, Some(0));
        nurse.write(plan, "wishes.about_me", "by a right clock").unwrap();
        doctor.write(plan, "wishes.most_fear", "in between").unwrap();
        converge(&[&nurse, &doctor]);
        same_everywhere(&[&nurse, &doctor], plan);
        assert!(doctor.shown(plan).contains("by a right clock"));
    }
}

#[test]
fn a_device_with_a_wrong_clock_can_enrol_and_write() {
    for wrong in [-HOUR, TEN_YEARS] {
        let world = World::new();
        let admin = world.organisation("Riverside", "RX1");
        let nurse = world.device("nurse");
        nurse.clock.set(off_by(wrong));
        let spec = bedside_core::api::InviteSpec { name: "Amira Khan".into(), ..invitation() };
        nurse.enrol_by(&admin, spec);
        let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
        nurse.in_step();
        let plan = nurse.start_plan(jane()).unwrap().plan;
        converge(&[&nurse, &doctor]);
        same_everywhere(&[&nurse, &doctor], plan);
    }
}

#[test]
fn an_administrator_with_a_wrong_clock_admits_people_who_can_write() {
    for wrong in [-HOUR, HOUR, TEN_YEARS, -TEN_YEARS] {
        let world = World::new();
        let admin = world.organisation("Riverside", "RX1");
        admin.clock.set(off_by(wrong));
        let nurse = world.colleague(&admin, "Amira Khan", Role::Nurse);
        let doctor = world.colleague(&admin, "Ben Ode", Role::Doctor);
        let plan = nurse.start_plan(jane()).unwrap().plan;
        converge(&[&nurse, &doctor]);
        same_everywhere(&[&nurse, &doctor], plan);
    }
}

#[test]
fn a_clock_that_jumps_while_online_stops_nothing() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.go_online().unwrap();
    hear(&heard, |event| matches!(event, Event::Sync(Status::InStep { live: true })));
    for (number, wrong) in [TEN_YEARS, -TEN_YEARS, 0, HOUR].into_iter().enumerate() {
        doctor.clock.set(off_by(wrong));
        nurse.clock.set(off_by(-wrong));
        nurse.write(plan, "wishes.about_me", &format!("jump {number}")).unwrap();
        nurse.in_step();
        hear(&heard, |event| {
            matches!(event, Event::Plan(_)) && doctor.shown(plan).contains(&format!("jump {number}"))
        });
    }
}
