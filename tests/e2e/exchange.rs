//! Plans that leave as files, and come back.

use std::collections::BTreeMap;

use bedside_core::api::{Answer, App, Audience, ExportFormat, Leaf, Page, PlanId, PlanView, Section, Source};
use bedside_core::plan::check::read_answer;
use bedside_core::plan::schema;

use crate::world::*;

fn leaf(key: &str, said: &str) -> Leaf {
    Leaf::new(read_answer(schema::field(key).unwrap().0, said).unwrap(), Source::Person)
}

/// A plan with words, an unanswered question, an allergy, a stopped medicine and a decision.
fn filled(app: &App, doctor: &App, plan: PlanId) {
    let mut draft = app.draft(plan).unwrap();
    draft.set_text("wishes.about_me", "I taught music.\nCall me Jo.").unwrap();
    draft.set("preferences.place_of_death_1", &leaf("preferences.place_of_death_1", "home")).unwrap();
    draft.set("preferences.place_of_death_2", &Leaf::new(Answer::Declined, Source::Person)).unwrap();
    for (key, said) in [
        ("allergy/00000000000000aa/substance", "penicillin"),
        ("medicine/00000000000000bb/name", "warfarin"),
        ("medicine/00000000000000bb/stopped", "2026-10-01"),
    ] {
        draft.set(key, &leaf(key, said)).unwrap();
    }
    draft.commit().unwrap();
    let mut draft = doctor.draft(plan).unwrap();
    let said = ["cpr.decision", "cpr.reason"].into_iter().zip(["not-recommended", "would not work"]);
    let fields: BTreeMap<String, Leaf> = said.map(|(key, said)| (key.to_owned(), leaf(key, said))).collect();
    draft.decide(Section::Cpr, &fields, false).unwrap();
    draft.commit().unwrap();
}

fn words(view: &PlanView, section: Section, key: &str) -> Option<String> {
    view.section(section).field(key).map(|field| field.values[0].text.clone())
}

#[test]
fn a_plan_goes_to_another_network_as_a_file_and_no_decision_goes_silently() {
    let (_there, nurse, doctor, plan) = World::with_plan();
    filled(&nurse, &doctor, plan);
    converge(&[&nurse, &doctor]);
    let file = nurse.export(plan, ExportFormat::Fhir, false).unwrap();
    let (_here, colleague) = World::with_nurse();
    let plan = colleague.start_plan(jane()).unwrap().plan;
    let import = colleague.read_import(plan, file.as_bytes()).unwrap();
    let before = colleague.page(plan, None).unwrap().text();
    assert!(!before.contains("I taught music"), "reading writes nothing");
    let proposed: Vec<&str> = import.proposals.iter().map(|proposal| proposal.section).collect();
    assert_eq!(proposed, ["cpr", "medicines"], "a decision, and a medicine that a clinician stopped");
    assert!(import.proposals[0].by.as_ref().unwrap().starts_with("Ben Ode (doctor)"));

    colleague.take_import(plan, &import, false).unwrap();
    let view = colleague.plan(plan).unwrap();
    assert_eq!(
        words(&view, Section::WhatMatters, "wishes.about_me").as_deref(),
        Some("I taught music.\nCall me Jo.")
    );
    assert_eq!(
        words(&view, Section::Preferences, "preferences.place_of_death_2").as_deref(),
        Some("Declined to talk about this")
    );
    assert!(view.section(Section::Cpr).is_empty(), "nobody here has decided");
    assert!(!Page::of(&view, Audience::CareTeam).text().contains("warfarin"));
    let again = colleague.read_import(plan, file.as_bytes()).unwrap();
    assert!(again.edits.is_empty(), "what is here already is not written again");
    assert_eq!(again.proposals.len(), 2);
}

#[test]
fn what_is_recorded_here_stands_unless_somebody_says_replace() {
    let (_there, nurse, doctor, plan) = World::with_plan();
    filled(&nurse, &doctor, plan);
    let file = nurse.export(plan, ExportFormat::Fhir, false).unwrap();
    let (_here, colleague) = World::with_nurse();
    let plan = colleague.start_plan(jane()).unwrap().plan;
    let key = "preferences.place_of_death_1";
    let mut draft = colleague.draft(plan).unwrap();
    draft.set(key, &leaf(key, "hospice")).unwrap();
    draft.commit().unwrap();
    let import = colleague.read_import(plan, file.as_bytes()).unwrap();
    let said = |app: &App| words(&app.plan(plan).unwrap(), Section::Preferences, key);
    colleague.take_import(plan, &import, false).unwrap();
    assert_eq!(said(&colleague).as_deref(), Some("Hospice"));
    colleague.take_import(plan, &import, true).unwrap();
    assert_eq!(said(&colleague).as_deref(), Some("Home"));
}

#[test]
fn a_file_that_is_wrong_or_another_persons_changes_nothing() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    filled(&nurse, &doctor, plan);
    let another = nurse.start_plan(plan_for("9000000033")).unwrap().plan;
    let (before, entries) = (nurse.plan(another).unwrap(), nurse.history(another).unwrap().len());
    let file = nurse.export(plan, ExportFormat::Fhir, false).unwrap();
    let refused = |bytes: &[u8]| nurse.read_import(another, bytes).err().unwrap().to_string();
    assert!(refused(file.as_bytes()).contains("another person's plan"));
    assert!(refused(&file.as_bytes()[..file.len() / 2]).contains("not JSON"));
    assert!(refused(b"{\"resourceType\":\"Medication\"}").contains("Medication, not a plan"));
    assert!(refused(file.replace("9000000009", "9000000008").as_bytes()).contains("not a valid NHS number"));
    assert!(nurse.plan(another).unwrap().sections == before.sections);
    assert_eq!(nurse.history(another).unwrap().len(), entries);
}

#[test]
fn every_format_says_who_it_is_about_and_what_was_decided() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    filled(&nurse, &doctor, plan);
    converge(&[&nurse, &doctor]);
    for format in [ExportFormat::Fhir, ExportFormat::Csv, ExportFormat::Text, ExportFormat::Json] {
        let text = nurse.export(plan, format, false).unwrap();
        assert!(text.contains("CPR not recommended") && text.contains("penicillin"), "{format:?}");
        assert!(text.contains("900 000 0009") || text.contains("9000000009"), "{format:?}");
    }
    let fhir = nurse.export(plan, ExportFormat::Fhir, false).unwrap();
    assert!(fhir.contains("\"role\": \"source\""), "each entry names the consent it rests on");
}

#[test]
fn a_page_is_made_for_whoever_reads_it_and_a_print_is_on_record() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    filled(&nurse, &doctor, plan);
    converge(&[&nurse, &doctor]);
    assert_eq!(nurse.page(plan, None).unwrap().audience, Audience::CareTeam);
    let crew = nurse.page(plan, Some(Audience::Urgent)).unwrap();
    assert_eq!(crew.kind, "urgent");
    assert!(crew.text().contains("CPR not recommended"), "less treatment does not wait for an approval");
    let printed =
        |app: &App| app.access_record(plan).unwrap().iter().filter(|row| row.act == "print").count();
    assert_eq!(printed(&nurse), 0);
    let html = nurse.print(plan, Some(Audience::Summary), false).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("NHS No. 900 000 0009"));
    assert_eq!(printed(&nurse), 1);
}
