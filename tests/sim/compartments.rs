//! What only some may see, who looked, and reading without consent, as an app meets it.

use bedside_core::api::{
    AccessRow, Answer, ApiError, App, Audience, Compartment, ExportFormat, Leaf, Outcome, PlanView, Reason,
    Scope, Section, Source,
};
use bedside_core::engine::Input;
use bedside_core::testing::look::HeldEntry;
use bedside_protocol::entry::Decision;
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
    app(&world, BOB).export(plan, ExportFormat::Csv, false).expect("it can be exported");
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

const CONTACT: &str = "contact/00000000000000aa";

/// Decides something that the person is not to know yet.
fn confide(world: &mut World, seat: usize, log: LogId, section: Section, said: &[(&str, &str)]) -> bool {
    let fields = said.iter().map(|(key, said)| ((*key).to_owned(), answer(key, said))).collect();
    world.edit(seat, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.decide(section, &fields, false)
    })
}

fn answer(key: &str, said: &str) -> Leaf {
    let (field, _) = bedside_core::plan::schema::field(key).expect("a field of the table");
    let answer = bedside_core::plan::check::read_answer(field, said).expect("an answer that fits");
    Leaf::new(answer, Source::Observed)
}

fn json(world: &World, seat: usize, log: &LogId) -> String {
    let view = app(world, seat).plan(plan_of(log)).expect("the plan is there");
    serde_json::to_string(&view).expect("a view is JSON")
}

#[test]
fn a_prognosis_that_nobody_has_told_the_person_reaches_colleagues_and_crews_and_not_the_person() {
    let (mut world, log) = morning();
    world.share(ALICE, 0);
    meet(&mut world);
    let said = [("prognosis.estimate", "last-weeks"), ("prognosis.person_aware", "no")];
    assert!(!confide(&mut world, CARER, log, Section::Prognosis, &said), "a carer decides nowhere");
    assert!(!confide(&mut world, PAT, log, Section::Prognosis, &said));
    let kept = |app: &App| {
        let mut draft = app.draft(plan_of(&log))?;
        draft.keep_in(Compartment::Professional)?;
        draft.set("communication.mode", &words("not before her son"))?;
        draft.commit()
    };
    let told = |seat| kept(app(&world, seat)).expect_err("they may not begin it").to_string();
    assert!(told(CARER).contains("ask a nurse or doctor"), "{}", told(CARER));
    assert!(told(PAT).contains("kept by the care team"), "{}", told(PAT));
    assert!(confide(&mut world, ALICE, log, Section::Prognosis, &said));
    meet(&mut world);
    for seat in [BOB, CARER] {
        let view = app(&world, seat).plan(plan_of(&log)).expect("the plan is there");
        assert_eq!(view.section(Section::Prognosis).decisions[0].kept_in, Some("professional"));
        assert_eq!(app(&world, seat).kept_from_person(plan_of(&log)).expect("it is there"), 1);
    }
    assert!(!json(&world, PAT, &log).contains("last-weeks"));
    let kept = world.truth.beside.iter().find(|(_, place)| **place == (log, Compartment::Professional));
    let (kept, _) = kept.expect("it is a log of its own");
    let pat = &world.seats[PAT].device;
    assert!(pat.content_keys(kept).expect("an open vault can be read").is_empty());
    assert!(!pat.entries().expect("an open vault can be read").contains_key(kept));
    let plan = plan_of(&log);
    let parts = |seat| {
        let page = app(&world, seat).page(plan, Some(Audience::Person)).expect("it is there");
        // What has been looked at is on each device as far as that knows.
        page.parts.into_iter().filter(|part| part.id != "looks").collect::<Vec<_>>()
    };
    assert!(parts(PAT) == parts(BOB), "a page for them is the page that their own device shows");
    world.settle_and_check();
}

