//! What only some may see, who looked, and reading without consent, as an app meets it.

use bedside_core::api::{
    AccessRow, Answer, ApiError, App, Compartment, ExportFormat, Leaf, Outcome, PlanView, Reason, Scope,
    Source,
};
use bedside_core::engine::Input;
use bedside_core::testing::look::HeldEntry;
use bedside_protocol::ids::{EntryId, LogId};
use std::collections::BTreeMap;

use crate::base::{self, ALICE, BOB, CARER, PAT, consent, plan_of};
use crate::ops::Op;
use crate::relay::Mode;
use crate::world::World;

const SECOND_MS: u64 = 1_000;
const SAFE: &str = "home.key_safe";

fn morning() -> (World, LogId) {
    let world = base::begin(1_948, false);
    let log = *world.truth.readers.keys().next().expect("the first plan is there from the beginning");
    (world, log)
}

fn meet(world: &mut World) {
    for _ in 0..2 {
        for seat in [ALICE, BOB, CARER, PAT] {
            world.feed(seat, Input::Wake);
        }
        world.run(30 * SECOND_MS);
    }
}

fn app(world: &World, seat: usize) -> &App {
    world.seats[seat].device.app()
}

fn words(text: &str) -> Leaf {
    Leaf::new(Answer::text(text).expect("it is not empty"), Source::Observed)
}

fn write_code(world: &mut World, seat: usize, log: LogId, code: &str) -> bool {
    world.edit(seat, log, |draft| draft.set(SAFE, &words(code)))
}

/// What a view says of how to get into the home.
fn seen(view: &PlanView) -> Vec<String> {
    let fields = view.sections.iter().flat_map(|section| &section.fields);
    let field = fields.into_iter().find(|field| field.key == SAFE);
    field.map(|field| field.values.iter().map(|value| value.answer.to_owned()).collect()).unwrap_or_default()
}

fn code(world: &World, seat: usize, log: &LogId) -> Result<String, ApiError> {
    let values = app(world, seat).reveal(plan_of(log), SAFE)?;
    Ok(values.into_iter().map(|value| value.text).collect::<Vec<_>>().join(" / "))
}

fn record(world: &World, seat: usize, log: &LogId) -> Vec<AccessRow> {
    app(world, seat).access_record(plan_of(log)).expect("whoever reads the plan reads who looked")
}

fn by(rows: &[AccessRow], author: &str, act: &str) -> usize {
    rows.iter().filter(|row| row.author == author && row.act == act).count()
}

fn refused<T>(outcome: Result<T, ApiError>) -> bool {
    matches!(outcome, Err(ApiError::NotAllowed { .. }))
}

#[test]
fn a_key_safe_code_reaches_every_colleague_and_not_the_person() {
    let (mut world, log) = morning();
    assert!(write_code(&mut world, ALICE, log, "C1066Z"));
    world.share(BOB, 0);
    meet(&mut world);
    for seat in [BOB, CARER] {
        let view = app(&world, seat).plan(plan_of(&log)).expect("the plan is there");
        assert_eq!(seen(&view), ["withheld"], "a view says that it is there, and no more");
        assert!(!serde_json::to_string(&view).expect("a view is JSON").contains("C1066Z"));
        assert_eq!(code(&world, seat, &log).expect("whoever holds it may have it shown"), "C1066Z");
    }
    let view = app(&world, PAT).plan(plan_of(&log)).expect("the plan is there");
    assert!(seen(&view).is_empty());
    assert_eq!(code(&world, PAT, &log).expect_err("they do not hold it").code(), "not-found");
    let restricted = world.truth.beside.iter().find(|(_, place)| **place == (log, Compartment::Restricted));
    let (restricted, _) = restricted.expect("it is a log of its own");
    let pat = &world.seats[PAT].device;
    assert!(pat.content_keys(restricted).expect("an open vault can be read").is_empty());
    let entries: BTreeMap<LogId, BTreeMap<EntryId, HeldEntry>> =
        pat.entries().expect("an open vault can be read");
    assert!(!entries.contains_key(restricted), "what they must not see they do not hold");
    world.settle_and_check();
}

