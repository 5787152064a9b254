//! What the person reads: their own words first, then what was decided with them, who helps, and what to do. In plain words,
//! and only what is named here: a new field is not shown to the person before somebody has found the words for it.

use super::write::Writer;
use super::{Block, Decision, Fact, Item, Part};
use crate::plan::schema::Section;
use crate::plan::view::{ItemView, ListView};

/// A heading, the sections it draws on, and of their fields and lists these. The heading's message is `person-` and its id.
struct Chapter {
    id: &'static str,
    section: Section,
    shown: &'static [&'static str],
    /// What is said when there is nothing.
    otherwise: Option<&'static str>,
}

const fn chapter(
    id: &'static str,
    section: Section,
    shown: &'static [&'static str],
    otherwise: Option<&'static str>,
) -> Chapter {
    Chapter { id, section, shown, otherwise }
}

const CHAPTERS: [Chapter; 12] = [
    chapter(
        "person-heading-you",
        Section::Identity,
        &["identity.preferred_name", "identity.language", "identity.religion", "identity.address"],
        None,
    ),
    chapter(
        "person-heading-matters",
        Section::WhatMatters,
        &[
            "wishes.about_me",
            "wishes.most_value",
            "wishes.most_fear",
            "wishes.wishes",
            "wishes.priority",
            "wishes.spiritual",
            "wishes.daily_life",
            "wishes.organ_donation",
            "wishes.after_death",
        ],
        Some("person-nothing-matters"),
    ),
    chapter(
        "person-heading-places",
        Section::Preferences,
        &[
            "preferences.place_of_care_1",
            "preferences.place_of_care_1_where",
            "preferences.place_of_care_2",
            "preferences.place_of_care_2_where",
            "preferences.place_of_death_1",
            "preferences.place_of_death_1_where",
            "preferences.place_of_death_2",
            "preferences.place_of_death_2_where",
            "preferences.notes",
        ],
        Some("person-nothing-places"),
    ),
    chapter(
        "person-heading-cpr",
        Section::Cpr,
        &["cpr.decision", "cpr.reason", "cpr.form_location"],
        Some("person-nothing-cpr"),
    ),
    chapter(
        "person-heading-treatment",
        Section::Escalation,
        &["escalation.focus", "escalation.hospital", "escalation.icu", "escalation.rationale"],
        Some("person-nothing-treatment"),
    ),
    chapter(
        "person-heading-papers",
        Section::Legal,
        &["document/kind", "document/holder", "document/location"],
        None,
    ),
    chapter("person-heading-illness", Section::Diagnoses, &["diagnoses.primary", "diagnosis/name"], None),
    chapter("person-heading-time", Section::Prognosis, &["prognosis.estimate"], None),
    chapter(
        "person-heading-medicines",
        Section::Medicines,
        &[
            "allergies.status",
            "allergy/substance",
            "allergy/reaction",
            "medicine/name",
            "medicine/indication",
            "anticipatory.status",
            "anticipatory.where_kept",
        ],
        None,
    ),
    chapter(
        "person-heading-problems",
        Section::Symptoms,
        &[
            "problem/name",
            "problem/first_action",
            "problem/if_no_better",
            "problem/call_in_hours",
            "problem/call_out_of_hours",
        ],
        None,
    ),
    chapter(
        "person-heading-people",
        Section::Contacts,
        &[
            "carer.main",
            "contact/name",
            "contact/relationship",
            "contact/phone_1",
            "contact/phone_2",
            "contact/phone_3",
        ],
        None,
    ),
    chapter(
        "person-heading-team",
        Section::CareTeam,
        &[
            "gp.practice",
            "gp.phone",
            "gp.usual",
            "team.key_worker",
            "professional/name",
            "professional/group",
            "professional/phone",
            "professional/phone_out_of_hours",
        ],
        None,
    ),
];

pub(super) fn parts(write: &Writer<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = CHAPTERS.iter().filter_map(|chapter| part(write, chapter)).collect();
    parts.extend(consents(write));
    parts.push(ask(write));
    parts
}

