//! A plan as text, readable at eighty columns. Lines are broken between words and nowhere else: a name, a number or a
//! drug is never cut.

use super::dates::Partial;
use super::leaf::NOT_RECORDED;
use super::schema::Section;
use super::view::{
    By, ConsentView, DecisionView, FieldView, ItemView, ListView, PlanView, SectionView, ValueView,
};

const WIDTH: usize = 80;

/// Sections in the order of a crew's questions. [`ALWAYS`] are shown even when nothing stands in them.
const FIRST: [Section; 8] = [
    Section::Cpr,
    Section::Escalation,
    Section::Legal,
    Section::Preferences,
    Section::WhatMatters,
    Section::Contacts,
    Section::Alerts,
    Section::Medicines,
];

const ALWAYS: [(Section, Option<(&str, &str)>); 4] = [
    (Section::Cpr, None),
    (Section::Escalation, None),
    (Section::Preferences, Some(("preferences.place_of_death_1", "Place of death, first"))),
    (Section::Medicines, Some(("allergies.status", "Allergies"))),
];

/// The whole plan.
#[must_use]
pub fn render_text(view: &PlanView) -> String {
    let mut page = Page::default();
    page.banner(&view.banner.parts);
    page.line(0, &view.as_of.text);
    if view.waiting > 0 {
        let changes = if view.waiting == 1 { "change" } else { "changes" };
        page.line(0, &format!("{} {changes} made here not sent yet", view.waiting));
    }
    page.blank();
    for alert in &view.alerts {
        page.wrapped(0, "!! ", &alert.text);
    }
    page.blank();
    let rest = Section::ALL.into_iter().filter(|section| !FIRST.contains(section));
    for section in FIRST.into_iter().chain(rest) {
        page.section(section, view.section(section));
    }
    if !view.consents.is_empty() {
        page.line(0, "CONSENT");
        view.consents.iter().for_each(|consent| page.consent(consent));
    }
    page.finish()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn banner(&mut self, parts: &[String]) {
        let mut line = String::new();
        for part in parts {
            if !line.is_empty() && line.chars().count() + 2 + part.chars().count() > WIDTH {
                self.line(0, &format!("{line};"));
                line = format!("  {part}");
            } else if line.is_empty() {
                line.clone_from(part);
            } else {
                line += &format!("; {part}");
            }
        }
        self.line(0, &line);
    }

    fn section(&mut self, section: Section, view: &SectionView) {
        let always = ALWAYS.iter().find(|(always, _)| *always == section).map(|(_, expected)| *expected);
        if view.is_empty() && always.is_none() {
            return;
        }
        self.line(0, &view.title.to_uppercase());
        if view.is_empty() && always == Some(None) {
            self.line(2, NOT_RECORDED);
        }
        if let Some((key, label)) = always.flatten()
            && view.field(key).is_none()
        {
            self.line(2, &format!("{label}: {NOT_RECORDED}"));
        }
        if view.in_conflict {
            let count = view.decisions.len();
            self.line(2, &format!("** IN CONFLICT: {count} decisions stand. A clinician must decide. **"));
        }
        for (at, decision) in view.decisions.iter().enumerate() {
            let number = view.in_conflict.then_some(at + 1);
            self.decision(section, number, decision);
        }
        view.fields.iter().for_each(|field| self.field(2, field));
        view.lists.iter().for_each(|list| self.list(2, list));
        self.blank();
    }

    fn decision(&mut self, section: Section, number: Option<usize>, decision: &DecisionView) {
        let indent = if let Some(number) = number {
            self.line(2, &format!("Decision {number}"));
            4
        } else {
            2
        };
        decision.fields.iter().for_each(|field| self.field(indent, field));
        decision.lists.iter().for_each(|list| self.list(indent, list));
        self.wrapped(indent, "", &format!("Recorded by {}", who(&decision.by)));
        if decision.endorsed_by.is_empty() && section.is_endorsed() {
            self.line(indent, "Not endorsed");
        }
        for by in &decision.endorsed_by {
            self.wrapped(indent, "", &format!("Endorsed by {}", who(by)));
        }
    }

    fn field(&mut self, indent: usize, field: &FieldView) {
        match field.values.as_slice() {
            [value] => self.wrapped(indent, &format!("{}: ", field.label), &said(value)),
            values => {
                self.line(indent, &format!("{}: MORE THAN ONE ANSWER", field.label));
                values.iter().for_each(|value| self.wrapped(indent + 2, "- ", &said(value)));
            }
        }
    }

    fn list(&mut self, indent: usize, list: &ListView) {
        for item in &list.items {
            let mark = match (item.in_error, item.ended) {
                (true, _) => "(ENTERED IN ERROR) ",
                (false, true) => "(ended) ",
                (false, false) => "",
            };
            if list.list == "medicine" {
                self.medicine(indent, mark, item);
            } else {
                self.item(indent, mark, item);
            }
        }
    }

    fn item(&mut self, indent: usize, mark: &str, item: &ItemView) {
        let Some((first, rest)) = item.fields.split_first() else {
            return;
        };
        let start = self.0.len();
        self.field(indent + 2, first);
        self.bullet(start, indent, mark);
        rest.iter().for_each(|field| self.field(indent + 2, field));
    }

    /// Turns the two spaces before a just written line into a bullet.
    fn bullet(&mut self, start: usize, indent: usize, mark: &str) {
        self.0.replace_range(start + indent..start + indent + 2, &format!("* {mark}"));
    }

    /// Generic - BRAND - strength - form - DOSE - route - frequency; then the rest, field by field.
    fn medicine(&mut self, indent: usize, mark: &str, item: &ItemView) {
        const LINE: [&str; 7] = ["name", "brand", "strength", "form", "dose", "route", "frequency"];
        let name = |field: &FieldView| field.key.rsplit('/').next().unwrap_or_default().to_owned();
        let part = |wanted: &str| {
            let field = item.fields.iter().find(|field| name(field) == wanted)?;
            let answers: Vec<&str> = field.values.iter().map(|value| value.text.as_str()).collect();
            let words = answers.join(" OR ");
            Some(match wanted {
                "brand" => words.to_uppercase(),
                "dose" => format!("DOSE {words}"),
                _ => words,
            })
        };
        let missing =
            |wanted: &str| matches!(wanted, "name" | "dose").then(|| format!("{wanted} not recorded"));
        let parts: Vec<String> =
            LINE.iter().filter_map(|wanted| part(wanted).or_else(|| missing(wanted))).collect();
        self.wrapped(indent, &format!("* {mark}"), &parts.join(" - "));
        for field in &item.fields {
            if !LINE.contains(&name(field).as_str()) || field.values.len() > 1 {
                self.field(indent + 2, field);
            }
        }
        let written =
            item.fields.iter().flat_map(|field| &field.values).filter_map(|value| value.by.as_ref());
        if let Some(last) = written.max_by(|a, b| a.time.cmp(&b.time)) {
            self.wrapped(indent + 2, "", &format!("Recorded by {}", who(last)));
        }
    }

    fn consent(&mut self, consent: &ConsentView) {
        let note = if consent.note.is_empty() { String::new() } else { format!(": {}", consent.note) };
        self.wrapped(2, "", &format!("{}{note}; recorded by {}", consent.text, who(&consent.by)));
    }

    /// Words after a label, broken at [`WIDTH`] and continued two columns further in. Lines of the text stay lines.
    fn wrapped(&mut self, indent: usize, label: &str, text: &str) {
        let mut line = format!("{:indent$}{label}", "");
        let mut empty = true;
        for (at, paragraph) in text.lines().enumerate() {
            if at > 0 {
                self.push(&line);
                line = format!("{:1$}", "", indent + 2);
                empty = true;
            }
            for word in paragraph.split_whitespace() {
                let space = usize::from(!empty);
                if !empty && line.chars().count() + space + word.chars().count() > WIDTH {
                    self.push(&line);
                    line = format!("{:1$}", "", indent + 2);
                    empty = true;
                }
                if !empty {
                    line.push(' ');
                }
                line += word;
                empty = false;
            }
        }
        self.push(&line);
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.push(&format!("{:indent$}{text}", ""));
    }

    fn push(&mut self, line: &str) {
        self.0 += line.trim_end();
        self.0.push('\n');
    }

    fn blank(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    fn finish(self) -> String {
        format!("{}\n", self.0.trim_end())
    }
}

fn said(value: &ValueView) -> String {
    let mut notes = Vec::new();
    if value.correction {
        notes.push("correction".to_owned());
    }
    match value.heard_from {
        Some("record") => notes.push("from a record".to_owned()),
        Some(source) if value.by.is_some() => {
            notes.push(format!("heard from {source}").replace("heard from observed", "observed"))
        }
        _ => {}
    }
    if let Some(by) = &value.by {
        let with = value.with.iter().map(|name| format!(" with {name}")).collect::<String>();
        notes.push(format!("{}, {}{with}, {}", by.author, by.role, by.day));
    }
    if let Some(confirmed) = &value.confirmed {
        let day =
            confirmed.get(..10).and_then(Partial::parse).map_or_else(|| confirmed.clone(), Partial::show);
        notes.push(format!("confirmed {day}"));
    }
    if notes.is_empty() { value.text.clone() } else { format!("{} ({})", value.text, notes.join("; ")) }
}

fn who(by: &By) -> String {
    let organisation = by.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    format!("{} ({}{organisation}), {}", by.author, by.role, by.day)
}