#[test]
fn what_is_restricted_reaches_whoever_is_given_the_plan_before_or_after() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    assert!(write_code(&mut world, BOB, log, "1234"), "after the plan was shared, by somebody else");
    meet(&mut world);
    assert_eq!(code(&world, CARER, &log).expect("the carer was given it"), "1234");
    assert!(write_code(&mut world, CARER, log, "5678"), "what is begun a carer may change");
    meet(&mut world);
    assert_eq!(code(&world, ALICE, &log).expect("it came back"), "5678");
    world.settle_and_check();
}

#[test]
fn two_who_begin_a_compartment_apart_have_begun_one() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    for seat in [ALICE, BOB] {
        world.set_online(seat, false);
    }
    assert!(write_code(&mut world, ALICE, log, "1234") && write_code(&mut world, BOB, log, "5678"));
    for seat in [ALICE, BOB] {
        world.set_online(seat, true);
    }
    meet(&mut world);
    for seat in [ALICE, BOB, CARER] {
        let both = code(&world, seat, &log).expect("both are there");
        assert!(both.contains("1234") && both.contains("5678"), "neither is lost: {both}");
    }
    world.settle_and_check();
}

#[test]
fn a_carer_does_not_begin_a_compartment_and_is_told_who_does() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    let refusal = |app: &App| {
        let mut draft = app.draft(plan_of(&log))?;
        draft.set(SAFE, &words("1234"))?;
        draft.commit()
    };
    let error = refusal(app(&world, CARER)).expect_err("nobody has begun it").to_string();
    assert!(error.contains("ask a nurse or doctor"), "{error}");
    assert!(write_code(&mut world, ALICE, log, "1"));
    meet(&mut world);
    assert!(write_code(&mut world, CARER, log, "2"));
    world.settle_and_check();
}

#[test]
fn an_alert_may_be_restricted_and_a_wish_may_not() {
    let (mut world, log) = morning();
    let alert = "alert/00000000000000aa/details";
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Restricted)?;
        draft.set(alert, &words("see the safeguarding lead"))
    }));
    assert!(!world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Restricted)?;
        draft.set_text("wishes.about_me", "I taught music.")
    }));
    meet(&mut world);
    let values = app(&world, BOB).reveal(plan_of(&log), alert).expect("a colleague holds it");
    assert_eq!(values[0].text, "see the safeguarding lead");
    let text = serde_json::to_string(&app(&world, PAT).plan(plan_of(&log)).expect("it is there"));
    assert!(!text.expect("a view is JSON").contains(alert), "the person does not even see that there is one");
    world.settle_and_check();
}

#[test]
fn the_person_reads_who_looked_at_their_plan_and_why() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    assert!(write_code(&mut world, ALICE, log, "1234"));
    world.share(ALICE, 0);
    meet(&mut world);
    for _ in 0..3 {
        app(&world, CARER).plan(plan).expect("the plan is there");
    }
    app(&world, BOB).plan(plan).expect("the plan is there");
    code(&world, BOB, &log).expect("it is there");
    app(&world, BOB).export(plan, ExportFormat::Csv).expect("it can be exported");
    app(&world, BOB).record_print(plan).expect("it can be printed");
    app(&world, PAT).plan(plan).expect("the plan is there");
    let own = record(&world, BOB, &log);
    assert!(own.iter().all(|row| row.waiting) && own.len() == 4, "here at once, sent later");
    meet(&mut world);
    let rows = record(&world, PAT, &log);
    assert_eq!(by(&rows, "Cathy Lunn", "view"), 1, "the same act within a minute is one");
    let acts = ["view", "reveal", "print", "export"].map(|act| by(&rows, "Bob Marsh", act));
    assert_eq!(acts, [1, 1, 1, 1]);
    let reveal = rows.iter().find(|row| row.act == "reveal").expect("it was revealed");
    assert_eq!(reveal.text, "had revealed: Key-safe code");
    assert_eq!(rows.iter().filter(|row| row.author.contains("person")).count(), 0, "not their own looks");
    assert_eq!(record(&world, ALICE, &log), rows, "the same for everybody");
    world.settle_and_check();
}

