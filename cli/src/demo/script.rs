//! What is written in the demonstration. Every line with words that must be found in the plan once it was confirmed.

/// The NHS number of the published test record.
pub(super) const NHS_NUMBER: &str = "9000000009";

/// The demographics service's published example of a patient.
pub(super) const PATIENT: &[u8] = include_bytes!("../../../tests/data/pds/Patient.json");

/// What the nurse writes at the bedside; `TODAY` stands for the date.
pub(super) const NURSE: &[(&str, &str)] = &[
    (
        "text wishes.about_me I taught music for forty years. Please call me Jane.",
        "I taught music for forty years",
    ),
    (
        "text wishes.most_value My garden, my daughter Anna, and quiet evenings.",
        "my daughter Anna, and quiet",
    ),
    ("text wishes.most_fear Being alone at night. Dying on a trolley.", "Dying on a trolley"),
    ("set identity.preferred_name Jane", "identity.preferred_name"),
    ("set preferences.place_of_care_1 home", "preferences.place_of_care_1"),
    ("set preferences.place_of_death_1 hospice", "Hospice"),
    ("set preferences.place_of_death_1_where St Luke's, the room to the garden", "St Luke's, the room"),
    (
        "add contact name='Anna Smith' relationship=daughter next_of_kin=yes emergency=yes \
         phone_1='01632 960001'",
        "01632 960001",
    ),
    ("set allergies.status none-known", "No known allergies"),
    (
        "add medicine name='Morphine sulfate' strength='10 mg/ml' form='solution for injection' dose='2.5 mg' \
         route=subcutaneous frequency='when needed, once an hour at most' indication='pain or breathlessness' \
         high_risk=opioid anticipatory=yes",
        "Morphine sulfate",
    ),
    ("set anticipatory.status box-issued", "Anticipatory medicines box issued"),
    ("set anticipatory.where_kept Top shelf of the kitchen cupboard", "Top shelf of the kitchen cupboard"),
    (
        "decide cpr decision=not-recommended reason='It would not bring her back to a life she wants.' \
         capacity=has discussed_person=yes discussed_person_details='Today, at home, with Amira Khan' \
         discussed_family=yes date=TODAY",
        "a life she wants",
    ),
    (
        "decide escalation focus=comfort hospital='conditional: for a broken bone only' icu=not-recommended \
         antibiotics_oral=recommended rationale='Comfort first' date=TODAY",
        "for a broken bone only",
    ),
    ("set home.dwelling bungalow", "Bungalow"),
    ("set home.documents_kept Blue folder on the piano", "Blue folder on the piano"),
    ("set carer.main has", "Has a carer"),
    ("set wishes.priority 85", "wishes.priority"),
];

/// The line during which the nurse's program is killed: so many were confirmed before.
pub(super) const KILLED_AFTER: usize = 6;

/// What the care home writes meanwhile. It does not know of the nurse's answer about the place of death.
pub(super) const CARE_HOME: &[(&str, &str)] = &[
    (
        "add contact name='Tom Smith' relationship=son phone_1='01632 960002' notes='Works nights: text first'",
        "01632 960002",
    ),
    ("set preferences.place_of_death_1 nursing-home", "Nursing home"),
    ("text communication.needs Speaks more easily in the morning.", "Speaks more easily in the morning"),
];

/// What the person writes on her own phone.
pub(super) const PERSON: &[(&str, &str)] = &[
    ("text wishes.wishes I would like the window open, and my dog Biscuit with me.", "my dog Biscuit"),
    ("text wishes.after_death Bach, not hymns.", "Bach, not hymns"),
];

/// Words of the plan that no file may hold in clear. Coded answers are left out: a key may look like one by chance.
pub(super) fn secrets() -> Vec<&'static str> {
    let written = [NURSE, CARE_HOME, PERSON].into_iter().flatten().map(|(_, words)| *words);
    written.filter(|words| words.contains(' ')).chain([NHS_NUMBER]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Typed;

    #[test]
    fn what_was_written_is_searched_for() {
        assert!(secrets().contains(&"Dying on a trolley") && secrets().contains(&"01632 960002"));
    }

    #[test]
    fn every_line_is_one_that_the_editor_reads() {
        for (line, found) in [NURSE, CARE_HOME, PERSON].concat() {
            assert!(Typed::line(line).is_ok(), "{line}");
            assert!(!found.is_empty());
        }
        assert!(KILLED_AFTER + 4 < NURSE.len(), "the program is killed in the middle");
    }
}
