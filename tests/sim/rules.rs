//! The rules of a plan as an app meets them: approving, deciding on what is held, undoing, looking back, being locked out.

use std::collections::BTreeMap;
use std::sync::Arc;

use bedside_core::api::{
    Answer, ApiError, App, At, Audience, EntryId, Leaf, Locale, Outcome, PlanView, Reader, Saved, Scope,
    Section, Source, Stage, Timestamp,
};
use bedside_core::engine::Input;
use bedside_protocol::ids::LogId;

use crate::base::{self, ALICE, BOB, CARER, PAT, WILLOW_CODE, consent, plan_of};
use crate::ops::Op;
use crate::world::World;

const PLACE: &str = "preferences.place_of_death_1";
const SECOND_MS: u64 = 1_000;

fn morning() -> (World, LogId) {
    let world = base::begin(815, false);
    let log = *world.truth.readers.keys().next().expect("the first plan is there from the beginning");
    (world, log)
}

fn say(world: &mut World, seat: usize, log: LogId, place: &str) {
    let leaf = Leaf::new(Answer::uncoded(place).expect("it is not empty"), Source::Person);
    assert!(world.edit(seat, log, |draft| draft.set(PLACE, &leaf)), "{place} can be said");
    meet(world);
}

/// Everybody sends what they have and fetches what there is.
fn meet(world: &mut World) {
    for _ in 0..2 {
        for seat in [ALICE, BOB, CARER, PAT] {
            world.feed(seat, Input::Wake);
        }
        world.run(30 * SECOND_MS);
    }
}

fn shown(world: &World, seat: usize, log: &LogId) -> PlanView {
    app(world, seat).plan(plan_of(log)).expect("the plan is there")
}

fn app(world: &World, seat: usize) -> &App {
    world.seats[seat].device.app()
}

fn place(world: &World, seat: usize, log: &LogId) -> Vec<String> {
    let plan = shown(world, seat, log);
    let fields = plan.sections.iter().flat_map(|section| &section.fields);
    let field = fields.into_iter().find(|field| field.key == PLACE);
    field.map(|field| field.values.iter().map(|value| value.text.clone()).collect()).unwrap_or_default()
}

fn saves(world: &mut World, seat: usize, what: impl FnOnce(&App) -> Result<Saved, ApiError>) -> bool {
    let done = world.save(seat, |app| what(app).map(|saved| Some(saved.entries)));
    meet(world);
    done
}

#[test]
fn an_approval_signs_what_was_shown_and_is_refused_when_that_has_changed() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    say(&mut world, ALICE, log, "home");
    assert!(saves(&mut world, ALICE, |app| app.request_approval(plan, "after the visit")));
    assert_eq!(shown(&world, BOB, &log).control.status, "awaiting-approval");
    let seen = shown(&world, BOB, &log).version;
    say(&mut world, ALICE, log, "hospice");
    assert!(!saves(&mut world, BOB, |app| app.approve(plan, &[], &seen, None)), "it has changed since");
    let seen = shown(&world, BOB, &log).version;
    assert!(!saves(&mut world, ALICE, |app| app.approve(plan, &[], &seen, None)), "she may not approve");
    assert!(saves(&mut world, BOB, |app| app.approve(plan, &[], &seen, None)));
    let control = shown(&world, ALICE, &log).control;
    assert_eq!(
        (control.status, control.latest_approver.map(|by| by.author)),
        ("approved", Some("Bob Marsh".into()))
    );
    let row = app(&world, ALICE).plans(None, 10).expect("there is a list").rows.remove(0);
    assert_eq!(row.status, "approved");
    say(&mut world, ALICE, log, "home");
    assert_eq!(shown(&world, BOB, &log).control.status, "approved-changed");
    assert!(saves(&mut world, BOB, |app| app.mark(plan, Stage::UnderReview, "")));
    assert_eq!(shown(&world, PAT, &log).control.status, "under-review");
    world.settle_and_check();
}

