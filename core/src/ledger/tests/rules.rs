//! Who records what, and what becomes of edits that cross.

use super::*;
use crate::plan::compare::differences;
use crate::plan::locale::Locale;

#[test]
fn a_prognosis_is_given_by_a_doctor_or_the_responsible_clinician() {
    let mut story = Story::begin();
    let estimate = [("prognosis.estimate", "last-weeks")];
    let body = decision(&story.alice, Section::Prognosis, &estimate);
    let nurses = story.alice.say(&story.cast.trust, body).unwrap();
    assert!(matches!(held(&story.alice, &nurses), HeldReason::NotAllowed(_)));
    let body = decision(&story.bob, Section::Prognosis, &estimate);
    let doctors = story.bob.say(&story.cast.trust, body).unwrap();
    assert_eq!(verdict(&story.bob, &doctors), Verdict::Standing);
}

#[test]
fn recording_a_decision_does_not_endorse_it() {
    let mut story = Story::begin();
    let body = decision(&story.bob, Section::Cpr, &[("cpr.decision", "not-recommended")]);
    let id = story.bob.say(&story.cast.trust, body).unwrap();
    assert!(!plan(&story.bob, &story).section(Section::Cpr).decisions[0].endorsed);
    assert!(alerts(&plan(&story.bob, &story)).contains(&"cpr-not-endorsed"));
    let content = encode_decision(&BTreeMap::new());
    let endorse = Decision { section: CPR, supersedes: vec![], content, endorses: Some(id) };
    story.bob.say(&story.cast.trust, Body::Decision(endorse)).unwrap();
    assert!(plan(&story.bob, &story).section(Section::Cpr).decisions[0].endorsed);
}

#[test]
fn a_medicine_stopped_and_changed_at_the_same_time_shows_both() {
    let mut story = Story::begin();
    let key = |name: &str| format!("medicine/00000000000000aa/{name}");
    story.alice.edit(&story.cast.trust, &[put(&key("name"), "morphine"), put(&key("dose"), "5 mg")]).unwrap();
    story.everybody_meets();
    let day = Leaf::new(Answer::date("2026-11-20").unwrap(), Source::Observed);
    let stop = Edit::Put { key: key("stopped"), value: day.to_bytes() };
    story.bob.edit(&story.cast.trust, &[stop]).unwrap();
    story.alice.edit(&story.cast.trust, &[put(&key("dose"), "10 mg")]).unwrap();
    story.everybody_meets();
    let seen = plan(&story.carer, &story);
    let medicine = &seen.section(Section::Medicines).lists[0].items[0];
    let said = |name: &str| {
        let field = medicine.fields.iter().find(|field| field.key == key(name)).unwrap();
        field.values.iter().map(|value| value.text.clone()).collect::<Vec<_>>()
    };
    assert!(medicine.ended);
    assert_eq!((said("stopped"), said("dose")), (vec!["20-Nov-2026".to_owned()], vec!["10 mg".to_owned()]));
}

#[test]
fn what_is_taken_back_is_not_recorded_and_nobody_elses_answer_goes_with_it() {
    let mut story = Story::begin();
    let taken_back = Leaf::new(Answer::TakenBack, Source::Observed).to_bytes();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    story.alice.edit(&story.cast.trust, &[Edit::Put { key: PLACE.into(), value: taken_back }]).unwrap();
    assert!(plan(&story.alice, &story).section(Section::Preferences).field(PLACE).is_none());
    assert!(alerts(&plan(&story.alice, &story)).contains(&"no-place-of-death"));
    story.bob.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    story.everybody_meets();
    let seen = plan(&story.carer, &story);
    let values = &seen.section(Section::Preferences).field(PLACE).unwrap().values;
    assert_eq!(values.iter().map(|value| value.text.as_str()).collect::<Vec<_>>(), ["hospice"]);
}

#[test]
fn the_plan_of_an_earlier_moment_is_what_was_known_then() {
    let mut story = Story::begin();
    let first = story.alice.edit(&story.cast.trust, &[put(PLACE, "home")]).unwrap();
    story.alice.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    let past = story.alice.replica.ledger().past_of(&[first]);
    let then = story.alice.replica.at(|id, _| past.contains(id), &story.cast.trust);
    let as_of = AsOf { now: Timestamp(1_000_000), last_contact: None };
    let then = then.material(&story.cast.trust, as_of, crate::ledger::replica::Backlog::default(), view);
    assert_eq!(then.section(Section::Preferences).field(PLACE).unwrap().values[0].text, "home");
    let found = differences(&then, &plan(&story.alice, &story), Locale::british_english());
    let words: Vec<&str> = found.iter().map(|difference| difference.text.as_str()).collect();
    assert_eq!(words, ["Preferred places: Place of death, first: home -> hospice"]);
}

#[test]
fn an_answer_of_a_newer_version_survives_the_edits_of_an_older_one() {
    let (mut story, new) = (Story::begin(), "garden.favourite_rose");
    assert!(field(new).is_none(), "this version does not know it");
    story.alice.edit(&story.cast.trust, &[put(new, "Peace"), put(PLACE, "home")]).unwrap();
    story.everybody_meets();
    story.bob.edit(&story.cast.trust, &[put(PLACE, "hospice")]).unwrap();
    let text = Edit::Text { key: MATTERS.into(), text: "My dog".into() };
    story.person.edit(&story.cast.trust, &[text]).unwrap();
    story.everybody_meets();
    let stored = story.bob.replica.document_mut().save();
    let bytes = story.bob.held.iter().map(|signed| signed.bytes.clone());
    let resumed = Replica::rebuild(LOG, bytes, Some(&stored), &story.cast.trust);
    for replica in [&story.alice.replica, &story.person.replica, &resumed] {
        let values = replica.document().values(new);
        assert_eq!(
            values.iter().map(|value| value.bytes.clone()).collect::<Vec<_>>(),
            [leaf("Peace").to_bytes()]
        );
        assert_eq!(replica.document().values(PLACE).len(), 1);
    }
    let seen = plan(&story.bob, &story);
    assert_eq!(seen.unreadable, 1, "counted, and said");
    assert!(alerts(&seen).contains(&"unreadable"));
}

#[test]
fn the_same_medicine_added_twice_apart_is_two_medicines_and_said_to_be() {
    let mut story = Story::begin();
    let medicine = |item: &str, name: &str, dose: &str| {
        [put(&format!("medicine/{item}/name"), name), put(&format!("medicine/{item}/dose"), dose)]
    };
    story.alice.edit(&story.cast.trust, &medicine("00000000000000aa", "Morphine", "5 mg")).unwrap();
    story.bob.edit(&story.cast.trust, &medicine("00000000000000bb", "morphine ", "10 mg")).unwrap();
    story.everybody_meets();
    let seen = plan(&story.carer, &story);
    assert_eq!(seen.section(Section::Medicines).lists[0].items.len(), 2, "neither is merged away");
    assert!(alerts(&seen).contains(&"duplicate-medicine"));
}
