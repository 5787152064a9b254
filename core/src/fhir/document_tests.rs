use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::plan::leaf::{Answer, Source};
use crate::plan::schema::{self, FIELDS, Kind, Section};
use crate::testing::plans::{Fullness, NHS_NUMBER, Sample, sample};

const PLAN: &str = "5f1a";

fn written(sample: &Sample) -> String {
    write_plan(PLAN, &sample.view, &Bases::new())
}

fn bundle(sample: &Sample) -> Value {
    serde_json::from_str(&written(sample)).unwrap()
}

fn read_again(sample: &Sample) -> PlanRead {
    read_plan(written(sample).as_bytes()).unwrap()
}

/// A leaf as it can be compared: a text's source is its authors', a number's spaces say nothing.
fn comparable(key: &str, leaf: &Leaf) -> Vec<u8> {
    let (field, _) = schema::field(key).unwrap();
    match &leaf.answer {
        Answer::Text(text) if key == "identity.nhs_number" => {
            Leaf { answer: Answer::Text(text.replace(' ', "")), ..leaf.clone() }.to_bytes()
        }
        Answer::Text(text) if field.kind == Kind::Text => text.clone().into_bytes(),
        _ => leaf.to_bytes(),
    }
}

fn check_round_trip(sample: &Sample) {
    let read = read_again(sample);
    let set = |key: &str, leaves: Vec<&Leaf>| -> BTreeSet<Vec<u8>> {
        leaves.into_iter().map(|leaf| comparable(key, leaf)).collect()
    };
    let keys: BTreeSet<&String> = sample.answers.keys().chain(read.answers.keys()).collect();
    for key in keys {
        let before = sample.answers.get(key).into_iter().flatten().collect();
        let after = read.answers.get(key).into_iter().flatten().map(|said| &said.leaf).collect();
        assert_eq!(set(key, before), set(key, after), "{key}");
    }
    let decisions = |all: Vec<(Section, &std::collections::BTreeMap<String, Leaf>)>| {
        let bytes = |(section, fields): (Section, &std::collections::BTreeMap<String, Leaf>)| {
            (section, crate::plan::check::encode_decision(fields))
        };
        let mut all: Vec<_> = all.into_iter().map(bytes).collect();
        all.sort();
        all
    };
    assert_eq!(
        decisions(sample.decisions.iter().map(|(section, fields)| (*section, fields)).collect()),
        decisions(read.decisions.iter().map(|decision| (decision.section, &decision.fields)).collect()),
    );
    assert!(read.notes.is_empty(), "{:?}", read.notes);
    assert_eq!(read.nhs_number.digits(), NHS_NUMBER);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_plan_that_goes_out_comes_in_again_the_same(seed in any::<u64>()) {
        check_round_trip(&sample(seed, Fullness::Chance));
    }

    #[test]
    fn the_same_plan_is_the_same_document(seed in any::<u64>()) {
        let made = sample(seed, Fullness::Chance);
        prop_assert_eq!(written(&made), written(&sample(seed, Fullness::Chance)));
        for entry in bundle(&made)["entry"].as_array().unwrap() {
            let id = entry["resource"]["id"].as_str().unwrap();
            prop_assert_eq!(entry["fullUrl"].as_str().unwrap(), format!("urn:uuid:{id}"));
        }
    }

    #[test]
    fn any_element_of_a_document_may_be_anything(
        seed in 0_u64..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), super::tests::anything()), 1..6),
    ) {
        let mut value = bundle(&sample(seed, Fullness::Chance));
        for (at, new) in changes {
            let mut paths = Vec::new();
            super::tests::all_paths(&value, "", &mut paths);
            *value.pointer_mut(&paths[at.index(paths.len())]).unwrap() = new;
        }
        if let Ok(read) = read_plan(&serde_json::to_vec(&value).unwrap()) {
            for (key, said) in read.answers.iter().flat_map(|(key, said)| said.iter().map(move |said| (key, said))) {
                prop_assert!(Leaf::from_bytes(&said.leaf.to_bytes()).is_ok(), "{}", key);
            }
        }
    }
}

#[test]
fn every_field_comes_in_again_answered_or_asked_in_vain() {
    check_round_trip(&sample(1, Fullness::Everything));
    check_round_trip(&sample(1, Fullness::Unanswered));
    check_round_trip(&sample(1, Fullness::Number));
    let every = sample(1, Fullness::Everything);
    let said: BTreeSet<&str> = every
        .answers
        .keys()
        .chain(every.decisions.iter().flat_map(|(_, fields)| fields.keys()))
        .map(|key| schema::field(key).unwrap().0.key)
        .collect();
    let derived = |key: &str| key.starts_with("control.") || key == "home.key_safe";
    assert_eq!(said, FIELDS.iter().map(|field| field.key).filter(|key| !derived(key)).collect());
}

#[test]
fn every_reference_leads_to_something_in_the_document() {
    let bundle = bundle(&sample(3, Fullness::Everything));
    let urls: BTreeSet<&str> =
        bundle["entry"].as_array().unwrap().iter().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
    assert_eq!(urls.len(), bundle["entry"].as_array().unwrap().len(), "every resource has an id of its own");
    let mut paths = Vec::new();
    super::tests::all_paths(&bundle, "", &mut paths);
    let references = paths.iter().filter(|path| path.ends_with("/reference"));
    let missing =
        references.filter_map(|path| bundle.pointer(path)?.as_str()).find(|url| !urls.contains(url));
    assert_eq!(missing, None);
    assert_eq!(bundle["entry"][0]["resource"]["resourceType"], "Composition");
    assert_eq!(bundle["entry"][0]["resource"]["section"].as_array().unwrap().len(), 20);
}