#[test]
fn a_held_entry_is_listed_with_its_reason_and_its_author_sees_what_became_of_it() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    world.share(ALICE, 0);
    meet(&mut world);
    world.perform(&Op::Forge { plan: 0 });
    meet(&mut world);
    let held = app(&world, ALICE).held(plan).expect("the plan is there").remove(0);
    assert_eq!((held.author.as_str(), held.state.ruling), ("Cathy Lunn", "open"));
    assert!(held.reason.contains("recorded by clinicians") && held.says[0].starts_with("CPR: "));
    let entry = EntryId::from_hex(&held.entry).expect("it is an id");
    assert!(!saves(&mut world, CARER, |app| app.review_held(plan, entry, true, "")));
    assert!(saves(&mut world, ALICE, |app| app.review_held(plan, entry, false, "the doctor decides")));
    let history = app(&world, CARER).history(plan).expect("the plan is there");
    let row = history.into_iter().find(|row| row.entry == held.entry).expect("nothing is dropped");
    let state = row.review.expect("somebody decided");
    assert_eq!((state.ruling, state.in_plan), ("declined", false));
    assert_eq!(
        (state.reviews[0].by.as_str(), state.reviews[0].note.as_str()),
        ("Alice Okafor", "the doctor decides")
    );
    world.settle_and_check();
}

/// Some messages of a language that nobody speaks.
const INVENTED: &str = "
history-consent-record = bo te ru { $outcome }
history-decided = { $section } da
refused-clinicians-only = { $what } me ku ({ $role })
difference = { $label } di { $before } ma { $after }
not-recorded = nulo
field-preferences-place_of_death_1 = Lo mo
section-cpr = Ko
role-carer = kuri
";

#[test]
fn history_differences_and_reasons_are_told_in_the_language_of_the_device() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    let then = Timestamp(world.now);
    world.run(60 * SECOND_MS);
    world.share(ALICE, 0);
    say(&mut world, BOB, log, "home");
    world.perform(&Op::Forge { plan: 0 });
    meet(&mut world);
    let invented = Arc::new(Locale::new("art", &[INVENTED]).expect("it is Fluent"));
    world.seats[ALICE].device.host().language.speak(invented);
    let done: Vec<String> = (app(&world, ALICE).history(plan).expect("the plan is there").into_iter())
        .map(|row| row.what)
        .collect();
    assert!(done.iter().any(|what| what == "bo te ru given"), "{done:?}");
    assert!(done.iter().any(|what| what == "Lo mo"), "{done:?}");
    let held = app(&world, ALICE).held(plan).expect("the plan is there").remove(0);
    assert_eq!((held.what.as_str(), held.reason.as_str()), ("Ko da", "Ko me ku (kuri)"));
    let found = app(&world, ALICE).differences(plan, At::Time(then), None).expect("the plan is there");
    assert!(
        found.iter().any(|found| found.text == "Lo mo di nulo ma home"),
        "what is not translated is in English"
    );
    let rows = app(&world, ALICE).field_history(plan, PLACE).expect("the plan is there");
    assert_eq!(rows[0].basis.as_deref(), Some("bo te ru given"));
    let others = app(&world, BOB).field_history(plan, PLACE).expect("the plan is there");
    assert_eq!(
        others[0].basis.as_deref(),
        Some("consent to record given"),
        "another device, another language"
    );
    world.settle_and_check();
}

#[test]
fn what_cannot_wait_is_sent_before_everything_else() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    let first_in_line =
        |world: &World, seat: usize| world.seats[seat].device.in_line().expect("it is unlocked")[0];
    let busy = |world: &mut World, seat: usize| {
        world.set_online(seat, false);
        let another = world.plans_of(seat).into_iter().find(|other| *other != log).expect("it was started");
        assert!(world.edit(seat, another, |draft| draft.set_text("wishes.about_me", "I taught music.")));
        assert_eq!(first_in_line(world, seat), another);
    };
    world.start_plan(ALICE, 1, false);
    world.start_plan(BOB, 2, false);
    meet(&mut world);
    busy(&mut world, ALICE);
    let day = Leaf::new(Answer::date("2026-11-22").expect("it is a day"), Source::Observed);
    let died = BTreeMap::from([("death.date".to_owned(), day)]);
    assert!(world.edit(ALICE, log, |draft| draft.decide(Section::AfterDeath, &died, false)));
    assert_eq!(first_in_line(&world, ALICE), log, "a death");
    busy(&mut world, BOB);
    assert!(saves(&mut world, BOB, |app| app.record_consent(
        plan,
        Scope::Share,
        consent(Outcome::Withdrawn)
    )));
    assert_eq!(first_in_line(&world, BOB), log, "a withdrawal");
    for seat in [ALICE, BOB] {
        world.set_online(seat, true);
    }
    meet(&mut world);
    assert!(shown(&world, PAT, &log).banner.deceased);
    world.settle_and_check();
}

