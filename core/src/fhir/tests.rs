use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const PATIENT: &[u8] = include_bytes!("../../../tests/data/pds/Patient.json");
const MINIMAL: &[u8] = include_bytes!("../../../tests/data/pds/Minimal_Patient.json");
const SENSITIVE: &[u8] = include_bytes!("../../../tests/data/pds/Sensitive_Patient.json");
const COMPOUND: &[u8] = include_bytes!("../../../tests/data/pds/PatientCompoundName.json");
const RELATED: &[u8] = include_bytes!("../../../tests/data/pds/RelatedPersonBundle.json");

fn today() -> Partial {
    Partial::parse("2026-11-22").unwrap()
}

fn check(json: &[u8], expected: &Expect) {
    let shown = match read_patient(json, today()) {
        Err(error) => format!("{error}\n"),
        Ok(read) => {
            let mut lines = vec![format!("{} sensitive: {}", read.nhs_number, read.sensitive)];
            lines.extend(read.edits.iter().map(|(key, leaf)| format!("{key}: {}", leaf.answer.words())));
            lines.extend(read.death_notice.iter().map(|date| format!("death notice {date}")));
            lines.extend(read.notes.iter().map(|note| format!("note: {note}")));
            assert!(read.edits.iter().all(|(_, leaf)| leaf.heard_from == crate::plan::leaf::Source::Record));
            lines.join("\n") + "\n"
        }
    };
    expected.assert_eq(&shown);
}

