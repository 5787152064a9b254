//! A relay that is away, slow, somebody else, told twice, cut off, restarted, or older than it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bedside_core::api::{ApiError, Cancel, Event, Status};
use bedside_relay::data::DataDir;
use bedside_relay::server::system_chance;

use crate::gate::Wire;
use crate::world::*;

/// What must be so after a sync that failed: nothing is lost, nothing is half there, and the next one makes it good.
fn recovers(world: &World, devices: &[&Device], plan: bedside_core::api::PlanId) {
    whole(world);
    converge(devices);
    same_everywhere(devices, plan);
}

#[test]
fn an_edit_waits_while_the_relay_cannot_be_reached() {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    closed(&world);
    nurse.write(plan, "wishes.about_me", "written offline").unwrap();
    let before = nurse.entries(plan);
    for _ in 0..3 {
        assert_eq!(code(nurse.try_sync()), "unreachable");
    }
    world.stop_relay();
    whole(&world);
    assert_eq!(code(nurse.try_sync()), "unreachable", "nobody listens");
    assert_eq!((nurse.entries(plan), nurse.status().unwrap().unsent), (before, 1));
    world.start_relay();
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn a_relay_that_never_answers_is_left_when_the_person_says_so() {
    let (world, nurse, doctor, plan) = World::with_plan();
    world.gate.set(Wire::Silent);
    nurse.write(plan, "wishes.about_me", "said into the silence").unwrap();
    let (_listening, heard) = nurse.listen();
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| nurse.sync(&cancel));
        hear(&heard, |event| matches!(event, Event::Sync(Status::Syncing)));
        nurse.set(plan, "identity.preferred_name", "Jane").unwrap();
        cancel.cancel();
        assert_eq!(code(syncing.join().unwrap()), "cancelled");
    });
    assert_eq!(nurse.status().unwrap().unsent, 2);
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn a_relay_that_hangs_in_mid_answer_keeps_nobody_from_saving() {
    let (world, nurse, doctor, plan) = World::with_plan();
    nurse.write(plan, "wishes.about_me", "before it hangs").unwrap();
    for bytes in [1, 60, 200] {
        world.gate.set(Wire::Hangs(bytes));
        let (_listening, heard) = nurse.listen();
        let cancel = Cancel::new();
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| nurse.sync(&cancel));
            hear(&heard, |event| matches!(event, Event::Sync(Status::Syncing)));
            nurse
                .write(plan, "wishes.about_me", &format!("saved while it hangs after {bytes} bytes"))
                .unwrap();
            assert!(nurse.shown(plan).contains(&format!("after {bytes} bytes")));
            cancel.cancel();
            assert_eq!(code(syncing.join().unwrap()), "cancelled");
        });
        assert!(nurse.status().unwrap().unsent >= 1, "nothing is taken for sent without its receipt");
    }
    recovers(&world, &[&nurse, &doctor], plan);
    assert!(doctor.shown(plan).contains("after 200 bytes"));
}

fn http(status: &str, kind: &str, body: &[u8]) -> Wire {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    Wire::Impostor([head.as_bytes(), body].concat().into())
}