#[test]
fn ones_own_last_change_is_taken_back_and_nobody_elses_words_go_with_it() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    say(&mut world, ALICE, log, "home");
    assert!(saves(&mut world, ALICE, |app| app.undo(plan)));
    assert!(place(&world, BOB, &log).is_empty(), "not recorded again, and nothing else");
    assert!(saves(&mut world, ALICE, |app| app.undo(plan)));
    assert_eq!(place(&world, BOB, &log), ["home"], "an undo is undone");
    say(&mut world, BOB, log, "hospice");
    assert!(!saves(&mut world, ALICE, |app| app.undo(plan)), "somebody has changed it since");
    assert!(world.edit(ALICE, log, |draft| draft.set_text("wishes.about_me", "I taught music.")));
    assert!(saves(&mut world, ALICE, |app| app.undo(plan)));
    assert_eq!(place(&world, ALICE, &log), ["hospice"]);
    world.settle_and_check();
}

#[test]
fn a_field_has_its_history_and_a_plan_its_past() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    say(&mut world, ALICE, log, "home");
    let then = Timestamp(world.now);
    world.run(60 * SECOND_MS);
    say(&mut world, BOB, log, "hospice");
    let rows = app(&world, PAT).field_history(plan, PLACE).expect("the plan is there");
    let said: Vec<_> =
        rows.iter().map(|row| (row.author.as_str(), row.before.join("/"), row.after.join("/"))).collect();
    assert_eq!(
        said,
        [
            ("Alice Okafor", String::new(), "home".to_owned()),
            ("Bob Marsh", "home".to_owned(), "hospice".to_owned())
        ]
    );
    assert_eq!(rows[0].basis.as_deref(), Some("consent to record given"));
    assert_eq!(rows[0].heard_from, Some("person"));
    let found = app(&world, PAT).differences(plan, At::Time(then), None).expect("the plan is there");
    let words: Vec<&str> = found.iter().map(|difference| difference.text.as_str()).collect();
    assert_eq!(words, ["Preferred places: Place of death, first: home -> hospice"]);
    let entry = EntryId::from_hex(&rows[0].entry).expect("it is an id");
    for at in [At::Time(then), At::Entry(entry)] {
        let past = app(&world, PAT).plan_at(plan, at).expect("the plan is there");
        let fields = past.sections.iter().flat_map(|section| &section.fields);
        let field = fields.into_iter().find(|field| field.key == PLACE).expect("it was said");
        assert_eq!((past.kind, field.values[0].text.as_str()), ("past", "home"));
    }
    world.settle_and_check();
}

#[test]
fn withdrawn_consent_locks_the_plan_on_another_organisations_device() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    say(&mut world, ALICE, log, "home");
    world.share(ALICE, 0);
    meet(&mut world);
    assert_eq!(place(&world, CARER, &log), ["home"]);
    assert!(saves(&mut world, PAT, |app| {
        app.record_consent(plan, Scope::Share, consent(Outcome::Withdrawn))
    }));
    let seen = shown(&world, CARER, &log);
    assert_eq!(seen.kind, "locked");
    assert!(
        seen.sections.iter().all(|section| section.is_empty()) && seen.alerts[0].kind == "consent-withdrawn"
    );
    let row = app(&world, CARER).plans(None, 10).expect("there is a list").rows.remove(0);
    assert!(row.locked && row.place.is_empty() && row.cpr == "LOCKED: consent is withdrawn");
    let refused = |outcome: Result<(), ApiError>| matches!(outcome, Err(ApiError::NotAllowed { .. }));
    let carer = app(&world, CARER);
    assert!(refused(carer.history(plan).map(drop)) && refused(carer.draft(plan).map(drop)));
    assert!(refused(carer.held(plan).map(drop)));
    let for_a_crew = carer.page(plan, Some(Audience::Urgent)).expect("who it is about is still shown");
    assert_eq!(for_a_crew.kind, "locked");
    assert!(refused(carer.field_history(plan, PLACE).map(drop)));
    assert!(refused(carer.plan_at(plan, At::Time(Timestamp(world.now))).map(drop)));
    assert!(refused(carer.share(plan, &Reader::Organisation(WILLOW_CODE.to_owned()))));
    assert_eq!(shown(&world, ALICE, &log).kind, "full", "the organisation that began it goes on");
    assert_eq!(shown(&world, PAT, &log).kind, "full", "and so does the person");
    world.settle_and_check();
}