#[test]
fn what_leaves_the_device_has_what_is_kept_from_the_person_only_on_request_and_says_so() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    let key = format!("{CONTACT}/name");
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.set(&key, &words("Estranged Brother"))?;
        draft.set(&format!("{CONTACT}/show_to_person"), &answer(&format!("{CONTACT}/show_to_person"), "no"))
    }));
    let reason = [("cpr.decision", "not-recommended"), ("cpr.reason", "would not survive it")];
    assert!(confide(&mut world, ALICE, log, Section::Cpr, &reason));
    let nurse = app(&world, ALICE);
    for with_professional in [false, true] {
        let formats = [ExportFormat::Fhir, ExportFormat::Csv, ExportFormat::Text, ExportFormat::Json];
        let mut copies: Vec<String> = formats
            .iter()
            .map(|format| nurse.export(plan, *format, with_professional).expect("it can be exported"))
            .collect();
        copies.extend([Audience::CareTeam, Audience::Urgent, Audience::Summary].map(|audience| {
            nurse.print(plan, Some(audience), with_professional).expect("it can be printed")
        }));
        for copy in &copies {
            assert_eq!(copy.contains("Estranged"), with_professional, "{copy}");
            let not_recommended = copy.contains("would not survive it");
            assert_eq!(not_recommended, with_professional, "{copy}");
        }
        assert_eq!(copies[0].contains("\"NOPAT\""), with_professional);
        assert_eq!(copies[1].contains("\"professional\""), with_professional);
        assert_eq!(copies[5].contains("is on no such copy"), !with_professional);
        let person = nurse.print(plan, Some(Audience::Person), with_professional).expect("it can be printed");
        assert!(!person.contains("Estranged") && !person.contains("would not survive it"));
    }
    let file = nurse.export(plan, ExportFormat::Fhir, true).expect("it can be exported");
    world.share(ALICE, 0);
    meet(&mut world);
    let import = app(&world, BOB).read_import(plan, file.as_bytes()).expect("it is this plan");
    assert!(import.edits.is_empty(), "all of it is here already");
    world.settle_and_check();
}

#[test]
fn what_a_document_says_is_not_to_be_disclosed_is_kept_from_the_person_when_it_is_read() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    let kept = "communication.mode";
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.set(kept, &words("not before her son"))
    }));
    let file = app(&world, ALICE).export(plan, ExportFormat::Fhir, true).expect("it can be exported");
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.set(kept, &Leaf::new(Answer::TakenBack, Source::Observed))
    }));
    let import = app(&world, ALICE).read_import(plan, file.as_bytes()).expect("it is this plan");
    let [edit] = import.edits.as_slice() else { panic!("one answer is new") };
    assert_eq!((edit.what.key.as_str(), edit.kept_in), (kept, Some("professional")));
    assert!(world.save(ALICE, |app| Ok(Some(app.take_import(plan, &import, false)?.entries))));
    meet(&mut world);
    assert!(json(&world, BOB, &log).contains("not before her son"));
    assert!(!json(&world, PAT, &log).contains("not before her son"));
    world.settle_and_check();
}

#[test]
fn what_was_talked_about_moves_into_the_shared_plan_in_one_step() {
    let (mut world, log) = morning();
    let said = [("prognosis.estimate", "last-weeks"), ("prognosis.person_aware", "no")];
    assert!(confide(&mut world, ALICE, log, Section::Prognosis, &said));
    let contact = format!("{CONTACT}/name");
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.set(&contact, &words("Ruth"))?;
        draft.set(&format!("{CONTACT}/show_to_person"), &answer(&format!("{CONTACT}/show_to_person"), "no"))
    }));
    meet(&mut world);
    let none = BTreeMap::new();
    assert!(
        !world.edit(BOB, log, |draft| draft.disclose(Section::Prognosis, &none)),
        "they do not know it yet"
    );
    assert!(!world.edit(BOB, log, |draft| draft.disclose(Section::Cpr, &none)), "there is none");
    let aware = answer("prognosis.person_aware", "yes");
    let aware = BTreeMap::from([("prognosis.person_aware".to_owned(), aware)]);
    assert!(world.edit(ALICE, log, |draft| {
        draft.disclose(Section::Prognosis, &aware)?;
        draft.disclose_answers(CONTACT)
    }));
    meet(&mut world);
    for seat in [ALICE, BOB, PAT] {
        let view = app(&world, seat).plan(plan_of(&log)).expect("the plan is there");
        let [prognosis] = view.section(Section::Prognosis).decisions.as_slice() else {
            panic!("one decision stands")
        };
        assert!(prognosis.kept_in.is_none());
        assert_eq!(view.section(Section::Contacts).lists[0].items[0].kept_in, None);
        assert!(json(&world, seat, &log).contains("Ruth"));
    }
    assert_eq!(app(&world, BOB).kept_from_person(plan_of(&log)).expect("it is there"), 0);
    let history = app(&world, BOB).history(plan_of(&log)).expect("it has one");
    assert!(
        history
            .iter()
            .any(|row| row.what.ends_with("no longer kept from the person; the shared plan says what holds"))
    );
    let rows = app(&world, BOB).field_history(plan_of(&log), "prognosis.estimate").expect("it has one");
    let kept: Vec<Option<&str>> = rows.iter().map(|row| row.kept_in).collect();
    assert!(kept.contains(&None) && kept.contains(&Some("professional")), "{kept:?}");
    assert!(
        app(&world, PAT).history(plan_of(&log)).expect("it has one").iter().all(|row| row.kept_in.is_none())
    );
    world.settle_and_check();
}

