//! Lists of work as an app meets them: who finds what on which list, and when it leaves again.

use std::collections::BTreeMap;

use bedside_core::api::{
    Answer, ApiError, App, EntryId, Leaf, NewVisit, Outcome, Scope, Section, Source, Stage, Worklist,
    WorklistRow,
};
use bedside_core::engine::Input;
use bedside_protocol::ids::LogId;

use crate::base::{self, ALICE, BOB, CARER, PAT, consent, plan_of};
use crate::ops::Op;
use crate::world::World;

const SECOND_MS: u64 = 1_000;

fn morning() -> (World, LogId) {
    let world = base::begin(2_316, false);
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

fn list(world: &World, seat: usize, list: Worklist) -> Vec<WorklistRow> {
    app(world, seat).worklist(list, None, 50).expect("it is this person's list").rows
}

/// Why the only plan is on a list; nothing when it is not.
fn why(world: &World, seat: usize, which: Worklist) -> String {
    list(world, seat, which).first().map(|row| row.why.clone()).unwrap_or_default()
}

fn say(world: &mut World, seat: usize, log: LogId, key: &str, text: &str) {
    let leaf = Leaf::new(Answer::uncoded(text).expect("it is not empty"), Source::Person);
    assert!(world.edit(seat, log, |draft| draft.set(key, &leaf)), "{text} can be said");
    meet(world);
}

fn does(world: &mut World, seat: usize, what: impl FnOnce(&App) -> Result<(), ApiError>) {
    what(app(world, seat)).expect("it is allowed");
    world.feed(seat, Input::Wake);
    meet(world);
}

fn decide(world: &mut World, seat: usize, log: LogId, section: Section, said: &[(&str, Answer)]) {
    let fields: BTreeMap<String, Leaf> = said
        .iter()
        .map(|(key, answer)| ((*key).to_owned(), Leaf::new(answer.clone(), Source::Observed)))
        .collect();
    assert!(world.edit(seat, log, |draft| draft.decide(section, &fields, true)));
    meet(world);
}

const PLACE: &str = "preferences.place_of_death_1";

#[test]
fn a_plan_waits_for_those_who_may_approve_it_and_for_nobody_else() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    assert_eq!(why(&world, BOB, Worklist::Approval), "");
    does(&mut world, ALICE, |app| app.request_approval(plan, "after the visit").map(drop));
    assert_eq!(
        why(&world, BOB, Worklist::Approval),
        "Alice Okafor asked for approval on 18-Nov-2026: after the visit"
    );
    let refused = app(&world, ALICE).worklist(Worklist::Approval, None, 9);
    assert!(matches!(refused, Err(ApiError::NotAllowed { .. })), "she may not approve");
    let counts = |seat| app(&world, seat).worklist_counts().expect("it is unlocked");
    assert_eq!((counts(ALICE).approval, counts(BOB).approval), (None, Some(1)));
    let seen = app(&world, BOB).plan(plan).expect("the plan is there").version;
    does(&mut world, BOB, |app| app.approve(plan, &[], &seen, None).map(drop));
    assert!(list(&world, BOB, Worklist::Approval).is_empty());
    say(&mut world, ALICE, log, PLACE, "home");
    assert_eq!(why(&world, BOB, Worklist::Approval), "Changed since Bob Marsh approved it on 18-Nov-2026");
    world.settle_and_check();
}

#[test]
fn a_review_is_on_the_list_two_weeks_before_its_day_and_until_it_is_done() {
    let (mut world, log) = morning();
    let said = |day: &str| {
        let cpr = Answer::uncoded("not recommended").expect("words");
        [("cpr.decision", cpr), ("cpr.review_date", Answer::date(day).expect("a day"))]
    };
    assert_eq!(why(&world, ALICE, Worklist::Reviews), "", "the plan's own review is three months ahead");
    decide(&mut world, ALICE, log, Section::Cpr, &said("2026-12-03"));
    assert_eq!(why(&world, ALICE, Worklist::Reviews), "");
    decide(&mut world, ALICE, log, Section::Cpr, &said("2026-12-02"));
    assert_eq!(why(&world, ALICE, Worklist::Reviews), "Resuscitation (CPR) is due for review on 02-Dec-2026");
    decide(&mut world, ALICE, log, Section::Cpr, &said("2026-11-17"));
    assert_eq!(
        why(&world, ALICE, Worklist::Reviews),
        "Resuscitation (CPR) was due for review on 17-Nov-2026"
    );
    let counts = app(&world, ALICE).worklist_counts().expect("it is unlocked");
    assert_eq!((counts.reviews, counts.reviews_overdue), (1, 1));
    decide(&mut world, ALICE, log, Section::Cpr, &said("2027-01-17"));
    assert_eq!(why(&world, ALICE, Worklist::Reviews), "");
    world.settle_and_check();
}

