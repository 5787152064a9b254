//! What the platform tells an app about its life and its network, and a key store that is closed for the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bedside_core::api::{ApiError, Event, KeyStore, KeyStoreError, Status, Timestamp};
use bedside_core::testing::MemoryKeyStore;
use zeroize::Zeroizing;

use crate::world::*;

fn live(event: &Event) -> bool {
    matches!(event, Event::Sync(Status::InStep { live: true }))
}

fn offline(event: &Event) -> bool {
    matches!(event, Event::Sync(Status::Offline))
}

#[test]
fn an_app_on_the_screen_stays_in_step_and_off_it_says_that_it_does_not() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.foreground().unwrap();
    hear(&heard, live);
    nurse.write(plan, "wishes.about_me", "on the screen").unwrap();
    nurse.in_step();
    hear(&heard, |event| matches!(event, Event::Plan(_)) && doctor.shown(plan).contains("on the screen"));

    doctor.background();
    hear(&heard, offline);
    nurse.write(plan, "wishes.about_me", "off the screen").unwrap();
    nurse.in_step();
    assert!(!doctor.shown(plan).contains("off the screen"));
    doctor.in_step();
    assert!(doctor.shown(plan).contains("off the screen"), "a background task may sync");
}

#[test]
fn an_app_that_was_suspended_comes_back_to_the_screen_with_its_files() {
    let (_world, _nurse, doctor, plan) = World::with_plan();
    doctor.foreground().unwrap();
    doctor.suspend().unwrap();
    assert_eq!(code(doctor.plan(plan)), "locked");
    let (_listening, heard) = doctor.listen();
    doctor.foreground().unwrap();
    hear(&heard, live);
    doctor.plan(plan).unwrap();
}

#[test]
fn a_device_that_is_not_enrolled_comes_to_the_screen_all_the_same() {
    let world = World::new();
    let device = world.device("new");
    device.foreground().unwrap();
    assert_eq!(code(device.go_online()), "not-enrolled");
}

#[test]
fn without_a_network_nothing_is_tried_and_with_one_it_is_tried_at_once() {
    let (world, nurse, doctor, plan) = World::with_plan();
    let (_listening, heard) = doctor.listen();
    doctor.go_online().unwrap();
    hear(&heard, live);
    doctor.network(false);
    hear(&heard, offline);
    closed(&world);
    nurse.write(plan, "wishes.about_me", "from the network").unwrap();
    whole(&world);
    nurse.in_step();
    doctor.network(true);
    hear(&heard, |event| matches!(event, Event::Plan(_)) && doctor.shown(plan).contains("from the network"));

    // Coming to the screen without a network waits for one too.
    doctor.background();
    doctor.network(false);
    doctor.foreground().unwrap();
    doctor.network(true);
    hear(&heard, live);
}

#[test]
fn a_refused_draft_keeps_what_was_written_and_can_be_saved_once_it_is_allowed() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let mut draft = nurse.draft(plan).unwrap();
    draft.set_text("wishes.about_me", "I taught music.").unwrap();
    nurse.lock().unwrap();
    assert_eq!(code(draft.commit()), "locked");
    nurse.unlock(PIN).unwrap();
    draft.commit().unwrap();
    assert_eq!(code(draft.commit()), "invalid", "there is nothing left to save");
    draft.set_text("wishes.about_me", "I taught music and sang.").unwrap();
    draft.commit().unwrap();
    converge(&[&nurse, &doctor]);
    assert!(doctor.shown(plan).contains("and sang"));
}

/// A key store that the platform closes and opens again.
struct Closable {
    inner: MemoryKeyStore,
    closed: AtomicBool,
}

impl Closable {
    fn open(&self) -> Result<&MemoryKeyStore, KeyStoreError> {
        match self.closed.load(Ordering::SeqCst) {
            true => Err(KeyStoreError("the screen was not unlocked since the start".to_owned())),
            false => Ok(&self.inner),
        }
    }
}

impl KeyStore for Closable {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
        self.open()?.load(name)
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), KeyStoreError> {
        self.open()?.save(name, secret)
    }

    fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        self.open()?.delete(name)
    }
}

#[test]
fn a_key_store_that_is_closed_is_said_to_be_and_costs_no_try_of_the_pin() {
    let world = World::new();
    let store = Arc::new(Closable { inner: MemoryKeyStore::default(), closed: AtomicBool::new(false) });
    let (mut host, clock) = host(9, MORNING);
    host.key_store = store.clone();
    let mut device = world.device_of("phone", host, clock, PIN);
    device.open_locked().unwrap();
    store.closed.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        assert_eq!(code(device.unlock(PIN)), "key-store");
    }
    assert_eq!(code(device.remember(PIN, Timestamp(MORNING.0 + 60_000))), "key-store");
    assert!(matches!(device.open_locked(), Err(ApiError::KeyStore { .. })), "a start in the background");
    store.closed.store(false, Ordering::SeqCst);
    device.reopen().unwrap();
}
