//! The ways of writing, one test each.

use std::collections::BTreeMap;

use bedside_core::api::{
    Answer, ApiError, App, Leaf, NewVisit, Outcome, PlanId, Scope, Section, Source, Worklist,
};
use bedside_core::engine::Input;
use bedside_core::testing::vfs::FaultVfs;

use crate::base::{self, ALICE, BOB, PAT, RIVERSIDE, consent, log_of, new_plan, plan_of};
use crate::harness::{Attempt, Scene, Way};
use crate::world::World;

fn words(text: &str) -> Leaf {
    Leaf::new(Answer::text(text).unwrap(), Source::Observed)
}

fn write(app: &App, plan: PlanId, text: &str) -> Result<(), ApiError> {
    let mut draft = app.draft(plan)?;
    draft.set_text("wishes.about_me", text)?;
    draft.set("identity.preferred_name", &words(text))?;
    draft.commit().map(drop)
}

fn decide(app: &App, plan: PlanId, text: &str) -> Result<(), ApiError> {
    let mut draft = app.draft(plan)?;
    let leaf = Leaf::new(Answer::uncoded(text).unwrap(), Source::Observed);
    draft.decide(Section::Cpr, &BTreeMap::from([("cpr.decision".to_owned(), leaf)]), false)?;
    draft.commit().map(drop)
}

/// A good day on which Bob has decided about resuscitation, and the plan that everybody has.
fn good_day() -> (World, PlanId) {
    let mut world = base::begin(4_711, false);
    let plan = plan_of(world.truth.readers.keys().next().unwrap());
    decide(world.seats[BOB].device.app(), plan, "not for resuscitation").unwrap();
    world.feed(BOB, Input::Wake);
    world.run(10_000);
    (world, plan)
}

/// Something that is one transaction on Alice's tablet, at each of its operations.
fn at_once(stride: usize, act: impl Fn(&App, PlanId) -> Result<(), ApiError>) {
    let (mut world, plan) = good_day();
    let scene = Scene::of(&mut world, ALICE);
    let page = scene.page(&mut world);
    let act = |attempt: &Attempt| attempt.app(|app| act(app, plan).is_ok());
    let (begin, resume) = (Attempt::open, |_: &Attempt| {});
    Way { scene: &scene, page: &page, begin: &begin, act: &act, resume: &resume, at_once: true, stride }
        .at_every_operation();
}

#[test]
fn a_plan_is_started_whole_or_not_at_all() {
    at_once(5, |app, _| app.start_plan(new_plan(1, true)).map(drop));
}

#[test]
fn a_draft_is_saved_whole_or_not_at_all() {
    at_once(5, |app, plan| write(app, plan, "Her cat is called Biscuit"));
}

#[test]
fn a_compartment_is_begun_and_written_whole_or_not_at_all() {
    at_once(5, |app, plan| {
        let mut draft = app.draft(plan)?;
        draft.set("home.key_safe", &words("C1066Z"))?;
        draft.set_text("home.hazards", "the cat")?;
        draft.commit().map(drop)
    });
}

#[test]
fn a_notebook_is_handed_over_once_or_not_at_all() {
    let (mut world, plan) = good_day();
    let app = world.seats[PAT].device.app();
    app.note_text("wishes.about_me", "I taught music.").unwrap();
    app.note("wishes.organ_donation", &words("yes")).unwrap();
    let scene = Scene::of(&mut world, PAT);
    let page = scene.page(&mut world);
    let act = |attempt: &Attempt| attempt.app(|app| app.hand_over(plan, true).is_ok());
    let (begin, resume) = (Attempt::open, |_: &Attempt| {});
    Way { scene: &scene, page: &page, begin: &begin, act: &act, resume: &resume, at_once: true, stride: 5 }
        .at_every_operation();
}

#[test]
fn a_consent_is_recorded_or_not() {
    at_once(5, |app, plan| app.record_consent(plan, Scope::Share, consent(Outcome::Withdrawn)).map(drop));
}

#[test]
fn a_decision_and_an_endorsement_are_saved_whole_or_not_at_all() {
    at_once(5, |app, plan| {
        let mut draft = app.draft(plan)?;
        draft.endorse(Section::Cpr)?;
        let leaf = Leaf::new(Answer::text("no hospital").unwrap(), Source::Observed);
        let fields = BTreeMap::from([("escalation.other".to_owned(), leaf)]);
        draft.decide(Section::Escalation, &fields, false)?;
        draft.commit().map(drop)
    });
}

#[test]
fn a_plan_is_taken_on_or_not() {
    at_once(1, |app, plan| app.take_on(plan));
}