#[test]
fn whatever_is_not_a_relay_is_told_from_one() {
    let (world, nurse, doctor, plan) = World::with_plan();
    nurse.write(plan, "wishes.about_me", "for the relay only").unwrap();
    let page = b"<html><body>Welcome to the hotel. Please sign in.</body></html>";
    let garbage: [(Wire, &[&str]); 8] = [
        (http("200 OK", "text/html", page), &["refused"]),
        (http("503 Service Unavailable", "text/html", page), &["refused"]),
        (http("404 Not Found", "text/plain", b""), &["refused"]),
        (http("200 OK", "application/cbor", b""), &["refused"]),
        (http("200 OK", "application/cbor", &[0xff; 64]), &["refused"]),
        // Half a million nested arrays.
        (http("200 OK", "application/cbor", &vec![0x81; 500_000]), &["refused"]),
        (http("200 OK", "application/cbor", &vec![0; 6 << 20]), &["refused", "unreachable"]),
        (Wire::Impostor(b"SSH-2.0-OpenSSH_9.9\r\n".as_slice().into()), &["unreachable"]),
    ];
    let before = nurse.entries(plan);
    for (number, (wire, codes)) in garbage.into_iter().enumerate() {
        world.gate.set(wire);
        let error = nurse.try_sync().unwrap_err();
        assert!(codes.contains(&error.code()), "{number}: {error}");
        assert_eq!((nurse.entries(plan), nurse.status().unwrap().unsent), (before.clone(), 1));
    }
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn a_redirection_is_not_followed() {
    let (world, nurse, doctor, plan) = World::with_plan();
    nurse.write(plan, "wishes.about_me", "for the relay only").unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let elsewhere = world.run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::clone(&asked));
        tokio::spawn(async move {
            let _ = listener.accept().await;
            asked.store(true, Ordering::SeqCst);
        });
        address
    });
    for status in ["301 Moved Permanently", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nlocation: http://{elsewhere}/v1/sync\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        world.gate.set(Wire::Impostor(answer.into_bytes().into()));
        let refused = code(nurse.try_sync());
        assert!(!asked.load(Ordering::SeqCst), "{status}: nothing is sent elsewhere");
        assert_eq!(refused, "refused", "{status}");
    }
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn requests_that_arrive_twice_change_nothing_more() {
    let (world, nurse, doctor, plan) = World::with_plan();
    world.gate.set(Wire::Twice);
    for number in 0..5 {
        nurse.write(plan, "wishes.about_me", &format!("version {number}")).unwrap();
        doctor.write(plan, "wishes.most_fear", &format!("version {number}")).unwrap();
        nurse.in_step();
        doctor.in_step();
    }
    recovers(&world, &[&nurse, &doctor], plan);
    assert_eq!(nurse.receipts(plan).unwrap().saved, nurse.receipts(plan).unwrap().sent);
}

#[test]
fn signing_in_twice_at_once_is_signing_in() {
    let world = World::new();
    let admin = world.organisation("Riverside", "RX1");
    let nurse = world.colleague(&admin, "Amira Khan", bedside_core::api::Role::Nurse);
    world.gate.set(Wire::Twice);
    nurse.in_step();
    nurse.start_plan(jane()).unwrap();
    nurse.in_step();
}

#[test]
fn a_wire_that_breaks_at_any_byte_loses_nothing() {
    let (world, nurse, doctor, plan) = World::with_plan();
    let (mut broken, mut held) = (0, 0);
    for bytes in (0..2_600).step_by(130) {
        for wire in [Wire::CutUp(bytes), Wire::CutDown(bytes / 4)] {
            nurse.write(plan, "wishes.about_me", &format!("up to byte {bytes}, {wire:?}")).unwrap();
            doctor.write(plan, "wishes.most_fear", &format!("up to byte {bytes}, {wire:?}")).unwrap();
            world.gate.set(wire);
            for device in [&nurse, &doctor] {
                match device.try_sync() {
                    Ok(_) => held += 1,
                    Err(ApiError::Unreachable) => broken += 1,
                    Err(other) => panic!("byte {bytes}: {other}"),
                }
            }
            whole(&world);
            if bytes % 520 == 0 {
                converge(&[&nurse, &doctor]);
            }
        }
    }
    assert!(broken > 20 && held > 5, "{broken} broke, {held} held");
    recovers(&world, &[&nurse, &doctor], plan);
    let receipts = nurse.receipts(plan).unwrap();
    assert_eq!(receipts.saved, receipts.sent);
}

#[test]
fn a_first_sync_that_breaks_at_any_byte_goes_on() {
    let (world, nurse, _, plan) = World::with_plan();
    for number in 0..40 {
        nurse.write(plan, "wishes.about_me", &format!("version {number}")).unwrap();
    }
    nurse.in_step();
    let person = world.device("jane");
    let spec = bedside_core::api::InviteSpec {
        name: "Jane Smith".into(),
        role: bedside_core::api::Role::Person,
        plan: Some(plan),
        ..invitation()
    };
    person.enrol_by(&nurse, spec);
    let mut failures = 0;
    for bytes in (0..).step_by(400) {
        // The answer is the longer part.
        let wire = if (bytes / 400) % 2 == 0 { Wire::CutUp(bytes / 4) } else { Wire::CutDown(bytes) };
        world.gate.set(wire);
        match person.try_sync() {
            Ok(_) => break,
            Err(ApiError::Unreachable) => failures += 1,
            Err(other) => panic!("byte {bytes}: {other}"),
        }
    }
    assert!(failures > 3);
    recovers(&world, &[&person, &nurse], plan);
}

