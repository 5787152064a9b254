//! What everybody who cares for the person reads: everything that stands, in the order of the questions at a bedside.

use super::write::Writer;
use super::{Block, Part};
use crate::plan::schema::Section;

/// Sections in the order of a crew's questions; the others follow by number.
pub(super) const FIRST: [Section; 8] = [
    Section::Cpr,
    Section::Escalation,
    Section::Legal,
    Section::Preferences,
    Section::WhatMatters,
    Section::Contacts,
    Section::Alerts,
    Section::Medicines,
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

/// Some sections in their order, and the others by number. Where an answer is looked for and there is none, that is said.
pub(super) fn sections(write: &Writer<'_>, first: &[Section]) -> (Vec<Part>, Vec<Part>) {
    let part = |section| {
        let mut part = write.section(section);
        expect_answer(write, section, &mut part);
        (!part.is_empty()).then_some(part)
    };
    let rest = Section::ALL.into_iter().filter(|section| !first.contains(section));
    (first.iter().copied().filter_map(part).collect(), rest.filter_map(part).collect())
}

fn expect_answer(write: &Writer<'_>, section: Section, part: &mut Part) {
    let shown = write.view.section(section);
    let fact = |key| Block::Facts { facts: vec![write.not_recorded(key)], note: None };
    match section {
        Section::Cpr if part.blocks.is_empty() => {
            part.marks.push(write.mark("warning", "cpr-not-recorded", write.say("cpr-not-recorded", &[])));
        }
        Section::Escalation if part.blocks.is_empty() => part.blocks.push(fact("escalation.focus")),
        Section::Preferences if shown.field("preferences.place_of_death_1").is_none() => {
            part.blocks.insert(0, fact("preferences.place_of_death_1"));
        }
        Section::Medicines if shown.field("allergies.status").is_none() => {
            part.blocks.insert(0, fact("allergies.status"));
        }
        _ => {}
    }
}

/// The sections that are not among the parts, because nothing is recorded in them: left out, and not forgotten.
pub(super) fn nothing_under(write: &Writer<'_>, parts: &[Part]) -> Option<Part> {
    let is_shown = |section: &Section| parts.iter().any(|part| part.id == section.name());
    let empty = Section::ALL.into_iter().filter(|section| !is_shown(section));
    let titles: Vec<String> = empty.map(|section| write.title(section)).collect();
    let text = write.say("nothing-under", &[("sections", titles.join("; ").into())]);
    let part = Part::new("empty", write.say("heading-empty", &[]));
    (!titles.is_empty()).then(|| Part { blocks: vec![Block::text(text)], ..part })
}