#[test]
fn many_looks_are_one_entry() {
    let (mut world, log) = morning();
    world.set_online(BOB, false);
    for _ in 0..5 {
        app(&world, BOB).plan(plan_of(&log)).expect("the plan is there");
        world.run(61 * SECOND_MS);
        world.set_clock(BOB);
    }
    let before = world.seats[BOB].device.entry_count().expect("an open vault can be read");
    world.set_online(BOB, true);
    meet(&mut world);
    let after = world.seats[BOB].device.entry_count().expect("an open vault can be read");
    assert_eq!(after, before + 1);
    assert_eq!(by(&record(&world, PAT, &log), "Bob Marsh", "view"), 5);
    world.settle_and_check();
}

#[test]
fn a_look_survives_the_end_of_the_process_and_goes_out_from_a_locked_device() {
    let (mut world, log) = morning();
    world.set_online(BOB, false);
    app(&world, BOB).plan(plan_of(&log)).expect("the plan is there");
    world.crash(BOB);
    world.reopen(BOB, true);
    assert_eq!(by(&record(&world, BOB, &log), "Bob Marsh", "view"), 1, "kept before it was sent");
    world.lock(BOB);
    world.set_online(BOB, true);
    world.run(60 * SECOND_MS);
    world.feed(PAT, Input::Wake);
    world.run(60 * SECOND_MS);
    assert_eq!(by(&record(&world, PAT, &log), "Bob Marsh", "view"), 1);
    world.unlock(BOB);
    world.settle_and_check();
}

#[test]
fn a_withdrawal_locks_the_compartments_too() {
    let (mut world, log) = morning();
    assert!(write_code(&mut world, ALICE, log, "1234"));
    world.share(ALICE, 0);
    meet(&mut world);
    withdraw(&mut world, log);
    assert!(refused(code(&world, CARER, &log)));
    assert!(refused(app(&world, CARER).access_record(plan_of(&log))));
    assert!(!write_code(&mut world, CARER, log, "9999"));
    assert_eq!(code(&world, ALICE, &log).expect("who began the plan goes on"), "1234");
    world.settle_and_check();
}

fn withdraw(world: &mut World, log: LogId) {
    let done = world.save(PAT, |app| {
        let saved = app.record_consent(plan_of(&log), Scope::Share, consent(Outcome::Withdrawn))?;
        Ok(Some(saved.entries))
    });
    assert!(done, "a person withdraws their consent on their own device");
    meet(world);
}

#[test]
fn who_may_not_break_the_glass_is_told_who_may_and_nobody_breaks_what_is_open() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    world.share(ALICE, 0);
    meet(&mut world);
    let break_it =
        |world: &World, seat, why| app(world, seat).break_glass(plan, Reason::EmergencyTreatment, why);
    assert!(refused(break_it(&world, ALICE, "to look")), "it is not locked");
    withdraw(&mut world, log);
    assert!(refused(break_it(&world, CARER, "to look")), "a carer may not");
    assert_eq!(by(&record(&world, PAT, &log), "Cathy Lunn", "break-glass"), 0);
    world.settle_and_check();
}

#[test]
fn a_record_of_looks_needs_no_wish_of_its_author() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    world.relay.mode = Mode::Down;
    app(&world, CARER).plan(plan_of(&log)).expect("the plan is there");
    world.perform(&Op::Wait { ms: 60_000 });
    world.relay.mode = Mode::Honest;
    world.settle_and_check();
    assert_eq!(by(&record(&world, PAT, &log), "Cathy Lunn", "view"), 1);
}