#[test]
fn a_relay_that_stops_in_mid_sync_has_what_it_said_it_has() {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = nurse.listen();
    // Several requests' worth.
    for _ in 0..6 {
        let mut draft = nurse.draft(plan).unwrap();
        for _ in 0..3 {
            let item = draft.new_item();
            draft.set(&format!("contact/{item}/name"), &words(&noise(24 << 10))).unwrap();
        }
        draft.commit().unwrap();
    }
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| nurse.try_sync());
        hear(&heard, |event| matches!(event, Event::Receipts | Event::Sync(Status::InStep { .. })));
        world.stop_relay();
        // It may have got through before.
        if let Err(error) = syncing.join().unwrap() {
            assert_eq!(error.code(), "unreachable");
        }
    });
    world.start_relay();
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn after_a_restart_of_the_relay_nobody_signs_in_again() {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    nurse.in_step();
    world.stop_relay();
    world.start_relay();
    assert_eq!(nurse.in_step().traffic.round_trips, 1, "the token is still good");
    recovers(&world, &[&nurse, &doctor], plan);
}

#[test]
fn the_relay_of_another_network_is_refused_and_refuses() {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    nurse.write(plan, "wishes.about_me", "for our own relay").unwrap();
    world.stop_relay();
    world.start_relay_with(world.path("other-relay"), [7; 32]);
    assert_eq!(code(nurse.try_sync()), "not-enrolled");
    assert_eq!(nurse.status().unwrap().unsent, 1);
    world.stop_relay();
    world.start_relay();
    recovers(&world, &[&nurse, &doctor], plan);
}

/// Makes a plan, lets `lose` take the relay back to what it was, and asserts that nobody misses anything.
fn nothing_acknowledged_is_missing(copy: impl Fn(&World), lose: impl Fn(&World)) {
    let (mut world, nurse, doctor, plan) = World::with_plan();
    world.stop_relay();
    copy(&world);
    world.start_relay();
    nurse.write(plan, "wishes.about_me", "after the copy").unwrap();
    nurse.start_plan(plan_for("9000000033")).unwrap();
    converge(&[&nurse, &doctor]);
    nurse.set(plan, "identity.preferred_name", "Jane").unwrap();
    nurse.in_step();
    assert_eq!(nurse.receipts(plan).unwrap().saved, nurse.receipts(plan).unwrap().sent);
    world.stop_relay();
    lose(&world);
    world.start_relay();
    doctor.write(plan, "wishes.most_fear", "to the restored relay").unwrap();
    converge(&[&doctor, &nurse, &doctor]);
    same_everywhere(&[&nurse, &doctor], plan);
    let third = doctor.plan_id("9000000033").unwrap();
    same_everywhere(&[&nurse, &doctor], third);
    // The relay alone has everything: somebody new gets it all from there.
    let person = world.device("jane");
    let spec = bedside_core::api::InviteSpec {
        name: "Jane Smith".into(),
        role: bedside_core::api::Role::Person,
        plan: Some(plan),
        ..invitation()
    };
    person.enrol_by(&nurse, spec);
    converge(&[&nurse, &person]);
    same_everywhere(&[&nurse, &person], plan);
}

#[test]
fn a_relay_restored_from_a_backup_gets_back_what_it_had_acknowledged() {
    nothing_acknowledged_is_missing(
        |world| DataDir::new(world.relay_data()).back_up(&world.path("backup.db")).unwrap(),
        |world| {
            let data = DataDir::new(world.relay_data());
            data.restore(&world.path("backup.db"), MORNING, &mut system_chance).unwrap();
        },
    );
}

#[test]
fn a_relay_put_back_by_copying_files_gets_back_what_it_had_acknowledged() {
    nothing_acknowledged_is_missing(
        |world| copy(&world.relay_data(), &world.path("copy")),
        |world| {
            std::fs::remove_dir_all(world.relay_data()).unwrap();
            copy(&world.path("copy"), &world.relay_data());
        },
    );
}

#[test]
fn a_relay_that_lost_everything_gets_it_back() {
    nothing_acknowledged_is_missing(|_| {}, |world| std::fs::remove_dir_all(world.relay_data()).unwrap());
}
