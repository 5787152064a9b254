//! What fits on one sheet of paper: what is most needed first, and a count of what did not fit.
//!
//! How much fits is reckoned in lines and not laid out. The reckoning is on the safe side; `cargo xtask pages` prints the
//! page in a browser and counts its sheets.

use super::write::{Writer, is_on_the_line};
use super::{Block, Decision, Fact, Item, Mark, Part};
use crate::limits::{SUMMARY_LINE_CHARS, SUMMARY_LINES_MAX};
use crate::plan::schema::Section;
use crate::plan::view::{FieldView, ItemView, ListView, PlanView, SectionView};

/// What belongs on the page, in the order in which it gets its room: a section, and of its fields and lists these.
const WANTED: [(Section, &[&str]); 13] = [
    (Section::Cpr, &["cpr.reason", "cpr.review_date", "cpr.discussed_person", "cpr.form_location"]),
    (Section::Escalation, &[EVERYTHING]),
    (Section::Legal, &[]),
    (Section::Alerts, &["alert"]),
    (
        Section::Medicines,
        &["allergies.status", "allergy", "medicine", "anticipatory.status", "anticipatory.where_kept"],
    ),
    (Section::Symptoms, &[]),
    (
        Section::Preferences,
        &["preferences.place_of_care_1", "preferences.place_of_death_1", "preferences.place_of_death_2"],
    ),
    (Section::Contacts, &["contact"]),
    (Section::Diagnoses, &["diagnoses.primary"]),
    (Section::WhatMatters, &["wishes.most_value", "wishes.most_fear", "wishes.wishes"]),
    (Section::CareTeam, &["gp.practice", "gp.phone", "team.key_worker", "professional"]),
    (Section::Home, &["home.lives_alone", "home.hazards", "home.medicines_kept", "home.documents_kept"]),
    (Section::Communication, &["communication.mode", "communication.interpreter"]),
];

const EVERYTHING: &str = "*";

/// What is said of an item: more is in the whole plan.
const OF_ITEMS: [&str; 18] = [
    "relationship",
    "phone_1",
    "phone_2",
    "emergency",
    "next_of_kin",
    "phone",
    "phone_out_of_hours",
    "group",
    "reaction",
    "details",
    "first_action",
    "if_no_better",
    "call_out_of_hours",
    "where",
    "about",
    "made",
    "holder",
    "location",
];

/// A heading with its rule takes this many lines.
const HEADING: usize = 2;
/// Kept for the last part, which says what found no room.
const REST: usize = 6;

pub(super) fn parts(write: &Writer<'_>, marks: &[Mark]) -> Vec<Part> {
    let mut room = Room {
        left: (SUMMARY_LINES_MAX - REST).saturating_sub(lines_of_marks(marks)),
        crowded_out: Vec::new(),
    };
    let mut shown = 0;
    let mut parts = Vec::new();
    if let Some(alerts) = write.alert_part("alerts-first", &["danger"]) {
        parts.extend(room.part(alerts, &mut 0));
    }
    for (section, wanted) in WANTED {
        let part = part(write, section, wanted);
        parts.extend(room.part(part, &mut shown));
    }
    parts.push(rest(write, shown, &room.crowded_out));
    parts
}

fn part(write: &Writer<'_>, section: Section, wanted: &[&str]) -> Part {
    let view = write.view.section(section);
    let mut part = Part::new(section.name(), write.title(section));
    part.marks.extend(write.review(view).filter(|mark| mark.severity != "note"));
    part.blocks = write.decisions(section);
    for block in &mut part.blocks {
        if let Block::Decisions { decisions } = block {
            for decision in decisions {
                decision.facts.retain(|fact| wanted.contains(&EVERYTHING) || is_wanted(fact, wanted));
                decision.items.iter_mut().for_each(shorten);
            }
        }
    }
    let mut facts = Vec::new();
    for key in wanted.iter().filter(|key| key.contains('.')) {
        facts.extend(view.field(key).map(|field| write.fact(field)));
    }
    for (key, of) in
        [("preferences.place_of_death_1", Section::Preferences), ("allergies.status", Section::Medicines)]
    {
        if of == section && view.field(key).is_none() {
            facts.insert(0, write.not_recorded(key));
        }
    }
    if section == Section::Cpr && part.blocks.is_empty() {
        part.marks.push(write.mark("warning", "cpr-not-recorded", write.say("cpr-not-recorded", &[])));
    }
    if !facts.is_empty() {
        part.blocks.push(Block::Facts { facts, note: None });
    }
    for list in view.lists.iter().filter(|list| wanted.contains(&list.list)) {
        let current = list.items.iter().filter(|item| !item.ended && !item.in_error);
        let mut items: Vec<Item> = current.map(|item| write.item(list.list, item)).collect();
        items.iter_mut().for_each(shorten);
        if !items.is_empty() {
            part.blocks.push(Block::List { list: list.list, items });
        }
    }
    part
}

