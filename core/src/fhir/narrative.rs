//! What people read in a document: XHTML, one list for each section. Everything that stands is in it.

use bedside_protocol::entry::Compartment;

use super::answer::clean;
use crate::plan::kept::mark;
use crate::plan::locale::Locale;
use crate::plan::schema::Section;
use crate::plan::view::{By, DecisionView, FieldView, ListView, PlanView, SectionView, ValueView};

/// A section as a `div`.
pub(super) fn section_text(section: Section, shown: &SectionView, view: &PlanView) -> String {
    let mut text = Text::default();
    match section {
        Section::Control => {
            text.line("b", &view.banner.parts.join("; "));
            text.line("p", &view.as_of.text);
            if view.shared_only {
                text.line("b", &Locale::british_english().say("foot-shared-only", &[]));
            }
            view.alerts.iter().for_each(|alert| text.line("p", &format!("!! {}", alert.text)));
        }
        Section::Capacity => {
            for consent in &view.consents {
                let note =
                    if consent.note.is_empty() { String::new() } else { format!(": {}", consent.note) };
                text.line("p", &format!("{}{note}; recorded by {}", consent.text, who(&consent.by)));
            }
        }
        _ => {}
    }
    if shown.in_conflict {
        let count = shown.decisions.len();
        text.line("b", &format!("IN CONFLICT: {count} decisions stand. A clinician must decide."));
    }
    shown.decisions.iter().for_each(|decision| text.decision(section, decision));
    text.fields(&shown.fields);
    shown.lists.iter().for_each(|list| text.list(list));
    if text.0.is_empty() {
        text.line("p", &Locale::british_english().say("not-recorded", &[]));
    }
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", text.0)
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, element: &str, words: &str) {
        let inner = escape(words);
        // Bold stands in a paragraph of its own.
        self.0 += &match element {
            "b" => format!("<p><b>{inner}</b></p>"),
            element => format!("<{element}>{inner}</{element}>"),
        };
    }

    fn decision(&mut self, section: Section, decision: &DecisionView) {
        if decision.kept_in.is_some() {
            self.line("b", KEPT);
        }
        self.fields(&decision.fields);
        decision.lists.iter().for_each(|list| self.list(list));
        self.line("p", &format!("Recorded by {}", who(&decision.by)));
        if decision.endorsed_by.is_empty() && section.is_endorsed() {
            self.line("p", "Not endorsed");
        }
        decision.endorsed_by.iter().for_each(|by| self.line("p", &format!("Endorsed by {}", who(by))));
    }

    fn fields(&mut self, fields: &[FieldView]) {
        if !fields.is_empty() {
            self.0 += "<ul>";
            fields.iter().for_each(|field| self.field(field));
            self.0 += "</ul>";
        }
    }

    fn field(&mut self, field: &FieldView) {
        let said: Vec<String> = field.values.iter().map(said).collect();
        let words = match said.as_slice() {
            [one] => one.clone(),
            several => format!("MORE THAN ONE ANSWER: {}", several.join(" / ")),
        };
        self.line("li", &format!("{}: {words}", field.label));
    }

    fn list(&mut self, list: &ListView) {
        for item in &list.items {
            if item.in_error {
                self.line("b", "ENTERED IN ERROR");
            } else if item.ended {
                self.line("b", "Ended");
            }
            self.fields(&item.fields);
        }
    }
}

const KEPT: &str = "KEPT FROM THE PERSON";

fn said(value: &ValueView) -> String {
    let mut notes = Vec::new();
    notes.extend((value.kept_in == mark(Compartment::Professional)).then(|| KEPT.to_owned()));
    notes.extend(value.correction.then(|| "correction".to_owned()));
    notes.extend(value.heard_from.map(|source| format!("heard from: {source}")));
    notes.extend(value.by.as_ref().map(who));
    if notes.is_empty() { value.text.clone() } else { format!("{} ({})", value.text, notes.join("; ")) }
}

fn who(by: &By) -> String {
    let organisation = by.organisation.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    format!("{} ({}{organisation}), {}", by.author, by.role, by.day)
}

fn escape(text: &str) -> String {
    let text =
        clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace("\r\n", "\n").replace(['\n', '\r'], "<br/>")
}
