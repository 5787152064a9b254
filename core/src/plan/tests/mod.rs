//! Views and their text, told as stories.

mod alerts;
mod answers;
mod json;
mod kept;
mod languages;
mod pages;

use std::collections::BTreeMap;

use bedside_protocol::entry::{Compartment, Outcome, Scope};
use bedside_protocol::ids::Timestamp;
use bedside_protocol::statement::Role;
use expect_test::{Expect, expect};

use super::check::read_answer;
use super::leaf::{Answer, Leaf, Source};
use super::locale::Locale;
use super::page::{Audience, Page};
use super::schema::{Section, TEXTS, field};
use super::summary::summary;
use super::view::*;
use super::withheld::{locked, reveal};
use crate::crdt::{Actor, ChangeHash, Edit, inspect};
use crate::testing::pages::{Told, days_ago, margaret};

fn check(plan: &Told, expected: &Expect) {
    let text = render_text(&plan.view());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "wider than 80 columns:\n{text}");
    expected.assert_eq(&text);
}

fn render_text(view: &PlanView) -> String {
    Page::of(view, Audience::CareTeam).text()
}

#[test]
fn a_plan_with_nothing_in_it_says_so_and_never_says_no() {
    let mut plan = Told::new();
    plan.last_contact = None;
    check(
        &plan,
        &expect![[r#"
        FAMILY NAME NOT RECORDED, given name not recorded; date of birth not recorded;
          gender not recorded; NHS No. not recorded
        ! Never compared with the relay: only what this device holds
        ! Draft. Nobody has approved this plan

        RESUSCITATION (CPR)
          ! CPR: not recorded. Until a decision is recorded, CPR is started

        ESCALATION OF TREATMENT
          Focus of care: Not recorded

        PREFERRED PLACES
          Place of death, first: Not recorded

        ALLERGIES AND MEDICINES
          Allergies: Not recorded

        TO BE CHECKED
          ! CPR not documented
             -> Until it is, CPR is started; talk about it and record the decision
          ! No preferred place of death recorded
             -> Ask, and record the answer, or that it was declined

        PLAN
          Status: Draft
          Created: 13-Oct-2026
          Planned review: 13-Jan-2027

        NOTHING RECORDED
          Nothing is recorded under: Identity; GP and care team; Contacts;
            Communication, adjustments, disability; Home and access; What matters to me;
            Diagnoses; Prognosis; Function; Symptoms and what to do; Legal documents;
            Capacity; Alerts; Attachments (copies, check original); After death

        This is a copy made on 22-Nov-2026 09:14. A device may have something newer
    "#]],
    );
}

#[test]
fn a_full_plan_is_read_in_the_order_of_a_crews_questions() {
    let mut plan = margaret();
    plan.last_contact = Some(days_ago(1));
    plan.edit(
        "Jo Nurse",
        Role::Nurse,
        10,
        Source::Person,
        &[
            ("preferences.place_of_death_1", "home"),
            ("preferences.place_of_death_2", "DECLINED"),
            ("wishes.about_me", "I was a midwife for forty years.\nI like the window open."),
            ("wishes.spiritual.answer", "NONE"),
            ("contact/00000000000000aa/name", "Daniel Okafor"),
            ("contact/00000000000000aa/relationship", "Son"),
            ("contact/00000000000000aa/phone_1", "07700 900123"),
            ("allergies.status", "none-known"),
            ("medicine/00000000000000bb/name", "morphine sulfate"),
            ("medicine/00000000000000bb/brand", "Oramorph"),
            ("medicine/00000000000000bb/strength", "10 mg/5 ml"),
            ("medicine/00000000000000bb/form", "oral solution"),
            ("medicine/00000000000000bb/dose", "5 mg"),
            ("medicine/00000000000000bb/route", "oral"),
            ("medicine/00000000000000bb/frequency", "every 4 hours when needed"),
            ("medicine/00000000000000bb/high_risk", "opioid"),
            ("medicine/00000000000000aa/name", "amlodipine"),
            ("medicine/00000000000000aa/stopped", "2026-10"),
            ("home.key_safe", "C1066Z"),
            ("alert/00000000000000aa/kind", "oxygen"),
        ],
    );
    plan.decide(
        Section::Cpr,
        "Dr Amy Bell",
        12,
        Some("Dr Carl Dent"),
        &[
            ("cpr.decision", "not-recommended"),
            (
                "cpr.reason",
                "Would not restart the heart; agreed with Margaret and her son at home after a long talk",
            ),
            ("cpr.review_date", "2026-11-20"),
        ],
    );
    plan.decide(
        Section::Escalation,
        "Dr Amy Bell",
        12,
        None,
        &[
            ("escalation.focus", "comfort"),
            ("escalation.hospital", "conditional: only for a broken bone"),
            ("escalation.icu", "not-recommended"),
        ],
    );
    plan.decide(
        Section::Legal,
        "Dr Amy Bell",
        12,
        None,
        &[
            ("document/00000000000000aa/kind", "advance-statement"),
            ("document/00000000000000bb/kind", "adrt"),
        ],
    );
    let by = plan.by("Jo Nurse", Role::Nurse, 10);
    plan.consents.push(StandingConsent {
        entry: by.entry,
        scope: Scope::Share,
        outcome: Outcome::Given,
        note: "said so herself".into(),
        grounds: None,
        by,
    });
    check(
        &plan,
        &expect![[r#"
        OKAFOR, Margaret Rose (Mrs); born 01-Jan-1940 (86y); Female;
          NHS No. 943 476 5919
        - As of 21-Nov-2026 09:14, not checked since
        ! Draft. Nobody has approved this plan

        RESUSCITATION (CPR)
          >> CPR not recommended
          Reason: Would not restart the heart; agreed with Margaret and her son at home
            after a long talk
          Review on: 20-Nov-2026
          Recorded by Dr Amy Bell (doctor, Meadow Hospice), 10-Nov-2026
          Endorsed by Dr Carl Dent (doctor, Meadow Hospice), 11-Nov-2026

        ESCALATION OF TREATMENT
          Focus of care: Prioritise comfort
          Transfer to hospital: Conditional: only for a broken bone
          Intensive care: Not recommended
          Recorded by Dr Amy Bell (doctor, Meadow Hospice), 10-Nov-2026
          Not endorsed

        LEGAL DOCUMENTS
          * Document: Advance decision to refuse treatment
          * Document: Advance statement
          Recorded by Dr Amy Bell (doctor, Meadow Hospice), 10-Nov-2026

        PREFERRED PLACES
          Place of death, first: Home
          Place of death, second: Declined to talk about this
          (All of this: heard from the person; Jo Nurse, nurse, 12-Nov-2026)

        WHAT MATTERS TO ME
          About me: I was a midwife for forty years.
            I like the window open. (Jo Nurse, nurse, 12-Nov-2026)
          Spiritual and cultural needs: Asked: there is none (heard from the person; Jo
            Nurse, nurse, 12-Nov-2026)

        CONTACTS
          * Daniel Okafor
            Relationship: Son
            Phone, first: 07700 900123
            (All of this: heard from the person; Jo Nurse, nurse, 12-Nov-2026)

        ALERTS
          * Alert: Oxygen in use
            (Recorded by Jo Nurse (nurse, Meadow Hospice), 12-Nov-2026)

        ALLERGIES AND MEDICINES
          Allergies: No known allergies (heard from the person; Jo Nurse, nurse,
            12-Nov-2026)
          * morphine sulfate - ORAMORPH - 10 mg/5 ml - oral solution - DOSE 5 mg - oral
            - every 4 hours when needed
            High risk: Opioid
            (All of this: heard from the person; Jo Nurse, nurse, 12-Nov-2026)
          * (ended) amlodipine - dose not recorded
            Stopped: Oct-2026
            (All of this: heard from the person; Jo Nurse, nurse, 12-Nov-2026)

        TO BE CHECKED
          ! The CPR decision is not recorded as discussed with the person
             -> Talk about it, or record why that was not possible
          ! Whether the person had capacity for the CPR decision is not recorded
             -> Assess capacity for this decision and record it
          ! The CPR decision was due for review on 20-Nov-2026
             -> Review the decision; it stands until it is replaced
          - The advance decision has no date, so whether the person was 18 cannot be
            told
             -> Record the day it was made
          - Whether the person had capacity when they made the advance decision is not
            recorded
             -> Look at the original before you rely on it, and ask whoever holds it

        PLAN
          Status: Draft
          Created: 13-Oct-2026
          Planned review: 13-Jan-2027

        IDENTITY
          Family name: Okafor
          Given names: Margaret Rose
          Title: Mrs
          Born: 01-Jan-1940
          Gender: Female
          NHS number: 943 476 5919
          Address: 1 Trevelyan Square, Boar Lane, Leeds
          Postcode: LS1 6AE
          (All of this: from a record; Ada Import, nurse, 23-Oct-2026)

        HOME AND ACCESS
          Key-safe code: Recorded; revealing it is recorded too (heard from the person;
            Jo Nurse, nurse, 12-Nov-2026)

        CONSENT
          * Consent to share this plan: given: said so herself
            (Recorded by Jo Nurse (nurse, Meadow Hospice), 12-Nov-2026)

        NOTHING RECORDED
          Nothing is recorded under: GP and care team; Communication, adjustments,
            disability; Diagnoses; Prognosis; Function; Symptoms and what to do;
            Capacity; Attachments (copies, check original); After death

        This is a copy made on 22-Nov-2026 09:14. A device may have something newer
    "#]],
    );
}

#[test]
fn two_doctors_offline_decide_cpr_differently_and_neither_is_lost() {
    let mut plan = margaret();
    plan.decide(
        Section::Cpr,
        "Dr Amy Bell",
        12,
        Some("Dr Carl Dent"),
        &[("cpr.decision", "not-recommended")],
    );
    plan.decide(Section::Cpr, "Dr Bo Lin", 11, None, &[("cpr.decision", "recommended")]);
    check(
        &plan,
        &expect![[r#"
        OKAFOR, Margaret Rose (Mrs); born 01-Jan-1940 (86y); Female;
          NHS No. 943 476 5919
        - As of 22-Nov-2026 09:14
        ! Draft. Nobody has approved this plan

        LOOK AT FIRST
          !! DANGER: IN CONFLICT: Resuscitation (CPR): 2 decisions stand; see both
             -> A clinician looks at all of them and records one that replaces them

        RESUSCITATION (CPR)
          !! DANGER: IN CONFLICT: 2 decisions stand. A clinician must decide
          Decision 1
            >> CPR not recommended
            Recorded by Dr Amy Bell (doctor, Meadow Hospice), 10-Nov-2026
            Endorsed by Dr Carl Dent (doctor, Meadow Hospice), 11-Nov-2026
          Decision 2
            >> CPR recommended
            Recorded by Dr Bo Lin (doctor, Meadow Hospice), 11-Nov-2026
            Not endorsed

        ESCALATION OF TREATMENT
          Focus of care: Not recorded

        PREFERRED PLACES
          Place of death, first: Not recorded

        ALLERGIES AND MEDICINES
          Allergies: Not recorded

        TO BE CHECKED
          ! The CPR decision is not recorded as discussed with the person
             -> Talk about it, or record why that was not possible
          ! The CPR decision has not been endorsed by a senior clinician
             -> Ask the senior responsible clinician to endorse it
          ! Whether the person had capacity for the CPR decision is not recorded
             -> Assess capacity for this decision and record it
          ! No preferred place of death recorded
             -> Ask, and record the answer, or that it was declined

        PLAN
          Status: Draft
          Created: 13-Oct-2026
          Planned review: 13-Jan-2027

        IDENTITY
          Family name: Okafor
          Given names: Margaret Rose
          Title: Mrs
          Born: 01-Jan-1940
          Gender: Female
          NHS number: 943 476 5919
          Address: 1 Trevelyan Square, Boar Lane, Leeds
          Postcode: LS1 6AE
          (All of this: from a record; Ada Import, nurse, 23-Oct-2026)

        NOTHING RECORDED
          Nothing is recorded under: GP and care team; Contacts; Communication,
            adjustments, disability; Home and access; What matters to me; Diagnoses;
            Prognosis; Function; Symptoms and what to do; Legal documents; Capacity;
            Alerts; Attachments (copies, check original); After death

        This is a copy made on 22-Nov-2026 09:14. A device may have something newer
    "#]],
    );
    let summary = summary(&plan.view());
    assert!(summary.in_conflict);
    expect!["CPR IN CONFLICT: CPR not recommended / CPR recommended"]
        .assert_eq(&summary.first.say(Locale::british_english()));
}

#[test]
fn answers_given_apart_stand_beside_each_other_and_texts_merge() {
    let mut plan = margaret();
    plan.apart(
        (
            "Jo Nurse",
            Role::Nurse,
            &[("preferences.place_of_death_1", "home"), ("wishes.most_fear", "Falling.")],
        ),
        (
            "Daniel",
            Role::Proxy,
            &[("preferences.place_of_death_1", "hospice"), ("wishes.most_fear", "Pain. ")],
        ),
    );
    let view = plan.view();
    let death = &view.section(Section::Preferences).field("preferences.place_of_death_1").unwrap().values;
    let mut shown: Vec<String> =
        death.iter().map(|v| format!("{} {}", v.text, v.by.as_ref().unwrap().author)).collect();
    shown.sort();
    assert_eq!(shown, ["Home Jo Nurse", "Hospice Daniel"]);
    let fear = &view.section(Section::WhatMatters).field("wishes.most_fear").unwrap().values;
    assert_eq!(fear.len(), 1);
    assert!(fear[0].text.contains("Falling.") && fear[0].text.contains("Pain."));
    assert_eq!(
        (fear[0].by.as_ref().unwrap().author.as_str(), fear[0].with.join(", ")),
        ("Daniel", "Jo Nurse".into())
    );
    assert!(render_text(&view).contains("Place of death, first: MORE THAN ONE ANSWER"));
}

#[test]
fn a_correction_stands_beside_the_record_and_raises_an_alert() {
    let mut plan = margaret();
    plan.edit("Jo Nurse", Role::Nurse, 1, Source::Person, &[("identity.family.correction", "Okafor-Reed")]);
    let view = plan.view();
    assert_eq!(view.banner.family.as_deref(), Some("OKAFOR"));
    let values = &view.section(Section::Identity).field("identity.family").unwrap().values;
    let said: Vec<(&str, bool)> = values.iter().map(|v| (v.text.as_str(), v.correction)).collect();
    assert_eq!(said, [("Okafor", false), ("Okafor-Reed", true)]);
    assert!(view.alerts.iter().any(|alert| alert.kind == "identity-differs"));
}

#[test]
fn of_two_imports_made_apart_the_newer_stands() {
    let mut plan = margaret();
    let (mut left, mut right) = (plan.document.clone(), plan.document.clone());
    let old = plan.by("Ada", Role::Nurse, 5);
    plan.edit_in(&mut left, old, Source::Record, &[("identity.postcode", "LS1 1AA")]);
    let new = plan.by("Bea", Role::Nurse, 4);
    let change = plan.edit_in(&mut right, new, Source::Record, &[("identity.postcode", "LS2 2BB")]);
    left.apply(&[&change]).unwrap();
    plan.document = left;
    let view = plan.view();
    let values = &view.section(Section::Identity).field("identity.postcode").unwrap().values;
    assert_eq!(values.iter().map(|v| v.text.as_str()).collect::<Vec<_>>(), ["LS2 2BB"]);
}

#[test]
fn a_death_is_the_first_alert_and_stands_in_the_banner() {
    let mut plan = margaret();
    plan.edit("Ada", Role::Nurse, 2, Source::Record, &[("identity.death_notice", "2026-11-19")]);
    let view = plan.view();
    assert_eq!(view.alerts[0].kind, "death-notice");
    assert!(view.banner.parts.iter().any(|part| part == "DEATH REPORTED 19-Nov-2026"));
    plan.decide(
        Section::AfterDeath,
        "Dr Amy Bell",
        1,
        None,
        &[("death.date", "2026-11-19"), ("death.place", "home")],
    );
    let view = plan.view();
    assert_eq!((view.alerts[0].kind, view.banner.died.as_deref()), ("deceased", Some("19-Nov-2026")));
    assert_eq!(view.banner.age_years, Some(86));
}

#[test]
fn declining_to_say_where_to_die_is_an_answer_and_a_blank_is_an_alert() {
    let alert = |plan: &Told| plan.view().alerts.iter().any(|alert| alert.kind == "no-place-of-death");
    let mut plan = margaret();
    assert!(alert(&plan));
    plan.edit("Jo", Role::Nurse, 1, Source::Person, &[("preferences.place_of_death_1", "DECLINED")]);
    assert!(!alert(&plan));
}

#[test]
fn a_key_safe_code_is_shown_only_when_it_is_revealed() {
    let mut plan = margaret();
    plan.edit("Jo", Role::Nurse, 1, Source::Person, &[("home.key_safe", "C1066Z")]);
    let json = serde_json::to_string(&plan.view()).unwrap();
    assert!(!json.contains("C1066Z") && json.contains("withheld"));
    let provenance = |hash: &ChangeHash| plan.authors.get(hash).cloned();
    let material = Material { restricted: Some(&plan.document), ..plan.material(&provenance) };
    let json = serde_json::to_string(&view(&material)).unwrap();
    assert!(!json.contains("C1066Z") && json.contains("withheld"));
    let revealed = reveal(&material, "home.key_safe");
    assert!(revealed.len() == 1 && revealed[0].text == "C1066Z");
}

#[test]
fn what_this_version_cannot_place_is_counted_and_never_taken_for_a_decision() {
    let mut plan = margaret();
    let leaf = Leaf::new(Answer::text("recommended").unwrap(), Source::Person).to_bytes();
    let put = |key: &str| Edit::Put { key: key.into(), value: leaf.clone() };
    plan.document
        .edit(&Actor::new([9; 16]), Timestamp(0), &[put("cpr.decision"), put("wishes.tune")])
        .unwrap();
    let view = plan.view();
    assert_eq!(view.unreadable, 2);
    assert!(view.section(Section::Cpr).is_empty());
    assert_eq!(summary(&view).first.say(Locale::british_english()), "CPR not documented");
}

#[test]
fn a_damaged_answer_is_shown_as_damaged() {
    let mut plan = margaret();
    let put = Edit::Put { key: "preferences.place_of_care_1".into(), value: vec![0xff] };
    plan.document.edit(&Actor::new([9; 16]), Timestamp(0), &[put]).unwrap();
    assert!(
        render_text(&plan.view()).contains("Place of care, first: Recorded, but damaged; ask who wrote it")
    );
}

#[test]
fn a_drug_name_is_never_cut() {
    let mut plan = margaret();
    let name = format!("long{}", "name".repeat(30));
    plan.edit("Jo", Role::Nurse, 1, Source::Record, &[("medicine/00000000000000aa/name", &name)]);
    assert!(render_text(&plan.view()).lines().any(|line| line.contains(&name)));
}