fn is_wanted(fact: &Fact, wanted: &[&str]) -> bool {
    fact.several.is_some() || fact.key.as_deref().is_some_and(|key| wanted.contains(&key))
}

fn shorten(item: &mut Item) {
    item.facts.retain(|fact| {
        let name = fact.key.as_deref().and_then(|key| key.rsplit('/').next()).unwrap_or_default();
        OF_ITEMS.contains(&name) || fact.several.is_some()
    });
    item.note = None;
}

/// What the whole plan has beyond this page.
fn rest(write: &Writer<'_>, shown: usize, crowded_out: &[String]) -> Part {
    let mut part = Part::new("rest", write.say("heading-rest", &[]));
    if !crowded_out.is_empty() {
        let mut what = crowded_out.to_vec();
        what.dedup();
        let told = [("count", crowded_out.len().into()), ("what", what.join("; ").into())];
        part.marks.push(write.mark("warning", "no-room", write.say("rest-no-room", &told)));
    }
    let more = answers(write.view).saturating_sub(shown);
    part.blocks.push(Block::text(match more {
        0 => write.say("rest-nothing", &[]),
        count => write.say("rest-more", &[("count", count.into())]),
    }));
    part
}

/// The lines that are left on the page, and the headings under which something found none.
struct Room {
    left: usize,
    crowded_out: Vec<String>,
}

impl Room {
    /// As much of a part as there is room for. A decision, a fact, an item is there whole or not at all.
    fn part(&mut self, part: Part, shown: &mut usize) -> Option<Part> {
        if part.is_empty() {
            return None;
        }
        let heading = part.heading.clone();
        let had_blocks = !part.blocks.is_empty();
        let mut kept = Part { blocks: Vec::new(), ..part };
        let opening = HEADING + lines_of_marks(&kept.marks);
        let before = self.left;
        self.left = self.left.saturating_sub(opening);
        for block in part.blocks {
            kept.blocks.extend(self.block(block, &heading, shown));
        }
        if kept.blocks.is_empty() && (had_blocks || kept.marks.is_empty()) {
            self.left = before;
            return None;
        }
        Some(kept)
    }

    fn block(&mut self, block: Block, heading: &str, shown: &mut usize) -> Option<Block> {
        match block {
            Block::Facts { mut facts, note } => {
                facts.retain(|fact| self.take(lines_of_fact(fact), heading, recorded(fact), shown));
                (!facts.is_empty()).then_some(Block::Facts { facts, note })
            }
            Block::List { list, mut items } => {
                items.retain(|item| self.take(lines_of_item(item), heading, answers_of_item(item), shown));
                (!items.is_empty()).then_some(Block::List { list, items })
            }
            Block::Decisions { mut decisions } => {
                decisions.retain_mut(|decision| self.decision(decision, heading, shown));
                (!decisions.is_empty()).then_some(Block::Decisions { decisions })
            }
            Block::Marks { marks } => {
                self.left = self.left.saturating_sub(lines_of_marks(&marks));
                Some(Block::Marks { marks })
            }
            text @ Block::Text { .. } => Some(text),
        }
    }

