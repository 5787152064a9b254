//! The care home's phone: one vault, a PIN for each of the night staff, everybody signs as themself.

use bedside_core::api::{ApiError, App, InviteSpec, Role, Slot};

use crate::world::*;

const BENS_PIN: &str = "314159";

fn slot(device: &Device, label: &str) -> Slot {
    let row = device.identities().into_iter().find(|row| row.label == label).unwrap();
    Slot::from_hex(&row.id).unwrap()
}

fn authors(device: &Device, plan: bedside_core::api::PlanId) -> Vec<String> {
    device.history(plan).unwrap().into_iter().map(|row| row.author).collect()
}

/// A home whose phone Amira and Ben share, both enrolled, and a plan on it. Amira is there.
fn shared() -> (World, Device, Device, bedside_core::api::PlanId) {
    let world = World::new();
    let admin = world.organisation("Willow House", "VL900");
    let phone = world.colleague(&admin, "Amira Khan", Role::Carer);
    let nurse = world.colleague(&admin, "Nina Roy", Role::Nurse);
    let plan = nurse.start_plan(jane()).unwrap().plan;
    converge(&[&nurse, &phone]);
    let amira = slot(&phone, "");
    phone.rename_identity(amira, "Amira").unwrap();
    let ben = phone.add_identity(amira, PIN, "Ben", BENS_PIN).unwrap();
    phone.unlock_as(ben, BENS_PIN).unwrap();
    assert_eq!(code(phone.plan(plan).map(drop)), "not-enrolled");
    assert_eq!(code(phone.plans(None, 10).map(drop)), "not-enrolled");
    assert_eq!(code(phone.search("smith").map(drop)), "not-enrolled");
    phone.enrol_by(&admin, InviteSpec { name: "Ben Ode".into(), role: Role::Carer, ..invitation() });
    phone.unlock_as(amira, PIN).unwrap();
    (world, phone, nurse, plan)
}

#[test]
fn two_carers_share_a_phone_and_each_signs_as_themself() {
    let (_world, mut phone, nurse, plan) = shared();
    phone.write(plan, "wishes.about_me", "She likes the window open.").unwrap();
    phone.unlock_as(slot(&phone, "Ben"), BENS_PIN).unwrap();
    assert_eq!(phone.identity().unwrap().name, "Ben Ode");
    phone.write(plan, "wishes.daily_life", "Tea at six.").unwrap();
    converge(&[&phone, &nurse]);
    let by = authors(&nurse, plan);
    assert!(by.contains(&"Amira Khan".to_owned()) && by.contains(&"Ben Ode".to_owned()), "{by:?}");
    same_everywhere(&[&phone, &nurse], plan);

    phone.open_locked().unwrap();
    assert_eq!(code(phone.unlock(PIN)), "invalid");
    phone.unlock_as(slot(&phone, "Ben"), BENS_PIN).unwrap();
    assert_eq!(phone.identity().unwrap().name, "Ben Ode");
}

#[test]
fn handing_over_needs_no_network_and_one_carers_pin_is_not_anothers() {
    let (world, phone, _nurse, plan) = shared();
    closed(&world);
    let (amira, ben) = (slot(&phone, "Amira"), slot(&phone, "Ben"));
    assert!(matches!(phone.unlock_as(ben, PIN), Err(ApiError::WrongPin { .. })));
    assert_eq!(phone.identity().unwrap().name, "Amira Khan", "a wrong PIN hands nothing over");
    phone.unlock_as(ben, BENS_PIN).unwrap();
    phone.write(plan, "wishes.daily_life", "Tea at six.").unwrap();
    phone.unlock_as(amira, PIN).unwrap();
    assert!(phone.shown(plan).contains("Tea at six."), "what one saved the other reads");
    assert!(code(phone.undo(plan).map(drop)) == "not-found", "and does not take back");
}