#[test]
fn a_shared_decision_replaces_one_that_is_kept_from_the_person_only_when_its_author_says_so() {
    let (mut world, log) = morning();
    assert!(confide(&mut world, ALICE, log, Section::Cpr, &[("cpr.decision", "not-recommended")]));
    meet(&mut world);
    let fields = BTreeMap::from([("cpr.decision".to_owned(), answer("cpr.decision", "recommended"))]);
    let error =
        app(&world, BOB).draft(plan_of(&log)).expect("it is there").decide(Section::Cpr, &fields, false);
    assert!(error.expect_err("one is kept from the person").to_string().contains("kept from the person"));
    world.set_online(BOB, false);
    assert!(confide(&mut world, ALICE, log, Section::Cpr, &[("cpr.decision", "not-recommended")]));
    assert!(world.edit(BOB, log, |draft| draft.decide(Section::Cpr, &fields, true)));
    world.set_online(BOB, true);
    meet(&mut world);
    for seat in [ALICE, BOB] {
        let view = app(&world, seat).plan(plan_of(&log)).expect("the plan is there");
        let cpr = view.section(Section::Cpr);
        assert!(cpr.in_conflict && cpr.decisions.len() == 2, "hers was not known to him");
        let plans = app(&world, seat).plans(None, 10).expect("there are plans").rows;
        assert!(plans.iter().any(|row| row.in_conflict), "and the list says so");
    }
    let view = app(&world, PAT).plan(plan_of(&log)).expect("the plan is there");
    assert_eq!(view.section(Section::Cpr).decisions.len(), 1);
    assert!(world.edit(ALICE, log, |draft| draft.decide(Section::Cpr, &fields, true)));
    meet(&mut world);
    let view = app(&world, BOB).plan(plan_of(&log)).expect("the plan is there");
    assert_eq!(view.section(Section::Cpr).decisions.len(), 1, "one that had seen both");
    world.settle_and_check();
}

#[test]
fn whom_the_person_is_not_to_see_is_not_written_where_their_device_holds_it() {
    let (mut world, log) = morning();
    let flag = format!("{CONTACT}/show_to_person");
    let write = |app: &App, said: &str| {
        let mut draft = app.draft(plan_of(&log))?;
        draft.set(&flag, &answer(&format!("{CONTACT}/show_to_person"), said))?;
        draft.commit().map(drop)
    };
    let error = write(app(&world, ALICE), "no").expect_err("their device would hold it").to_string();
    assert!(error.contains("professional part"), "{error}");
    assert!(world.save(ALICE, |app| write(app, "yes").map(|()| None)));
    world.settle_and_check();
}

#[test]
fn an_approval_signs_what_is_kept_from_the_person_with_the_rest_and_crews_see_it() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    assert!(confide(&mut world, ALICE, log, Section::Cpr, &[("cpr.decision", "not-recommended")]));
    meet(&mut world);
    let seen = app(&world, BOB).plan(plan).expect("it is there").version;
    assert!(confide(&mut world, ALICE, log, Section::Prognosis, &[("prognosis.estimate", "last-weeks")]));
    meet(&mut world);
    let approve = |app: &App, seen: &str| app.approve(plan, &[], seen, None).map(|saved| Some(saved.entries));
    let changed = approve(app(&world, BOB), &seen);
    let changed = changed.expect_err("more is kept from the person since").to_string();
    assert!(changed.contains("changed since"), "{changed}");
    let seen = app(&world, BOB).plan(plan).expect("it is there").version;
    assert!(world.save(BOB, |app| approve(app, &seen)));
    meet(&mut world);
    let view = app(&world, ALICE).plan_for_urgent_care(plan).expect("it is there");
    assert!(view.section(Section::Cpr).decisions[0].approved);
    assert_eq!(view.section(Section::Prognosis).review.state, "approved");
    assert_eq!(view.control.status, "approved");
    assert!(world.edit(ALICE, log, |draft| draft.disclose(Section::Cpr, &BTreeMap::new())));
    meet(&mut world);
    let view = app(&world, BOB).plan_for_urgent_care(plan).expect("it is there");
    let cpr = view.section(Section::Cpr);
    assert_eq!(cpr.decisions.iter().map(|decision| decision.current).collect::<Vec<_>>(), [false, true]);
    assert_eq!(cpr.review.state, "changed", "the one that was approved, and the shared one that came of it");
    let seen = view.version;
    assert!(world.save(BOB, |app| approve(app, &seen)));
    let view = app(&world, BOB).plan_for_urgent_care(plan).expect("it is there");
    let [cpr] = view.section(Section::Cpr).decisions.as_slice() else { panic!("one decision stands") };
    assert!(cpr.approved && cpr.current && cpr.kept_in.is_none());
    assert_eq!(view.control.status, "approved");
    world.settle_and_check();
}

