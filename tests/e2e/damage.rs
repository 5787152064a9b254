//! Files that are damaged, exchanged or gone; disks that are full.

use std::fs;
use std::path::Path;

use bedside_core::api::{ApiError, App, PlanId, Repair};

use crate::world::*;

/// Changes one bit.
fn flip(file: &Path, at: u64) {
    let mut bytes = fs::read(file).unwrap();
    let at = usize::try_from(at).unwrap() % bytes.len();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path, length: u64) {
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len()
}

/// What an app sees of a device that may be damaged: everything works, or it says "damaged".
fn looks_around(device: &mut Device, plan: PlanId) -> Result<(), ApiError> {
    device.reopen()?;
    device.plan(plan)?;
    device.history(plan)?;
    device.receipts(plan)?;
    device.plans(None, 10)?;
    device.status()?;
    Ok(())
}

/// Repairs a closed device and asserts what holds of every repair.
fn repair(device: &mut Device) -> Repair {
    device.close();
    let report = App::repair(&device.dir, &device.host, PIN).unwrap();
    for aside in &report.moved_to {
        assert!(fs::read_dir(aside).unwrap().next().is_some(), "it is kept in {}", aside.display());
    }
    let again = App::repair(&device.dir, &device.host, PIN).unwrap();
    assert!(again.moved_to.is_empty(), "a repaired device needs no repair: {again:?}");
    device.reopen().unwrap();
    report
}

/// After a repair: writes nothing before it has synced, then everything is as it was and writing forks nothing.
fn is_well_again(device: &Device, report: &Repair, other: &Device, plan: PlanId, text: &str) {
    if report.moved_to.iter().any(|aside| aside.join("vault.db").exists()) {
        let refused = device.write(plan, "wishes.about_me", "too early");
        assert!(matches!(refused, Err(ApiError::SyncFirst | ApiError::NotFound { .. })), "{refused:?}");
    }
    device.in_step();
    device.write(plan, "wishes.about_me", text).unwrap();
    other.write(plan, "wishes.most_fear", text).unwrap();
    converge(&[device, other]);
    same_everywhere(&[device, other], plan);
    assert!(other.shown(plan).contains(text));
    let status = device.status().unwrap();
    assert_eq!((status.unsent, status.unopened, status.refused), (0, 0, Some(0)));
}

#[test]
fn a_vault_with_a_wrong_bit_anywhere_is_repaired() {
    let (_world, mut nurse, doctor, plan) = World::with_plan();
    let mut damaged = 0;
    for step in 0..14_u64 {
        let before = doctor.entries(plan);
        nurse.close();
        let vault = nurse.dir.join("vault.db");
        // The plain header, the first page, and pages all over the file.
        let at = match step {
            0 => 3,
            1 => 18,
            2 => 29,
            3 => 100,
            _ => step * length(&vault) / 14 + 37,
        };
        flip(&vault, at);
        match looks_around(&mut nurse, plan) {
            Ok(()) => {}
            Err(error) => {
                damaged += 1;
                assert_eq!(error.code(), "damaged", "a bit at {at}: {error}");
            }
        }
        let report = repair(&mut nurse);
        assert!(!report.enrol_again || step > 3, "the header holds no keys: {report:?}");
        if report.enrol_again {
            // The page with the identity itself; what comes then is another test's.
            return;
        }
        is_well_again(&nurse, &report, &doctor, plan, &format!("after the bit at {at}"));
        assert!(before.iter().all(|entry| nurse.entries(plan).contains(entry)));
    }
    assert!(damaged > 3, "only {damaged} were noticed at once");
}

#[test]
fn a_vault_that_was_cut_off_is_repaired() {
    let (_world, mut nurse, doctor, plan) = World::with_plan();
    for part in [95, 70, 40] {
        nurse.close();
        let vault = nurse.dir.join("vault.db");
        cut(&vault, length(&vault) * part / 100);
        assert_eq!(code(looks_around(&mut nurse, plan)), "damaged", "{part} %");
        let report = repair(&mut nurse);
        assert!(!report.moved_to.is_empty());
        if report.enrol_again {
            return;
        }
        is_well_again(&nurse, &report, &doctor, plan, &format!("after {part} %"));
    }
}

#[test]
fn what_was_not_sent_yet_survives_the_loss_of_other_pages() {
    let (world, mut nurse, doctor, plan) = World::with_plan();
    closed(&world);
    nurse.write(plan, "wishes.about_me", "not sent yet").unwrap();
    nurse.close();
    let vault = nurse.dir.join("vault.db");
    // The plain header: every page behind it is whole.
    flip(&vault, 20);
    assert_eq!(code(looks_around(&mut nurse, plan)), "damaged");
    let report = repair(&mut nurse);
    assert_eq!((report.lost, report.enrol_again), (0, false));
    assert_eq!(code(nurse.write(plan, "wishes.most_fear", "too early")), "sync-first");
    assert_eq!(code(nurse.try_sync()), "unreachable");
    assert_eq!(code(nurse.write(plan, "wishes.most_fear", "still too early")), "sync-first");
    whole(&world);
    is_well_again(&nurse, &report, &doctor, plan, "and goes on");
    let words = doctor.history(plan).unwrap();
    assert!(words.len() >= 6, "the unsent edit arrived: {}", words.len());
}