#[test]
fn a_visit_is_planned_or_not() {
    at_once(1, |app, plan| {
        let (day, note) = ("2026-11-18".to_owned(), "dressing".to_owned());
        app.plan_visit(plan, NewVisit { day, time: Some("10:30".to_owned()), note }).map(drop)
    });
}

#[test]
fn what_somebody_keeps_for_themself_survives_a_repair() {
    let (mut world, plan) = good_day();
    let app = world.seats[ALICE].device.app();
    app.take_on(plan).unwrap();
    let visit = NewVisit { day: "2026-11-18".to_owned(), time: None, note: "dressing".to_owned() };
    let visit = app.plan_visit(plan, visit).unwrap();
    app.plan(plan).unwrap();
    let scene = Scene::of(&mut world, ALICE);
    let page = scene.page(&mut world);
    let attempt = scene.damaged("vault.db").copy(FaultVfs::register(), &page);
    assert!(attempt.repair());
    attempt.open();
    attempt.app(|app| {
        let list = |list| app.worklist(list, None, 9).unwrap().rows;
        assert_eq!(list(Worklist::Caseload).len(), 1);
        assert_eq!(list(Worklist::Visits)[0].visit.as_ref().map(|visit| visit.id), Some(visit));
        assert_eq!(list(Worklist::Changed).len(), 1, "better looked at once more than not at all");
    });
}

#[test]
fn a_full_disk_is_said_to_be_full_loses_nothing_and_is_over_when_there_is_room() {
    let (mut world, plan) = good_day();
    let scene = Scene::of(&mut world, ALICE);
    let page = scene.page(&mut world);
    let attempt = scene.copy(FaultVfs::register(), &page);
    attempt.open();
    attempt.app(|app| write(app, plan, "There was room")).unwrap();
    let before = attempt.shown();
    attempt.full(true);
    for _ in 0..3 {
        let refused = attempt.app(|app| write(app, plan, "There was no room")).unwrap_err();
        assert_eq!(refused.code(), "free-space");
        let said = "the disk is full; free some space and try again (nothing that was saved is lost)";
        assert_eq!(refused.to_string(), said);
        assert_eq!(attempt.shown(), before, "reading goes on");
        assert!(!attempt.sync(), "it does not say that it is in step");
        assert!(attempt.is_told_full());
    }
    attempt.full(false);
    attempt.app(|app| write(app, plan, "There is room again")).unwrap();
    attempt.everything_gets_out();
    attempt.is_sound();
}

/// A sync of Alice's tablet after `meanwhile`, at each of its operations.
fn syncing(stride: usize, meanwhile: impl Fn(&mut World, PlanId)) {
    let (mut world, plan) = good_day();
    world.set_online(ALICE, false);
    meanwhile(&mut world, plan);
    world.run(10_000);
    let scene = Scene::of(&mut world, ALICE);
    let page = scene.page(&mut world);
    let (begin, act, resume) = (Attempt::open, Attempt::sync, |_: &Attempt| {});
    Way { scene: &scene, page: &page, begin: &begin, act: &act, resume: &resume, at_once: false, stride }
        .at_every_operation();
}

#[test]
fn a_page_from_the_relay_is_taken_in_whatever_fails() {
    syncing(11, |world, plan| {
        let bob = world.seats[BOB].device.app();
        write(bob, plan, "She fears the ambulance").unwrap();
        decide(bob, plan, "for resuscitation after all").unwrap();
        let another = bob.start_plan(new_plan(1, true)).unwrap().plan;
        world.truth.readers.insert(log_of(another), RIVERSIDE.into());
        world.feed(BOB, Input::Wake);
    });
}

#[test]
fn receipts_are_settled_whatever_fails() {
    syncing(7, |world, plan| {
        let alice = world.seats[ALICE].device.app();
        write(alice, plan, "Written without signal").unwrap();
        decide(alice, plan, "decided without signal").unwrap();
    });
}

/// A repair of Alice's tablet, with something on it that was never sent.
fn repairing(files: &[&str], stride: usize) {
    let (mut world, plan) = good_day();
    world.set_online(ALICE, false);
    write(world.seats[ALICE].device.app(), plan, "Written without signal").unwrap();
    let scene = Scene::of(&mut world, ALICE);
    let page = scene.page(&mut world);
    let scene = files.iter().fold(scene, |scene, file| scene.damaged(file));
    let (begin, act, resume) = (|_: &Attempt| {}, Attempt::repair, Attempt::open);
    Way { scene: &scene, page: &page, begin: &begin, act: &act, resume: &resume, at_once: false, stride }
        .at_every_operation();
}

#[test]
fn a_repair_of_the_vault_that_fails_is_done_again() {
    repairing(&["vault.db"], 67);
}

#[test]
fn a_repair_of_both_files_that_fails_is_done_again() {
    repairing(&["vault.db", "mailbox.db"], 67);
}
