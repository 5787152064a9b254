//! What people put in: records, numbers, texts, drafts.

use bedside_core::api::{ApiError, Demographics, NewPlan, Section, read_patient};
use bedside_core::limits::{DRAFT_EDITS_MAX, TEXT_BYTES_MAX};

use crate::world::*;

const MINIMAL: &[u8] = include_bytes!("../data/pds/Minimal_Patient.json");
const PATIENT: &[u8] = include_bytes!("../data/pds/Patient.json");
const SENSITIVE: &[u8] = include_bytes!("../data/pds/Sensitive_Patient.json");
const WRONG_NUMBER: &[u8] = include_bytes!("../data/pds/PatientCompoundName.json");
const BUNDLE: &[u8] = include_bytes!("../data/pds/RelatedPersonBundle.json");

fn why(result: Result<Demographics, ApiError>) -> String {
    match result {
        Err(ApiError::Invalid { why, .. }) => why.in_english(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it should be refused"),
    }
}

fn with(demographics: Demographics) -> NewPlan {
    let number = demographics.nhs_number.digits();
    NewPlan { demographics: Some(demographics), ..plan_for(&number) }
}

#[test]
fn a_file_that_is_no_patient_says_what_it_should_be() {
    let read = |bytes: &[u8]| why(read_patient(bytes, MORNING));
    assert!(read(b"").contains("not JSON"));
    assert!(read(b"%PDF-1.7 \xff\xfe").contains("not JSON"));
    assert!(read(b"{\"resourceType\":\"Patient\"").contains("not JSON"));
    assert!(read(b"[]").contains("not a Patient"));
    assert!(read(b"{\"resourceType\":\"Medication\"}").contains("Medication"));
    assert!(read(b"{\"resourceType\":\"Patient\"}").contains("NHS number"));
    assert!(read(BUNDLE).contains("Patient"));
    assert!(read(&vec![b' '; (1 << 20) + 1]).contains("bytes"));
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert!(read(&deep).contains("not JSON"));
}

#[test]
fn an_invalid_nhs_number_is_never_taken() {
    let said = why(read_patient(WRONG_NUMBER, MORNING));
    assert!(said.contains("cannot be trusted"), "{said}");
    let (_world, nurse) = World::with_nurse();
    for wrong in ["", "9000000008", "900000000", "90000000090", "abcdefghij", "٩٠٠٠٠٠٠٠٠٩"] {
        assert_eq!(code(nurse.start_plan(plan_for(wrong))), "invalid", "{wrong}");
    }
    assert_eq!(nurse.status().unwrap().plans, Some(0));
}

#[test]
fn a_record_with_nothing_but_a_number_starts_a_plan() {
    let (_world, nurse) = World::with_nurse();
    let plan = nurse.start_plan(with(read_patient(MINIMAL, MORNING).unwrap())).unwrap().plan;
    let row = &nurse.plans(None, 10).unwrap().rows[0];
    assert_eq!((row.nhs_number.as_str(), row.family.as_str()), ("9000000033", ""));
    assert!(nurse.plan_id("9000000033").unwrap() == plan);
    nurse.in_step();
}

#[test]
fn a_restricted_record_says_so() {
    let (_world, nurse) = World::with_nurse();
    let record = read_patient(SENSITIVE, MORNING).unwrap();
    assert!(record.sensitive && record.notes.iter().any(|note| note.contains("restricted")));
    // The published record carries a death notice as well.
    nurse.start_plan(NewPlan { seen_alive: true, ..with(record) }).unwrap();
    assert_eq!(nurse.plans(None, 10).unwrap().rows[0].nhs_number, "9000000025");
}

#[test]
fn a_death_notice_is_believed_unless_somebody_saw_the_person_alive() {
    let (_world, nurse) = World::with_nurse();
    let read = || {
        let mut record = read_patient(PATIENT, MORNING).unwrap();
        record.death_notice = Some("2010-10-22".into());
        record
    };
    let Err(ApiError::Invalid { why, .. }) = nurse.start_plan(with(read())) else { panic!("it is refused") };
    assert!(why.in_english().contains("2010-10-22") && why.in_english().contains("alive"), "{why:?}");
    assert_eq!(nurse.status().unwrap().plans, Some(0));
    nurse.start_plan(NewPlan { seen_alive: true, ..with(read()) }).unwrap();
}

#[test]
fn a_record_of_somebody_else_is_refused() {
    let (_world, nurse) = World::with_nurse();
    let record = read_patient(MINIMAL, MORNING).unwrap();
    let other = NewPlan { demographics: Some(record), ..plan_for(JANE) };
    assert_eq!(code(nurse.start_plan(other)), "invalid");
}

#[test]
fn ten_megabytes_are_refused_and_nothing_is_changed() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let (entries, shown) = (nurse.entries(plan), nurse.shown(plan));
    let mut draft = nurse.draft(plan).unwrap();
    draft.set_text("wishes.most_fear", "kept out as well").unwrap();
    let long = "x".repeat(10 << 20);
    assert_eq!(code(draft.set_text("wishes.about_me", &long)), "invalid");
    // Texts that are allowed one by one are too much together.
    for key in ["wishes.about_me", "wishes.most_value", "wishes.wishes", "wishes.after_death"] {
        draft.set_text(key, &noise(TEXT_BYTES_MAX)).unwrap();
    }
    match draft.commit() {
        Err(ApiError::Invalid { why, .. }) => assert!(why.in_english().contains("split it"), "{why:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!((nurse.entries(plan), nurse.shown(plan)), (entries, shown));
    nurse.write(plan, "wishes.about_me", &noise(TEXT_BYTES_MAX)).unwrap();
    converge(&[&nurse, &doctor]);
    same_everywhere(&[&nurse, &doctor], plan);
}

#[test]
fn a_thousand_edits_are_one_entry_and_one_more_is_refused() {
    let (_world, nurse, doctor, plan) = World::with_plan();
    let mut draft = nurse.draft(plan).unwrap();
    for number in 0..DRAFT_EDITS_MAX {
        let item = draft.new_item();
        draft.set(&format!("contact/{item}/name"), &words(&format!("Visitor {number}"))).unwrap();
    }
    let more = draft.set("identity.preferred_name", &words("Jane"));
    match more {
        Err(ApiError::Invalid { why, .. }) => {
            assert!(why.in_english().contains("save some of them first"), "{why:?}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(draft.commit().unwrap().entries, 1);
    converge(&[&nurse, &doctor]);
    same_everywhere(&[&nurse, &doctor], plan);
    let shown = doctor.shown(plan);
    assert!(shown.contains("Visitor 0") && shown.contains(&format!("Visitor {}", DRAFT_EDITS_MAX - 1)));
}

#[test]
fn edits_that_make_no_sense_are_refused_where_they_are_made() {
    let (_world, nurse, _, plan) = World::with_plan();
    let entries = nurse.entries(plan);
    let mut draft = nurse.draft(plan).unwrap();
    for key in ["", "wishes", "wishes.nothing", "medicine/x/name", "medicine/*/name", "cpr.decision", "../x"]
    {
        assert_eq!(code(draft.set(key, &words("x"))), "invalid", "{key}");
    }
    assert_eq!(code(draft.set_text("identity.preferred_name", "x")), "invalid");
    assert_eq!(code(draft.endorse(Section::Cpr)), "not-allowed");
    assert_eq!(code(draft.commit()), "invalid", "there is nothing to save");
    let mut same = nurse.draft(plan).unwrap();
    same.set_text("wishes.about_me", "once").unwrap();
    same.commit().unwrap();
    let mut same = nurse.draft(plan).unwrap();
    same.set_text("wishes.about_me", "once").unwrap();
    assert_eq!(code(same.commit()), "invalid", "it says so already");
    assert_eq!(nurse.entries(plan).len(), entries.len() + 1);
}