#[test]
fn what_is_held_among_professionals_is_listed_and_decided_on_where_it_stands() {
    let (mut world, log) = morning();
    let plan = plan_of(&log);
    world.share(ALICE, 0);
    assert!(confide(&mut world, ALICE, log, Section::Cpr, &[("cpr.decision", "not-recommended")]));
    meet(&mut world);
    let content = bedside_core::plan::check::encode_decision(&BTreeMap::from([(
        "cpr.decision".to_owned(),
        answer("cpr.decision", "recommended"),
    )]));
    let kept = world.truth.beside.iter().find(|(_, place)| **place == (log, Compartment::Professional));
    let kept = *kept.expect("it is a log of its own").0;
    let decision =
        Decision { section: Section::Cpr.number(), supersedes: Vec::new(), content, endorses: None };
    let entry =
        world.seats[CARER].device.decide_regardless(kept, decision).expect("altered software writes it");
    world.truth.forged.insert((kept, entry));
    world.look(CARER);
    meet(&mut world);
    let rows = app(&world, BOB).held(plan).expect("it can be listed");
    let [row] = rows.as_slice() else { panic!("one entry is held: {rows:?}") };
    assert_eq!((row.kept_in, row.entry.as_str()), (Some("professional"), entry.to_string().as_str()));
    assert_eq!(app(&world, BOB).plan(plan).expect("it is there").held, 1);
    assert!(app(&world, PAT).held(plan).expect("it can be listed").is_empty());
    let declined =
        world.save(BOB, |app| Ok(Some(app.review_held(plan, entry, false, "not hers to decide")?.entries)));
    assert!(declined);
    meet(&mut world);
    assert_eq!(app(&world, ALICE).held(plan).expect("it can be listed")[0].state.ruling, "declined");
    assert_eq!(app(&world, ALICE).plan(plan).expect("it is there").held, 0);
    world.settle_and_check();
}

#[test]
fn ones_own_last_change_is_taken_back_where_it_was_kept() {
    let (mut world, log) = morning();
    assert!(world.edit(ALICE, log, |draft| {
        draft.keep_in(Compartment::Professional)?;
        draft.set("communication.mode", &words("not before her son"))
    }));
    assert!(json(&world, ALICE, &log).contains("not before her son"));
    assert!(world.save(ALICE, |app| Ok(Some(app.undo(plan_of(&log))?.entries))));
    assert!(!json(&world, ALICE, &log).contains("not before her son"));
    world.settle_and_check();
}

#[test]
fn a_decision_that_is_kept_from_the_person_is_endorsed_where_it_is_kept() {
    let (mut world, log) = morning();
    assert!(confide(&mut world, BOB, log, Section::Cpr, &[("cpr.decision", "not-recommended")]));
    meet(&mut world);
    assert!(world.edit(ALICE, log, |draft| draft.endorse(Section::Cpr)));
    meet(&mut world);
    let view = app(&world, BOB).plan(plan_of(&log)).expect("the plan is there");
    let [cpr] = view.section(Section::Cpr).decisions.as_slice() else { panic!("one decision stands") };
    assert!(cpr.endorsed && cpr.kept_in == Some("professional"));
    assert!(!json(&world, PAT, &log).contains("450476008"), "the person reads neither");
    world.settle_and_check();
}