fn patient(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(PATIENT).unwrap();
    change(&mut value);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn a_full_record_fills_the_identity_of_a_plan() {
    check(
        PATIENT,
        &expect![[r#"
            900 000 0009 sensitive: false
            identity.nhs_number: 900 000 0009
            identity.nhs_number_status: Number present and verified
            identity.family: Smith
            identity.given: Jane
            identity.title: Mrs
            identity.born: 22-Oct-2010
            identity.gender: Female
            identity.address: 1 Trevelyan Square, Boar Lane, City Centre, Leeds, West Yorkshire
            identity.postcode: LS1 6AE
            identity.home_phone: 01632960587
            identity.email: jane.smith@example.com
            identity.textphone: 01632960587
            identity.language: French
            identity.interpreter: Interpreter needed
            gp.ods_code: Y12345
            identity.death_notice_status: Formal: death notice received from Registrar of Deaths
            identity.death_notice: 22-Oct-2010
            death notice 2010-10-22
            note: The name ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
            note: The usual address ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
            note: A temporary address that is not in force was left out.
            note: The home phone ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
            note: The email ended on 31-Dec-2022 and nothing newer is recorded; ask whether it still holds.
            note: The textphone ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
            note: The GP practice ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
            note: The demographics service records a death. Confirm before acting on this plan.
        "#]],
    );
}

#[test]
fn a_record_of_nothing_but_a_number_is_enough_to_begin() {
    check(
        MINIMAL,
        &expect![[r#"
        900 000 0033 sensitive: false
        identity.nhs_number: 900 000 0033
        identity.nhs_number_status: Number present and verified
    "#]],
    );
}

#[test]
fn a_restricted_record_has_no_address_and_says_that_this_is_meant() {
    check(
        SENSITIVE,
        &expect![[r#"
        900 000 0025 sensitive: true
        identity.nhs_number: 900 000 0025
        identity.nhs_number_status: Number present and verified
        identity.family: Smythe
        identity.given: Janet
        identity.title: Mrs
        identity.born: 22-Oct-2010
        identity.gender: Female
        identity.death_notice_status: Formal: death notice received from Registrar of Deaths
        identity.death_notice: 22-Oct-2010
        death notice 2010-10-22
        note: The name ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The demographics service records a death. Confirm before acting on this plan.
        note: The record is restricted: address, phone and practice are not given.
    "#]],
    );
}

#[test]
fn an_invalid_number_in_an_official_record_is_still_invalid() {
    check(
        COMPOUND,
        &expect![[r#"
        the record cannot be trusted: this is not a valid NHS number: its last digit does not fit the others; check each digit
    "#]],
    );
}

#[test]
fn a_search_result_with_one_person_is_that_person() {
    let bundle = String::from_utf8(COMPOUND.to_vec()).unwrap().replace("9000000015", "9000000017");
    check(
        bundle.as_bytes(),
        &expect![[r#"
        900 000 0017 sensitive: false
        identity.nhs_number: 900 000 0017
        identity.nhs_number_status: Number present and verified
        identity.family: Smith
        identity.given: John Paul
        identity.title: Mr
        identity.born: 22-Oct-2010
        identity.gender: Male
        identity.address: 1 Trevelyan Square, Boar Lane, City Centre, Leeds, West Yorkshire
        identity.postcode: LS1 6AE
        identity.home_phone: 01632960587
        identity.email: johnp.smith@example.com
        identity.textphone: 01632960587
        gp.ods_code: Y12345
        identity.death_notice_status: Formal: death notice received from Registrar of Deaths
        identity.death_notice: 22-Oct-2010
        death notice 2010-10-22
        note: The name ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The usual address ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The home phone ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The email ended on 31-Dec-2022 and nothing newer is recorded; ask whether it still holds.
        note: The textphone ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The GP practice ended on 31-Dec-2025 and nothing newer is recorded; ask whether it still holds.
        note: The demographics service records a death. Confirm before acting on this plan.
    "#]],
    );
}

#[test]
fn every_refusal_says_what_to_do() {
    check(
        RELATED,
        &expect![[r#"
        the file holds a Bundle of RelatedPerson, not a Patient; export a FHIR R4 Patient, or a search result with one
    "#]],
    );
    check(
        b"{\n  \"resourceType\": Patient }",
        &expect![[r#"
        the file is not JSON (line 2, column 19); export the record as FHIR JSON
    "#]],
    );
    check(
        b"[]",
        &expect![[r#"
        the file holds JSON that is not FHIR, not a Patient; export a FHIR R4 Patient, or a search result with one
    "#]],
    );
    check(
        br#"{"resourceType":"Bundle","type":"searchset","total":0}"#,
        &expect![[r#"
        the file holds a search result without anybody, not a Patient; export a FHIR R4 Patient, or a search result with one
    "#]],
    );
    check(
        &vec![b' '; FHIR_BYTES_MAX + 1],
        &expect![[r#"
        the file has 1048577 bytes, more than 1048576; export one person's Patient record
    "#]],
    );
    check(
        &patient(|p| p["identifier"] = json!([])),
        &expect![[r#"
        the record has no NHS number; trace the person first, then export the record again
    "#]],
    );
    let one: Value = serde_json::from_slice(PATIENT).unwrap();
    let two = json!({"resourceType": "Bundle", "entry": [{"resource": one}, {"resource": one}]});
    check(
        two.to_string().as_bytes(),
        &expect![[r#"
        the file holds 2 people; search for one NHS number and export that record
    "#]],
    );
}

#[test]
fn the_name_and_address_in_force_win_over_older_and_later_ones() {
    let json = patient(|p| {
        p["name"] = json!([
            {"use": "usual", "family": "Old", "period": {"start": "2001-01-01", "end": "2020-01-01"}},
            {"use": "usual", "family": "Now", "period": {"start": "2020-01-01"}},
            {"use": "usual", "family": "Later", "period": {"start": "2030-01-01"}},
            {"use": "maiden", "family": "Maiden"},
            {"use": "nickname", "given": ["Jo"]},
        ]);
        p["address"] = json!([
            {"use": "home", "line": ["Old House"], "period": {"end": "2020-01-01"}},
            {"use": "home", "line": ["Less Old House"], "period": {"end": "2021-01-01"}},
        ]);
    });
    let read = read_patient(&json, today()).unwrap();
    let said = |key: &str| read.edits.iter().find(|(k, _)| k == key).map(|(_, leaf)| leaf.answer.words());
    assert_eq!(said("identity.family").as_deref(), Some("Now"));
    assert_eq!(said("identity.preferred_name").as_deref(), Some("Jo"));
    assert_eq!(said("identity.address").as_deref(), Some("Less Old House"));
    assert!(read.notes.iter().any(|note| note.contains("usual address ended on 01-Jan-2021")));
}

#[test]
fn a_removed_death_notice_is_no_death() {
    let json = patient(|p| {
        p.as_object_mut().unwrap().remove("deceasedDateTime");
        p["extension"][3]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = json!("U");
    });
    assert_eq!(read_patient(&json, today()).unwrap().death_notice, None);
    let json = patient(|p| {
        p.as_object_mut().unwrap().remove("deceasedDateTime");
    });
    assert_eq!(read_patient(&json, today()).unwrap().death_notice.as_deref(), Some(""));
}

#[test]
fn an_answer_that_cannot_be_used_is_left_out_and_noted() {
    let read = read_patient(&patient(|p| p["birthDate"] = json!("22/10/2010")), today()).unwrap();
    assert!(read.edits.iter().all(|(key, _)| key != "identity.born"));
    assert!(read.notes.iter().any(|note| note.contains("date of birth")));
}

pub(super) fn all_paths(value: &Value, at: &str, paths: &mut Vec<String>) {
    paths.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| all_paths(value, &format!("{at}/{key}"), paths))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| all_paths(value, &format!("{at}/{i}"), paths));
        }
        _ => {}
    }
}

pub(super) fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{}], null, "x"])),
        Just(Value::from("x".repeat(crate::limits::TEXT_BYTES_MAX + 1))),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_patient(&bytes, today());
    }

    #[test]
    fn a_cut_file_is_refused(at in 0..PATIENT.len() - 2) {
        prop_assert!(read_patient(&PATIENT[..at], today()).is_err());
    }

    #[test]
    fn any_element_may_be_anything(
        sample in prop::sample::select(vec![PATIENT, MINIMAL, SENSITIVE, COMPOUND, RELATED]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
    ) {
        let mut value: Value = serde_json::from_slice(sample).unwrap();
        for (at, new) in changes {
            let mut paths = Vec::new();
            all_paths(&value, "", &mut paths);
            *value.pointer_mut(&paths[at.index(paths.len())]).unwrap() = new;
        }
        if let Ok(read) = read_patient(&serde_json::to_vec(&value).unwrap(), today()) {
            for (key, leaf) in &read.edits {
                prop_assert!(crate::plan::check::check_edit(key, crate::plan::check::Given::Leaf(leaf)).is_ok());
            }
        }
    }
}
