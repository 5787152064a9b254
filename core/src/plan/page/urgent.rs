//! What a crew reads. First what may do harm, then whether to resuscitate, what else to do and not to do, what the person is
//! allergic to, what to give now, whom to call, and how to get in; then the rest.

use super::Part;
use super::care_team::{nothing_under, sections};
use super::write::Writer;
use crate::plan::schema::Section;

const FIRST: [Section; 10] = [
    Section::Cpr,
    Section::Escalation,
    Section::Legal,
    Section::Alerts,
    Section::Medicines,
    Section::Symptoms,
    Section::Contacts,
    Section::Home,
    Section::Preferences,
    Section::Diagnoses,
];

pub(super) fn parts(write: &Writer<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = write.alert_part("alerts-first", &["danger"]).into_iter().collect();
    let (first, rest) = sections(write, &FIRST);
    parts.extend(first);
    parts.extend(write.alert_part("alerts-check", &["warning", "note"]));
    parts.extend(rest);
    parts.extend(write.consents());
    parts.extend(nothing_under(write, &parts));
    parts
}
