//! Wrong PINs, clocks that are turned, devices that are opened twice, keys that are gone.

use bedside_core::api::{ApiError, App, Timestamp};
use bedside_core::limits::PIN_DELAYS_MS;

use crate::world::*;

const WRONG: &str = "000000";
const HOUR: u64 = 3_600_000;

fn left(device: &Device) -> (u32, Option<Timestamp>) {
    match device.unlock(WRONG) {
        Err(ApiError::WrongPin { attempts_left, retry_at }) => (attempts_left, retry_at),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_pins_are_counted_then_waited_for_and_then_the_keys_are_gone() {
    let world = World::new();
    let mut device = world.device("phone");
    device.open_locked().unwrap();
    for expected in [9, 8, 7, 6] {
        assert_eq!(left(&device), (expected, None));
    }
    for (number, delay) in PIN_DELAYS_MS.into_iter().enumerate() {
        let retry_at = bedside_core::api::Clock::now(&*device.clock).plus_ms(delay);
        assert_eq!(left(&device), (5 - number as u32, Some(retry_at)));
        // A restart in between forgets nothing, and the right PIN does not count before its time.
        device.open_locked().unwrap();
        assert!(matches!(device.unlock(PIN), Err(ApiError::Wait { until }) if until == retry_at));
        device.clock.set(retry_at);
    }
    assert_eq!(code(device.unlock(WRONG)), "keys-destroyed");
    device.open_locked().unwrap();
    assert_eq!(code(device.unlock(PIN)), "keys-destroyed");
    assert_eq!(code(device.change_pin(PIN, "314159")), "keys-destroyed");
}

#[test]
fn a_clock_that_is_turned_gives_no_more_tries() {
    let world = World::new();
    let mut device = world.device("phone");
    device.open_locked().unwrap();
    let mut tries = 0;
    // Whoever holds the device turns its clock as they like: forward to end the waits, back to escape them.
    for turn in 0..200_u64 {
        device.clock.set(Timestamp(MORNING.0 + (turn % 3) * 48 * HOUR));
        match device.unlock(WRONG) {
            Err(ApiError::WrongPin { .. }) => tries += 1,
            Err(ApiError::Wait { .. }) => {}
            Err(ApiError::KeysDestroyed) => {
                assert_eq!(tries, 9, "the tenth destroys the keys");
                return;
            }
            other => panic!("{other:?}"),
        }
        device.open_locked().unwrap();
    }
    panic!("the keys outlive {tries} wrong PINs");
}

#[test]
fn a_clock_that_was_set_back_does_not_lock_its_owner_out() {
    let world = World::new();
    let mut device = world.device("phone");
    device.open_locked().unwrap();
    device.clock.set(Timestamp(MORNING.0 + 10 * 365 * 24 * HOUR));
    for _ in 0..6 {
        let _ = device.unlock(WRONG);
        device.clock.advance(30_000);
    }
    device.clock.set(MORNING);
    device.unlock(PIN).unwrap();
}

#[test]
fn pulling_the_battery_at_the_last_try_does_not_give_a_million_more() {
    let world = World::new();
    let mut device = world.device("phone");
    device.open_locked().unwrap();
    for _ in 0..9 {
        let _ = device.unlock(WRONG);
        device.clock.advance(HOUR);
    }
    // The tenth try is counted, and then the battery is pulled: the file says so, and the keys are still there.
    let file = device.dir.join("vault.keys");
    std::fs::write(&file, with_one_more_try(&std::fs::read(&file).unwrap())).unwrap();
    device.open_locked().unwrap();
    device.clock.advance(HOUR);
    assert_eq!(code(device.unlock(WRONG)), "keys-destroyed", "the tenth was made");
}

/// The number of wrong PINs is the value of key 3; nine of them are one byte.
fn with_one_more_try(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.windows(2).rposition(|two| two == [3, 9]).expect("the file says nine");
    file[at + 1] = 10;
    file
}

#[test]
fn with_the_keys_goes_what_was_remembered() {
    let world = World::new();
    let mut device = world.device("phone");
    device.remember(PIN, MORNING.plus_ms(20 * HOUR)).unwrap();
    device.open_locked().unwrap();
    for _ in 0..10 {
        let _ = device.unlock(WRONG);
        device.clock.advance(HOUR);
    }
    assert_eq!(code(device.unlock(PIN)), "keys-destroyed");
    assert!(!device.unlock_remembered().unwrap(), "destroyed means that nothing opens it");
}

#[test]
fn what_is_remembered_is_forgotten_in_time_and_when_the_clock_is_set_back() {
    let world = World::new();
    let mut device = world.device("phone");
    device.remember(PIN, MORNING.plus_ms(HOUR)).unwrap();
    device.open_locked().unwrap();
    assert!(device.unlock_remembered().unwrap());
    device.clock.set(Timestamp(MORNING.0 - 30 * 24 * HOUR));
    device.open_locked().unwrap();
    assert!(!device.unlock_remembered().unwrap(), "a clock set back does not stretch it");
    device.unlock(PIN).unwrap();
    device.remember(PIN, device.now().plus_ms(HOUR)).unwrap();
    device.clock.advance(HOUR);
    device.open_locked().unwrap();
    assert!(!device.unlock_remembered().unwrap());
}

#[test]
fn one_vault_is_open_in_one_place() {
    let world = World::new();
    let device = world.device("phone");
    let second = App::open(&device.dir, device.host.clone()).unwrap();
    assert_eq!(code(second.unlock(PIN)), "in-use");
    assert_eq!(code(App::repair(&device.dir, &device.host, PIN)), "in-use");
    assert_eq!(code(App::create(&device.dir, device.host.clone(), PIN)), "already-there");
    device.lock().unwrap();
    second.unlock(PIN).unwrap();
    assert_eq!(code(device.unlock(PIN)), "in-use");
    second.suspend().unwrap();
    device.unlock(PIN).unwrap();
    assert_eq!(code(second.resume()), "in-use");
    device.lock().unwrap();
    second.resume().unwrap();
    assert_eq!(second.status().unwrap().plans, Some(0));
}

#[test]
fn a_device_whose_pin_is_lost_still_sends_what_it_had_written() {
    let (world, mut nurse, doctor, plan) = World::with_plan();
    closed(&world);
    nurse.write(plan, "wishes.about_me", "before the PIN was lost").unwrap();
    nurse.open_locked().unwrap();
    for _ in 0..10 {
        let _ = nurse.unlock(WRONG);
        nurse.clock.advance(HOUR);
    }
    assert_eq!(code(nurse.unlock(PIN)), "keys-destroyed");
    nurse.open_locked().unwrap();
    assert_eq!(nurse.status().unwrap().unsent, 1);
    assert_eq!(code(nurse.try_sync()), "unreachable");
    whole(&world);
    assert_eq!(nurse.try_sync().unwrap().unsent, 0);
    doctor.in_step();
    assert!(doctor.shown(plan).contains("before the PIN was lost"));
}

#[test]
fn a_locked_device_receives_and_shows_when_it_is_unlocked() {
    let (_world, nurse, mut doctor, plan) = World::with_plan();
    doctor.open_locked().unwrap();
    nurse.write(plan, "wishes.about_me", "while it was locked").unwrap();
    nurse.in_step();
    doctor.in_step();
    assert_eq!(doctor.status().unwrap().unopened, 1);
    assert_eq!(code(doctor.plan(plan)), "locked");
    doctor.unlock(PIN).unwrap();
    doctor.in_step();
    assert!(doctor.shown(plan).contains("while it was locked"));
    assert_eq!(doctor.status().unwrap().unopened, 0);
}

#[test]
fn a_new_pin_is_the_only_one() {
    let world = World::new();
    let mut device = world.device("phone");
    assert_eq!(code(device.change_pin(WRONG, "314159")), "wrong-pin");
    assert_eq!(code(device.change_pin(PIN, "12")), "invalid");
    device.change_pin(PIN, "a passphrase, 長い").unwrap();
    device.open_locked().unwrap();
    assert_eq!(code(device.unlock(PIN)), "wrong-pin");
    device.unlock("a passphrase, 長い").unwrap();
}