#[test]
fn an_empty_vault_file_is_moved_aside_and_the_device_enrols_again() {
    for content in [&b""[..], b"SQLite format 3\0", &[0; 8192]] {
        let (world, mut nurse, doctor, plan) = World::with_plan();
        let admin = world.organisation("Willow House", "VL900");
        doctor.in_step();
        nurse.close();
        fs::write(nurse.dir.join("vault.db"), content).unwrap();
        assert_eq!(code(looks_around(&mut nurse, plan)), "damaged");
        let report = repair(&mut nurse);
        assert!(report.enrol_again);
        assert!(["sync-first", "not-enrolled", "not-allowed"].contains(&code(nurse.start_plan(jane()))));
        let spec = bedside_core::api::InviteSpec { name: "Amira Khan".into(), ..invitation() };
        nurse.enrol_by(&admin, spec);
        share_with(&doctor, plan, "VL900");
        converge(&[&doctor, &nurse]);
        nurse.write(plan, "wishes.about_me", "under a new name").unwrap();
        converge(&[&nurse, &doctor]);
        same_everywhere(&[&nurse, &doctor], plan);
    }
}

#[test]
fn the_vault_of_another_device_does_not_open_here() {
    let (_world, mut nurse, mut doctor, plan) = World::with_plan();
    nurse.close();
    doctor.close();
    let own = nurse.dir.join("vault.db");
    fs::copy(&own, nurse.dir.join("kept")).unwrap();
    fs::copy(doctor.dir.join("vault.db"), &own).unwrap();
    assert_eq!(code(looks_around(&mut nurse, plan)), "damaged");
    nurse.close();
    fs::copy(nurse.dir.join("kept"), &own).unwrap();
    looks_around(&mut nurse, plan).unwrap();
    doctor.reopen().unwrap();
    converge(&[&nurse, &doctor]);
    same_everywhere(&[&nurse, &doctor], plan);
}

#[test]
fn a_missing_vault_is_said_to_be_missing_and_comes_back_from_the_relay() {
    let (_world, mut nurse, _, plan) = World::with_plan();
    nurse.close();
    fs::rename(nurse.dir.join("vault.db"), nurse.dir.join("kept")).unwrap();
    assert_eq!(code(looks_around(&mut nurse, plan)), "not-found");
    nurse.close();
    fs::rename(nurse.dir.join("kept"), nurse.dir.join("vault.db")).unwrap();
    looks_around(&mut nurse, plan).unwrap();
}

#[test]
fn a_mailbox_that_is_gone_loses_nothing() {
    let (world, mut nurse, doctor, plan) = World::with_plan();
    for number in 0..3 {
        closed(&world);
        nurse.write(plan, "wishes.about_me", &format!("unsent {number}")).unwrap();
        nurse.close();
        for file in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
            let _ = fs::remove_file(nurse.dir.join(file));
        }
        if number == 1 {
            repair(&mut nurse);
        }
        nurse.reopen().unwrap();
        assert_eq!(nurse.status().unwrap().unsent, 1, "it is still to be sent");
        whole(&world);
        converge(&[&nurse, &doctor]);
        same_everywhere(&[&nurse, &doctor], plan);
        assert!(doctor.shown(plan).contains(&format!("unsent {number}")));
    }
}

#[test]
fn a_damaged_mailbox_is_said_to_be_damaged_and_repaired() {
    let (world, mut nurse, doctor, plan) = World::with_plan();
    for step in 0..24_u64 {
        closed(&world);
        let text = format!("unsent {step}");
        nurse.write(plan, "wishes.about_me", &text).unwrap();
        nurse.close();
        let mailbox = nurse.dir.join("mailbox.db");
        match step {
            0 => fs::write(&mailbox, b"").unwrap(),
            1 => fs::write(&mailbox, b"a letter to my aunt").unwrap(),
            2..6 => cut(&mailbox, length(&mailbox) * (step - 1) / 5),
            _ => flip(&mailbox, (step - 6) * length(&mailbox) / 18 + 41 * step),
        }
        whole(&world);
        let looked = nurse.reopen().and_then(|()| nurse.try_sync());
        if let Err(error) = &looked {
            assert_eq!(error.code(), "damaged", "step {step}: {error}");
        }
        let report = repair(&mut nurse);
        assert!(looked.is_ok() || !report.moved_to.is_empty(), "step {step}: {report:?}");
        is_well_again(&nurse, &report, &doctor, plan, &format!("after step {step}"));
        let written = nurse.receipts(plan).unwrap();
        assert_eq!(written.saved, written.sent, "step {step}");
    }
}

#[test]
fn both_files_damaged_are_both_repaired() {
    let (_world, mut nurse, doctor, plan) = World::with_plan();
    nurse.close();
    flip(&nurse.dir.join("vault.db"), 21);
    fs::write(nurse.dir.join("mailbox.db"), b"").unwrap();
    assert_eq!(code(nurse.reopen()), "damaged");
    let report = repair(&mut nurse);
    assert_eq!((report.moved_to.len(), report.enrol_again), (2, false));
    is_well_again(&nurse, &report, &doctor, plan, "after both");
}

#[test]
fn a_repair_needs_the_pin_and_counts_it() {
    let (_world, mut nurse, _, plan) = World::with_plan();
    nurse.close();
    flip(&nurse.dir.join("vault.db"), 20);
    let refused = App::repair(&nurse.dir, &nurse.host, "000000");
    assert!(matches!(refused, Err(ApiError::WrongPin { attempts_left: 9, .. })));
    assert!(!nurse.dir.join("damaged-1").exists());
    assert_eq!(code(looks_around(&mut nurse, plan)), "damaged");
}