#[test]
fn a_conflict_is_on_the_list_until_somebody_has_resolved_it() {
    let (mut world, log) = morning();
    for seat in [ALICE, BOB] {
        world.set_online(seat, false);
    }
    world.perform(&Op::DecideTwice { plan: 0, section: 0, word: 1 });
    for seat in [ALICE, BOB] {
        world.set_online(seat, true);
    }
    meet(&mut world);
    assert_eq!(why(&world, BOB, Worklist::InConflict), "Decisions in conflict: Resuscitation (CPR)");
    let cpr = Answer::uncoded("not recommended").expect("words");
    decide(&mut world, ALICE, log, Section::Cpr, &[("cpr.decision", cpr)]);
    for seat in [ALICE, BOB] {
        assert!(list(&world, seat, Worklist::InConflict).is_empty());
    }
    world.settle_and_check();
}

#[test]
fn held_entries_are_on_the_list_of_those_who_decide_on_them() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    world.perform(&Op::Forge { plan: 0 });
    meet(&mut world);
    assert_eq!(why(&world, ALICE, Worklist::Held), "1 entry held, since 18-Nov-2026");
    let refused = app(&world, CARER).worklist(Worklist::Held, None, 9).err().map(|error| error.to_string());
    assert_eq!(
        refused.as_deref(),
        Some("not allowed: only clinicians decide on held entries; your role is carer")
    );
    let held = app(&world, ALICE).held(plan_of(&log)).expect("the plan is there").remove(0);
    let entry = EntryId::from_hex(&held.entry).expect("it is an id");
    does(&mut world, ALICE, |app| app.review_held(plan_of(&log), entry, false, "").map(drop));
    assert!(list(&world, BOB, Worklist::Held).is_empty());
    world.settle_and_check();
}

#[test]
fn a_plan_has_changed_when_others_wrote_in_it_since_somebody_looked() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    say(&mut world, BOB, log, PLACE, "home");
    assert!(list(&world, ALICE, Worklist::Changed).is_empty(), "she has never looked");
    app(&world, ALICE).plan(plan).expect("the plan is there");
    say(&mut world, ALICE, log, PLACE, "hospice");
    assert!(list(&world, ALICE, Worklist::Changed).is_empty(), "she knows what she wrote");
    world.seats[ALICE].ahead = -3_600_000;
    say(&mut world, BOB, log, PLACE, "home");
    assert!(
        why(&world, ALICE, Worklist::Changed).starts_with("Others wrote in it on 18-Nov-2026"),
        "although her clock was put back"
    );
    world.lock(ALICE);
    world.unlock(ALICE);
    assert_eq!(list(&world, ALICE, Worklist::Changed).len(), 1);
    app(&world, ALICE).plan(plan).expect("the plan is there");
    world.lock(ALICE);
    world.unlock(ALICE);
    assert!(list(&world, ALICE, Worklist::Changed).is_empty(), "she looked before she locked it");
    world.settle_and_check();
}

