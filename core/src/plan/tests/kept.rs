//! What professionals keep among themselves: beside what is shared, marked, and gone from all that is made for the person.

use proptest::prelude::*;

use super::super::csv::render_csv;
use super::super::for_person::for_person;
use super::super::kept::count;
use super::super::locale::Locale;
use super::super::schema::{Class, FIELDS, Field, Kind};
use super::*;
use crate::fhir;
use crate::plan::approval::urgent;

const ITEM: &str = "00000000000000aa";

/// Prognosis and a contact that Margaret is not to see, and a CPR decision that nobody has talked about with her.
fn margaret_in_confidence() -> Told {
    let mut plan = margaret();
    plan.edit("Jo Nurse", Role::Nurse, 9, Source::Person, &[("wishes.about_me", "I was a midwife.")]);
    let contact = |name: &str| format!("contact/{ITEM}/{name}");
    plan.keep(
        "Jo Nurse",
        Role::Nurse,
        8,
        &[
            (&contact("name"), "Ruth Okafor"),
            (&contact("show_to_person"), "no"),
            ("wishes.about_me", "Her daughter says that she drank."),
        ],
    );
    plan.keep_decision(Section::Prognosis, "Dr Amy Bell", 7, &[("prognosis.estimate", "last-weeks")]);
    plan.decide(Section::Cpr, "Dr Amy Bell", 6, Some("Dr Carl Dent"), &[("cpr.decision", "recommended")]);
    plan.keep_decision(Section::Cpr, "Dr Amy Bell", 5, &[("cpr.decision", "not-recommended")]);
    plan
}

#[test]
fn what_is_kept_from_the_person_stands_beside_what_is_shared_and_says_so() {
    let plan = margaret_in_confidence();
    let view = plan.view();
    let about = view.section(Section::WhatMatters).field("wishes.about_me").unwrap();
    let marks: Vec<Option<&str>> = about.values.iter().map(|value| value.kept_in).collect();
    assert_eq!(marks, [None, Some("professional")], "the shared answer first, neither merged into the other");
    let contact = &view.section(Section::Contacts).lists[0].items[0];
    assert_eq!(contact.kept_in, Some("professional"));
    assert_eq!(view.section(Section::Prognosis).decisions[0].kept_in, Some("professional"));
    let cpr = view.section(Section::Cpr);
    assert!(cpr.in_conflict && cpr.decisions.len() == 2, "neither names the other");
    assert_eq!(count(&view), 3 + 2);
    let text = Page::of(&plan.shown(urgent), Audience::Urgent).text();
    assert!(text.contains("[KEPT FROM THE PERSON] Ruth Okafor"), "{text}");
    assert!(text.contains("! KEPT FROM THE PERSON: their own copy does not have it"), "{text}");
    assert!(summary(&view).first.say(Locale::british_english()).starts_with("CPR IN CONFLICT"));
}

#[test]
fn a_page_for_the_person_made_by_whoever_holds_more_is_the_page_of_what_they_hold() {
    let plan = margaret_in_confidence();
    let mut shared = margaret_in_confidence();
    shared.professional = margaret().professional;
    shared.decisions.retain(|decision| decision.kept_in == Compartment::Shared);
    let page = |plan: &Told| Page::of(&plan.view(), Audience::Person);
    assert_eq!(page(&plan).text(), page(&shared).text());
    assert!(page(&plan).html() == page(&shared).html());
}

fn may_be_kept(field: &Field) -> bool {
    field.class != Class::A
        && field.may_be_in(Compartment::Professional)
        && field.section != Section::AfterDeath
        && field.key != "identity.nhs_number"
        && matches!(field.kind, Kind::Text | Kind::Line | Kind::One(_))
}

/// Fields of a plan, each with words that stand nowhere else: shared, or kept among professionals.
fn told(choices: &[(usize, bool)]) -> (Told, Vec<String>, Vec<String>) {
    let fields: Vec<&Field> = FIELDS.iter().filter(|field| may_be_kept(field)).collect();
    let mut plan = margaret();
    let (mut shared, mut kept) = (Vec::new(), Vec::new());
    for (number, (choice, is_kept)) in choices.iter().enumerate() {
        let field = fields[choice % fields.len()];
        let words = format!("word{number}of{}", if *is_kept { "confidence" } else { "all" });
        let (key, said) = (field.key_for(ITEM), words.clone());
        let said = [(key.as_str(), said.as_str())];
        // A decision on resuscitation says whether; one alone says it here.
        let decision: Vec<(&str, &str)> = match field.section {
            Section::Cpr if field.key != "cpr.decision" => {
                [("cpr.decision", "recommended")].into_iter().chain(said).collect()
            }
            _ => said.to_vec(),
        };
        match (field.section.is_decision(), is_kept) {
            (true, true) => plan.keep_decision(field.section, "Dr Amy Bell", 3, &decision),
            (true, false) => plan.decide(field.section, "Dr Amy Bell", 4, None, &decision),
            (false, true) => plan.keep("Jo Nurse", Role::Nurse, 3, &said),
            (false, false) => plan.edit("Jo Nurse", Role::Nurse, 4, Source::Person, &said),
        }
        // A text is its last words.
        let list = if *is_kept { &mut kept } else { &mut shared };
        list.retain(|(of, _): &(String, String)| *of != key || field.section.is_decision());
        list.push((key, words));
    }
    let words = |list: Vec<(String, String)>| list.into_iter().map(|(_, words)| words).collect();
    (plan, words(shared), words(kept))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_word_that_is_kept_from_the_person_is_in_anything_that_is_made_for_them(
        choices in proptest::collection::vec((0..200_usize, any::<bool>()), 1..24),
    ) {
        let (plan, shared, kept) = told(&choices);
        let view = plan.view();
        let page = Page::of(&view, Audience::Person);
        let theirs = for_person(view.clone());
        let made = [
            page.text(),
            page.html(),
            serde_json::to_string(&page).unwrap(),
            serde_json::to_string(&theirs).unwrap(),
            render_csv(&theirs),
            fhir::write_plan("5f1a", &theirs, &fhir::Bases::new()),
        ];
        for text in &made {
            prop_assert!(!text.to_lowercase().contains("ofconfidence"), "{}", text);
            prop_assert!(!text.contains("KEPT FROM") && !text.contains("NOPAT"));
        }
        prop_assert_eq!(count(&theirs), 0);
        let all = [
            Page::of(&view, Audience::CareTeam).text(),
            serde_json::to_string(&view).unwrap(),
            render_csv(&view),
            fhir::write_plan("5f1a", &view, &fhir::Bases::new()),
        ];
        for text in all.iter().map(|text| text.to_lowercase()) {
            for words in shared.iter().chain(&kept) {
                prop_assert!(text.contains(words.as_str()), "{} is lost in\n{}", words, text);
            }
        }
        prop_assert_eq!(count(&view) > 0, !kept.is_empty());
        prop_assert_eq!(all[3].contains("NOPAT"), !kept.is_empty());
    }
}