#[test]
fn a_copy_without_what_professionals_keep_says_so_first_whether_there_is_any_or_not() {
    let mut made = sample(3, Fullness::Everything);
    let first = |made: &Sample| {
        let control = bundle(made)["entry"][0]["resource"]["section"][0]["text"]["div"].clone();
        control.as_str().unwrap().to_owned()
    };
    let words = "What professionals keep among themselves is on no such copy";
    assert!(!first(&made).contains(words));
    made.view.shared_only = true;
    let said = first(&made);
    assert!(said.find(words) < said.find("!!"), "before the alerts: {said}");
    assert!(said.contains(words), "{said}");
}

fn place_of_death(answer: Option<Answer>) -> Value {
    let mut made = sample(0, Fullness::Number);
    if let Some(answer) = answer {
        made.answers
            .insert("preferences.place_of_death_1".to_owned(), vec![Leaf::new(answer, Source::Person)]);
    }
    let bundle = bundle(&crate::testing::plans::with_answers(made.answers));
    let entries = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
    let mut asked =
        entries.filter(|resource| resource["code"]["coding"][0]["code"] == "preferences.place_of_death_1");
    asked.next().map_or(Value::Null, |found| {
        json!({ "value": found["valueCodeableConcept"]["text"], "absent": found["dataAbsentReason"]["coding"] })
    })
}

#[test]
fn what_was_asked_and_not_answered_is_never_a_no_and_never_the_same() {
    let check =
        |answer: Option<Answer>, expected: Expect| expected.assert_eq(&place_of_death(answer).to_string());
    check(None, expect!["null"]);
    check(
        Some(Answer::Declined),
        expect![[
            r#"{"absent":[{"code":"asked-declined","system":"http://terminology.hl7.org/CodeSystem/data-absent-reason"},{"code":"766391000000108","display":"Declined to discuss","system":"http://snomed.info/sct"}],"value":null}"#
        ]],
    );
    check(
        Some(Answer::UnableToExpress),
        expect![[
            r#"{"absent":[{"code":"asked-unknown","system":"http://terminology.hl7.org/CodeSystem/data-absent-reason"},{"code":"517111000000103","display":"Unable to express","system":"http://snomed.info/sct"}],"value":null}"#
        ]],
    );
    check(
        Some(Answer::AskedNone),
        expect![[
            r#"{"absent":[{"code":"not-applicable","system":"http://terminology.hl7.org/CodeSystem/data-absent-reason"},{"code":"asked-none","display":"Asked: there is none","system":"urn:bedside:answer"}],"value":null}"#
        ]],
    );
    check(Some(Answer::uncoded("no").unwrap()), expect![[r#"{"absent":null,"value":"no"}"#]]);
}

#[test]
fn a_file_that_is_not_a_plan_says_what_it_is() {
    let check = |json: &str, expected: Expect| {
        expected.assert_eq(&read_plan(json.as_bytes()).map(|_| ()).unwrap_err().to_string());
    };
    check("{", expect!["the file is not JSON (line 1, column 1); export the record as FHIR JSON"]);
    check(
        r#"{"resourceType":"Patient"}"#,
        expect![
            "the file holds Patient, not a plan; export the plan with `bedside plan export --format fhir`"
        ],
    );
    check(
        r#"{"resourceType":"Bundle","type":"searchset"}"#,
        expect![
            "the file holds another kind of Bundle, not a plan; export the plan with `bedside plan export --format fhir`"
        ],
    );
    check(
        r#"{"resourceType":"Bundle","type":"document"}"#,
        expect!["the record has no NHS number; trace the person first, then export the record again"],
    );
    check(
        &" ".repeat(FHIR_PLAN_BYTES_MAX + 1),
        expect!["the file has 16777217 bytes, more than 16777216; export one person's plan"],
    );
    let wrong = written(&sample(0, Fullness::Number)).replace(NHS_NUMBER, "9990000019");
    check(
        &wrong,
        expect![
            "the record cannot be trusted: this is not a valid NHS number: its last digit does not fit the others; check each digit"
        ],
    );
}

#[test]
fn the_key_safe_code_does_not_go_out() {
    let mut made = sample(0, Fullness::Number);
    made.answers.insert(
        "home.key_safe".to_owned(),
        vec![Leaf::new(Answer::Text("C1739".to_owned()), Source::Person)],
    );
    let text = written(&crate::testing::plans::with_answers(made.answers));
    assert!(!text.contains("C1739"));
    assert!(text.contains("\"masked\""), "that there is one is said");
}

#[test]
fn a_demographics_reader_understands_the_patient_of_a_document() {
    let made = sample(1, Fullness::Everything);
    let read = read_patient(written(&made).as_bytes(), Partial::parse("2026-11-22").unwrap()).unwrap();
    assert_eq!(read.nhs_number.digits(), NHS_NUMBER);
    let said = |key: &str| read.edits.iter().find(|(k, _)| k == key).map(|(_, leaf)| leaf.answer.words());
    for key in ["identity.family", "identity.born", "identity.address", "identity.home_phone"] {
        assert_eq!(said(key), made.answers.get(key).map(|leaves| leaves[0].answer.words()), "{key}");
    }
}