#[test]
fn a_forgotten_pin_destroys_one_carers_keys_and_what_they_wrote_still_goes_out() {
    let (world, mut phone, nurse, plan) = shared();
    closed(&world);
    phone.unlock_as(slot(&phone, "Ben"), BENS_PIN).unwrap();
    phone.write(plan, "wishes.daily_life", "Tea at six.").unwrap();
    phone.open_locked().unwrap();
    let ben = slot(&phone, "Ben");
    loop {
        match phone.unlock_as(ben, "000000") {
            Err(ApiError::WrongPin { retry_at, .. }) => {
                retry_at.into_iter().for_each(|at| phone.clock.set(at))
            }
            Err(ApiError::KeysDestroyed) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(code(phone.unlock_as(ben, BENS_PIN)), "keys-destroyed");
    phone.unlock(PIN).unwrap();
    assert_eq!(phone.identity().unwrap().name, "Amira Khan", "only one is left to choose");
    whole(&world);
    converge(&[&phone, &nurse]);
    assert!(nurse.shown(plan).contains("Tea at six."));
}

#[test]
fn who_leaves_is_taken_off_the_phone_and_their_words_stay() {
    let (_world, phone, nurse, plan) = shared();
    phone.unlock_as(slot(&phone, "Ben"), BENS_PIN).unwrap();
    phone.write(plan, "wishes.daily_life", "Tea at six.").unwrap();
    let (amira, ben) = (slot(&phone, "Amira"), slot(&phone, "Ben"));
    phone.unlock_as(amira, PIN).unwrap();
    phone.remove_identity(ben).unwrap();
    assert_eq!(code(phone.unlock_as(ben, BENS_PIN)), "not-found");
    assert_eq!(code(phone.remove_identity(amira)), "not-allowed");
    converge(&[&phone, &nurse]);
    assert!(nurse.shown(plan).contains("Tea at six."));
}

#[test]
fn whoever_joins_a_phone_belongs_to_the_same_organisation() {
    let (world, phone, _nurse, _plan) = shared();
    let other = world.organisation("Riverside", "RX1");
    let amira = slot(&phone, "Amira");
    let cy = phone.add_identity(amira, PIN, "Cy", "161803").unwrap();
    phone.unlock_as(cy, "161803").unwrap();
    let invitation =
        other.invite(InviteSpec { name: "Cy Lee".into(), role: Role::Nurse, ..invitation() }).unwrap();
    other.in_step();
    let cancel = bedside_core::api::Cancel::new();
    let result = std::thread::scope(|scope| {
        let (sender, waiting) = std::sync::mpsc::channel();
        let (phone, cancel) = (&*phone, &cancel);
        let enrolling = scope.spawn(move || {
            phone.enrol(
                &invitation,
                &mut |_| {
                    let _ = sender.send(());
                },
                cancel,
            )
        });
        waiting.recv_timeout(LONG).unwrap();
        other.in_step();
        enrolling.join().unwrap()
    });
    assert_eq!(code(result), "invalid");
    assert!(phone.identity().is_none());
}

#[test]
fn a_damaged_phone_is_repaired_by_one_of_them_and_the_other_goes_on_as_before() {
    let (_world, mut phone, nurse, plan) = shared();
    phone.close();
    let vault = phone.dir.join("vault.db");
    let mut bytes = std::fs::read(&vault).unwrap();
    let middle = bytes.len() * 3 / 4;
    bytes[middle..middle + 512].fill(0xA5);
    std::fs::write(&vault, bytes).unwrap();
    let device = App::open(&phone.dir, phone.host.clone()).unwrap();
    let rows = device.identities();
    let of = |label: &str| Slot::from_hex(&rows.iter().find(|row| row.label == label).unwrap().id).unwrap();
    let (amira, ben) = (of("Amira"), of("Ben"));
    drop(device);
    assert_eq!(code(App::repair(&phone.dir, &phone.host, PIN)), "not-found");
    let report = App::repair_as(&phone.dir, &phone.host, amira, PIN).unwrap();
    assert!(!report.moved_to.is_empty() && !report.enrol_again, "{report:?}");
    phone.open_locked().unwrap();
    phone.unlock_as(ben, BENS_PIN).unwrap();
    phone.in_step();
    phone.write(plan, "wishes.daily_life", "Tea at six.").unwrap();
    converge(&[&phone, &nurse]);
    assert!(authors(&nurse, plan).contains(&"Ben Ode".to_owned()));
}