#[test]
fn a_caseload_and_visits_are_somebodys_own() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    let alice = app(&world, ALICE);
    let visit = |day: &str, time: Option<&str>| NewVisit {
        day: day.to_owned(),
        time: time.map(str::to_owned),
        note: "dressing".to_owned(),
    };
    alice.take_on(plan).expect("the plan is there");
    alice.plan_visit(plan, visit("2026-11-18", Some("9:30"))).expect("a fair visit");
    let missed = alice.plan_visit(plan, visit("2026-11-17", None)).expect("a fair visit");
    alice.plan_visit(plan, visit("2026-11-19", None)).expect("a fair visit");
    for (day, time) in [("18-11-2026", None), ("2026-11", None), ("2026-11-18", Some("25:00"))] {
        assert!(matches!(alice.plan_visit(plan, visit(day, time)), Err(ApiError::Invalid { .. })), "{day}");
    }
    assert_eq!(why(&world, ALICE, Worklist::Caseload), "In your caseload since 18-Nov-2026");
    let visits = || list(&world, ALICE, Worklist::Visits).into_iter().map(|row| row.why).collect::<Vec<_>>();
    assert_eq!(visits(), ["NOT DONE: planned for 17-Nov-2026: dressing", "Today 09:30: dressing"]);
    alice.mark_visit(missed, true).expect("it is hers");
    assert_eq!(visits(), ["Today 09:30: dressing"]);
    alice.mark_visit(missed, false).expect("it is hers");
    alice.cancel_visit(missed).expect("it is hers");
    assert!(matches!(alice.mark_visit(missed, true), Err(ApiError::NotFound { .. })));
    assert_eq!(alice.visits(None, None, 9).expect("a list").rows.len(), 2);
    assert_eq!(alice.visits(Some("2026-11-19"), None, 9).expect("a list").rows.len(), 1);
    alice.hand_back(plan).expect("it is in her caseload");
    assert!(matches!(alice.hand_back(plan), Err(ApiError::NotFound { .. })));
    for empty in [Worklist::Caseload, Worklist::Visits] {
        assert!(list(&world, BOB, empty).is_empty(), "nobody else hears of it");
    }
    say(&mut world, BOB, log, "team.key_worker", "Alice  Okafor, district nurse");
    assert_eq!(why(&world, ALICE, Worklist::Caseload), "The plan names you as key worker");
    let refused = app(&world, ALICE).hand_back(plan);
    assert!(matches!(refused, Err(ApiError::NotAllowed { .. })));
    assert!(list(&world, BOB, Worklist::Caseload).is_empty());
    world.settle_and_check();
}

type End = fn(&mut World, LogId);

#[test]
fn nobody_is_sent_to_work_on_a_plan_that_is_closed() {
    let work = [Worklist::Reviews, Worklist::InConflict, Worklist::Held, Worklist::Approval];
    let ends: [End; 3] = [
        |world, log| {
            let date = Answer::date("2026-11-18").expect("a day");
            decide(world, ALICE, log, Section::AfterDeath, &[("death.date", date)]);
        },
        |world, log| {
            does(world, BOB, |app| app.mark(plan_of(&log), Stage::EnteredInError, "wrong person").map(drop));
        },
        |world, log| {
            let withdrawn = consent(Outcome::Withdrawn);
            does(world, PAT, |app| app.record_consent(plan_of(&log), Scope::Record, withdrawn).map(drop));
        },
    ];
    for end in ends {
        let (mut world, log) = morning();
        app(&world, BOB).take_on(plan_of(&log)).expect("the plan is there");
        for seat in [ALICE, BOB] {
            world.set_online(seat, false);
        }
        world.perform(&Op::DecideTwice { plan: 0, section: 0, word: 1 });
        for seat in [ALICE, BOB] {
            world.set_online(seat, true);
        }
        does(&mut world, ALICE, |app| app.request_approval(plan_of(&log), "").map(drop));
        let open =
            |world: &World| work.into_iter().filter(|which| !list(world, BOB, *which).is_empty()).count();
        assert_eq!(open(&world), 2, "in conflict, and to be approved");
        end(&mut world, log);
        assert_eq!(open(&world), 0);
        let row = list(&world, BOB, Worklist::Caseload).remove(0).plan;
        assert!(
            matches!(row.status.as_str(), "deceased" | "entered-in-error" | "withdrawn"),
            "who has taken it on sees why: {}",
            row.status
        );
        world.settle_and_check();
    }
}

#[test]
fn lists_are_made_anew_when_what_is_derived_was_dropped() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    app(&world, ALICE).take_on(plan).expect("the plan is there");
    app(&world, ALICE).plan(plan).expect("the plan is there");
    world.perform(&Op::Forge { plan: 0 });
    does(&mut world, BOB, |app| app.request_approval(plan, "").map(drop));
    say(&mut world, BOB, log, "team.key_worker", "Alice Okafor");
    let lists = |world: &World| {
        let mine = Worklist::ALL.into_iter().filter(|which| *which != Worklist::Approval);
        let mut all: Vec<_> = mine.flat_map(|which| list(world, ALICE, which)).collect();
        // When this device last heard of a change is when it described the plan.
        all.iter_mut().for_each(|row| row.plan.changed_at = 0);
        let counts = app(world, ALICE).worklist_counts().expect("it is unlocked");
        (serde_json::to_string(&all).expect("a list is JSON"), counts)
    };
    let before = lists(&world);
    assert!(before.1.caseload == 1 && before.1.changed == 1);
    world.seats[ALICE].device.drop_derived().expect("it can be dropped");
    assert_eq!(lists(&world).1.all, 0);
    world.lock(ALICE);
    world.unlock(ALICE);
    assert_eq!(lists(&world), before);
}