fn part(write: &Writer<'_>, chapter: &Chapter) -> Option<Part> {
    let section = write.view.section(chapter.section);
    let mut part = Part::new(chapter.section.name(), write.locale.say(chapter.id, &[]));
    part.blocks = decisions(write, chapter);
    let fields = section.fields.iter().filter(|field| chapter.shown.contains(&field.key.as_str()));
    let facts: Vec<Fact> = fields.map(|field| write.fact(field)).collect();
    if !facts.is_empty() {
        part.blocks.push(Block::Facts { facts, note: None });
    }
    part.blocks.extend(section.lists.iter().filter_map(|list| items(write, chapter, list)));
    if part.blocks.is_empty() {
        let otherwise = chapter.otherwise?;
        part.blocks.push(Block::text(write.locale.say(otherwise, &[])));
    }
    Some(part)
}

/// Decisions that were talked about with the person. Of those that contradict each other the person is told that they are
/// looked at again, and not which is right.
fn decisions(write: &Writer<'_>, chapter: &Chapter) -> Vec<Block> {
    let section = write.view.section(chapter.section);
    let talked_about = section.decisions.iter().all(|decision| {
        let talked = decision.field("cpr.discussed_person");
        let yes = talked.is_some_and(|field| field.values.iter().all(|v| v.code.as_deref() == Some("yes")));
        chapter.section != Section::Cpr || yes
    });
    if section.decisions.is_empty() || !talked_about {
        return Vec::new();
    }
    if section.in_conflict {
        return vec![Block::text(write.locale.say("person-in-conflict", &[]))];
    }
    let mut blocks = write.decisions(chapter.section);
    for block in &mut blocks {
        if let Block::Decisions { decisions } = block {
            decisions.iter_mut().for_each(|decision| keep(chapter, decision));
            decisions.retain(|d| d.answer.is_some() || !d.facts.is_empty() || !d.items.is_empty());
        }
    }
    blocks.retain(|block| !matches!(block, Block::Decisions { decisions } if decisions.is_empty()));
    blocks
}

fn keep(chapter: &Chapter, decision: &mut Decision) {
    decision.facts.retain(|fact| is_shown(chapter, fact));
    decision.items.retain_mut(|item| {
        item.facts.retain(|fact| is_shown(chapter, fact));
        true
    });
    decision.signed.clear();
}

fn is_shown(chapter: &Chapter, fact: &Fact) -> bool {
    fact.key.as_deref().is_some_and(|key| match key.split('/').collect::<Vec<_>>().as_slice() {
        [list, _, name] => chapter.shown.contains(&format!("{list}/{name}").as_str()),
        _ => chapter.shown.contains(&key),
    })
}

/// The items of a list that have not ended and were not entered in error.
fn items(write: &Writer<'_>, chapter: &Chapter, list: &ListView) -> Option<Block> {
    let of_list = format!("{}/", list.list);
    if !chapter.shown.iter().any(|shown| shown.starts_with(&of_list)) {
        return None;
    }
    let current = list.items.iter().filter(|item| !item.ended && !item.in_error);
    let items: Vec<Item> = current.map(|item: &ItemView| item_of(write, chapter, list.list, item)).collect();
    (!items.is_empty()).then_some(Block::List { list: list.list, items })
}

fn item_of(write: &Writer<'_>, chapter: &Chapter, list: &str, item: &ItemView) -> Item {
    let mut shown = write.item(list, item);
    shown.facts.retain(|fact| is_shown(chapter, fact));
    shown.note = None;
    shown
}

fn consents(write: &Writer<'_>) -> Option<Part> {
    let part = Part::new("consent", write.locale.say("person-heading-consent", &[]));
    let texts = write.view.consents.iter().map(|consent| {
        let told = [("outcome", consent.outcome.into())];
        let id = if consent.scope == "record" { "person-consent-record" } else { "person-consent-share" };
        Block::text(write.locale.say(id, &told))
    });
    let blocks: Vec<Block> = texts.collect();
    (!blocks.is_empty()).then_some(Part { blocks, ..part })
}

/// This is not all that is written: whom to ask.
fn ask(write: &Writer<'_>) -> Part {
    let texts = ["person-ask-more", "person-ask-change", "person-ask-staff"];
    let blocks = texts.map(|id| Block::text(write.locale.say(id, &[]))).to_vec();
    Part { blocks, ..Part::new("ask", write.locale.say("person-heading-ask", &[])) }
}