    /// A decision that is too long for the page gives up what finds no room, never the answer that is looked for.
    fn decision(&mut self, decision: &mut Decision, heading: &str, shown: &mut usize) -> bool {
        let fixed =
            1 + lines_of_marks(&decision.marks) + decision.signed.iter().map(|s| lines(s)).sum::<usize>();
        let answer = usize::from(decision.answer.is_some());
        let (before, all) = (self.left, decision.facts.len() + decision.items.len());
        if !self.take(fixed + 2 * answer, heading, answer, shown) {
            return false;
        }
        decision.facts.retain(|fact| self.take(lines_of_fact(fact), heading, recorded(fact), shown));
        decision.items.retain(|item| self.take(lines_of_item(item), heading, answers_of_item(item), shown));
        let empty = answer == 0 && all > 0 && decision.facts.is_empty() && decision.items.is_empty();
        if empty {
            self.left = before;
        }
        !empty
    }

    fn take(&mut self, lines: usize, heading: &str, answers: usize, shown: &mut usize) -> bool {
        if lines > self.left {
            self.crowded_out.extend(std::iter::repeat_n(heading.to_owned(), answers));
            return false;
        }
        self.left -= lines;
        *shown += answers;
        true
    }
}

fn recorded(fact: &Fact) -> usize {
    usize::from(fact.said.iter().any(|said| said.answer != "not-recorded"))
}

fn lines_of_marks(marks: &[Mark]) -> usize {
    marks
        .iter()
        .map(|mark| {
            lines(&format!("{} {} {}", mark.word, mark.text, mark.action.as_deref().unwrap_or_default()))
        })
        .sum()
}

fn lines_of_fact(fact: &Fact) -> usize {
    let one_by_one = fact.said.iter().map(|said| {
        let note = said.note.as_deref().map_or(0, lines);
        lines(&said.text) + note
    });
    let label = fact.label.chars().count();
    match fact.said.as_slice() {
        [one] if !one.text.contains('\n') => {
            one_by_one.sum::<usize>().max((label + 2 + width(&one.text)).div_ceil(SUMMARY_LINE_CHARS))
        }
        _ => 1 + one_by_one.sum::<usize>(),
    }
}

/// An item's facts follow its title on the same line.
fn lines_of_item(item: &Item) -> usize {
    let facts = item.facts.iter().map(|fact| {
        let said: usize = fact.said.iter().map(|said| width(&said.text) + 2).sum();
        width(&fact.label) + 2 + said
    });
    let state = item.state.as_deref().map_or(0, width);
    (width(&item.title) + state + facts.sum::<usize>()).div_ceil(SUMMARY_LINE_CHARS).max(1)
}

fn lines(text: &str) -> usize {
    text.lines().map(|line| width(line).div_ceil(SUMMARY_LINE_CHARS).max(1)).sum()
}

/// Letters of other scripts are up to twice as wide; a word that does not fit leaves its line unfilled.
fn width(line: &str) -> usize {
    line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// How many questions are answered in the whole plan.
fn answers(view: &PlanView) -> usize {
    let of_items = |lists: &[ListView]| -> usize {
        let of_list = |list: &ListView| list.items.iter().map(|item| answers_of(list, item)).sum::<usize>();
        lists.iter().map(of_list).sum()
    };
    let of_section = |section: &SectionView| -> usize {
        let decided = section.decisions.iter().map(|d| d.fields.len() + of_items(&d.lists)).sum::<usize>();
        let fields: &[FieldView] = &section.fields;
        fields.len() + of_items(&section.lists) + decided
    };
    view.sections.iter().filter(|section| section.number != Section::Control.number()).map(of_section).sum()
}

/// A medicine's line is one answer.
fn answers_of(list: &ListView, item: &ItemView) -> usize {
    let on_the_line = |field: &&FieldView| list.list == "medicine" && is_on_the_line(field);
    let lines = usize::from(list.list == "medicine");
    lines + item.fields.iter().filter(|field| !on_the_line(field)).count()
}

/// The title of an item is an answer, unless it only names the answers that follow.
fn answers_of_item(item: &Item) -> usize {
    item.facts.len() + usize::from(item.facts.first().is_none_or(|fact| fact.label != item.title))
}
