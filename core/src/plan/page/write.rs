//! Answers, items, decisions and sections in the words of a language. What every page has in common.

use std::collections::BTreeSet;

use super::{Audience, Block, Decision, Fact, Item, Mark, Part, Said};
use crate::limits::VIEW_STALE_MS;
use crate::plan::codes::{self, Code};
use crate::plan::dates::{self, Partial};
use crate::plan::locale::{Args, Locale, code_id, field_id, section_id};
use crate::plan::phrases;
use crate::plan::schema::{self, Section};
use crate::plan::view::{
    Alert, ConsentView, DecisionView, FieldView, ItemView, ListView, PlanView, SectionView, ValueView,
};

/// Alerts about the page itself: that it was opened without consent, and what is missing from it. They stand under the banner.
const OF_THE_PAGE: [&str; 6] = ["break-glass", "held", "unreadable", "left-out", "passed-over", "to-come"];

/// Lists whose items are known by a name that needs no label.
const NAMED: [&str; 3] = ["contact", "professional", "problem"];

/// The parts of a medicine's line: generic - BRAND - strength - form - DOSE - route - frequency.
const MEDICINE: [&str; 7] = ["name", "brand", "strength", "form", "dose", "route", "frequency"];

/// Writes a view's answers for one kind of reader in one language.
pub(super) struct Writer<'a> {
    pub(super) view: &'a PlanView,
    pub(super) locale: &'a Locale,
    audience: Audience,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(view: &'a PlanView, audience: Audience, locale: &'a Locale) -> Self {
        Self { view, locale, audience }
    }

    fn is_plain(&self) -> bool {
        self.audience == Audience::Person
    }

    /// A message: for the person the one in plain words, where there is one.
    pub(super) fn say(&self, id: &str, args: Args<'_>) -> String {
        self.locale.say(&self.plain(id), args)
    }

    fn plain(&self, id: &str) -> String {
        let plain = format!("person-{id}");
        if self.is_plain() && self.locale.has(&plain) { plain } else { id.to_owned() }
    }

    /// A label, likewise.
    pub(super) fn label(&self, id: &str, otherwise: &str) -> String {
        let plain = format!("person-{id}");
        let plain = self.is_plain().then_some(plain.as_str());
        self.locale.label(plain.into_iter().chain([id]), otherwise)
    }

    pub(super) fn mark(&self, severity: &'static str, kind: &'static str, text: String) -> Mark {
        let word = match severity {
            "danger" => "severity-danger",
            "warning" => "severity-warning",
            _ => "severity-note",
        };
        Mark { kind, severity, word: self.say(word, &[]), text, action: None }
    }

    /// What stands under the banner of every page.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let view = self.view;
        let mut marks = Vec::new();
        match view.kind {
            "locked" => marks.push(self.mark("danger", "locked", self.say("mark-locked", &[]))),
            "past" => marks.push(self.mark("warning", "past", self.say("mark-past", &[]))),
            _ => {}
        }
        let time = |text: &Option<String>| text.as_deref().and_then(dates::from_rfc3339);
        let (now, contact) = (time(&view.as_of.now), time(&view.as_of.last_contact));
        let stale = contact.zip(now).is_none_or(|(contact, now)| now.since(contact) > VIEW_STALE_MS);
        let severity = if stale && view.kind != "past" { "warning" } else { "note" };
        let (message, when) = phrases::as_of(view.kind, now, contact);
        marks.push(self.mark(severity, "as-of", self.say(message, &when)));
        if view.kind != "locked" {
            marks.push(self.approval());
            if let Some(reason) = &view.control.reason {
                marks.push(self.mark(
                    "note",
                    "reason",
                    self.say("mark-reason", &[("reason", reason.into())]),
                ));
            }
        }
        if view.waiting > 0 {
            let count = [("count", view.waiting.into())];
            marks.push(self.mark("note", "waiting", self.say("mark-waiting", &count)));
        }
        let of_the_page = view.alerts.iter().filter(|alert| OF_THE_PAGE.contains(&alert.kind));
        marks.extend(of_the_page.map(|alert| self.alert(alert)));
        marks.sort_by_key(|mark| mark.severity != "danger");
        marks
    }

    /// How the plan as a whole stands, and who approved it last.
    fn approval(&self) -> Mark {
        let control = &self.view.control;
        let status = self.status().into();
        let severity = if control.status == "approved" { "note" } else { "warning" };
        let text = match &control.latest_approver {
            Some(by) => {
                let role = phrases::role(self.locale, by.role).into();
                let told = [("author", (&by.author).into()), ("role", role), ("day", (&by.day).into())];
                self.say("approval-latest", &[&[("status", status)][..], &told].concat())
            }
            None => self.say("approval-none", &[("status", status)]),
        };
        self.mark(severity, "approval", text)
    }

    fn status(&self) -> String {
        let status = self.view.control.status;
        let code = codes::find(codes::Set::PlanStatus, status);
        code.map_or_else(String::new, |code| self.code(code))
    }

    pub(super) fn alert(&self, alert: &Alert) -> Mark {
        let id = self.plain(&alert.message());
        let (text, action) = (self.locale.say(&id, &alert.args), self.locale.action(&id, &alert.args));
        Mark { action: Some(action), ..self.mark(alert.severity, alert.kind, text) }
    }

    /// Alerts of some severities that do not stand among the marks already.
    pub(super) fn alerts(&self, severities: &[&str]) -> Vec<Mark> {
        let elsewhere = |alert: &&Alert| !OF_THE_PAGE.contains(&alert.kind) && alert.kind != "not-approved";
        let wanted = self.view.alerts.iter().filter(elsewhere).filter(|a| severities.contains(&a.severity));
        wanted.map(|alert| self.alert(alert)).collect()
    }

    /// A part with alerts; none when there are none.
    pub(super) fn alert_part(&self, id: &'static str, severities: &[&str]) -> Option<Part> {
        let marks = self.alerts(severities);
        let heading = self.say(if id == "alerts-first" { "heading-alerts" } else { "heading-check" }, &[]);
        (!marks.is_empty()).then(|| Part { blocks: vec![Block::Marks { marks }], ..Part::new(id, heading) })
    }

    /// What is shown to whoever may not read the plan since consent was withdrawn.
    pub(super) fn locked(&self) -> Vec<Part> {
        self.alert_part("alerts-first", &["danger"]).into_iter().chain(self.consents()).collect()
    }

    /// Every consent that stands; none when there is none.
    pub(super) fn consents(&self) -> Option<Part> {
        let items: Vec<Item> = self.view.consents.iter().map(|consent| self.consent(consent)).collect();
        let heading = self.say("heading-consent", &[]);
        (!items.is_empty()).then(|| Part {
            blocks: vec![Block::List { list: "consent", items }],
            ..Part::new("consent", heading)
        })
    }

    fn consent(&self, consent: &ConsentView) -> Item {
        let said = phrases::consent(self.locale, consent);
        let title = if consent.note.is_empty() {
            said
        } else {
            self.say("consent-noted", &[("consent", said.into()), ("note", (&consent.note).into())])
        };
        let mut note = Vec::new();
        if let Some(grounds) = &consent.grounds {
            note.push(self.say("consent-by", &[("who", (&grounds.by).into())]));
            if !grounds.consulted.is_empty() {
                note.push(self.say("consent-consulted", &[("people", grounds.consulted.join(", ").into())]));
            }
            note.push(self.say("consent-why", &[("why", (&grounds.rationale).into())]));
        }
        note.push(self.say("recorded-by", &[("by", phrases::by(self.locale, &consent.by).into())]));
        Item { title, state: None, kept: None, facts: Vec::new(), note: Some(note.join("; ")) }
    }

    pub(super) fn title(&self, section: Section) -> String {
        self.label(&section_id(section), section.title())
    }

    /// A section with everything that stands in it.
    pub(super) fn section(&self, section: Section) -> Part {
        let shown = self.view.section(section);
        let mut part = Part::new(section.name(), self.title(section));
        part.marks.extend(self.review(shown));
        part.blocks.extend(self.decisions(section));
        part.blocks.extend(self.facts(&shown.fields));
        part.blocks.extend(shown.lists.iter().map(|list| self.list(list)));
        part
    }

    /// Whether a section was approved, where that tells more than the mark of the whole plan does.
    pub(super) fn review(&self, section: &SectionView) -> Option<Mark> {
        let anybody = self.audience == Audience::Urgent || self.view.control.latest_approver.is_some();
        let told = match section.review.state {
            "approved" => !section.decisions.is_empty(),
            _ => anybody && section.number != Section::Control.number(),
        };
        let severity = if section.review.state == "approved" { "note" } else { "warning" };
        let text = phrases::review(self.locale, &section.review).filter(|_| told);
        text.map(|text| self.mark(severity, "review", text))
    }

    /// The decisions of a section, and what is to be known of them together.
    pub(super) fn decisions(&self, section: Section) -> Vec<Block> {
        let shown = self.view.section(section);
        if shown.decisions.is_empty() {
            // Urgent care is not shown what nobody has approved: that is not the same as nothing.
            let waits = shown.unapproved > 0;
            let mark = || self.mark("warning", "decision-waits", self.say("decision-waits", &[]));
            return waits.then(|| Block::Marks { marks: vec![mark()] }).into_iter().collect();
        }
        let count = shown.decisions.len();
        let told = [("count", count.into())];
        let conflict =
            shown.in_conflict.then(|| self.mark("danger", "in-conflict", self.say("in-conflict", &told)));
        let number = |at: usize| (count > 1).then(|| (at + 1).to_string());
        let decisions = shown.decisions.iter().enumerate();
        let decisions =
            decisions.map(|(at, decision)| self.decision(section, number(at), decision)).collect();
        let conflict = conflict.map(|mark| Block::Marks { marks: vec![mark] });
        conflict.into_iter().chain([Block::Decisions { decisions }]).collect()
    }

    fn decision(&self, section: Section, number: Option<String>, decision: &DecisionView) -> Decision {
        let answer = (section == Section::Cpr).then(|| decision.field("cpr.decision")).flatten();
        let fields = decision.fields.iter().filter(|field| answer.is_none() || field.key != "cpr.decision");
        let mut marks = Vec::new();
        if decision.kept_in.is_some() {
            marks.push(self.mark("warning", "kept-from-person", self.say("decision-kept", &[])));
        }
        if !decision.current {
            marks.push(self.mark("warning", "decision-replaced", self.say("decision-replaced", &[])));
        } else if !decision.approved && self.view.kind == "urgent" {
            marks.push(self.mark("warning", "decision-not-approved", self.say("decision-not-approved", &[])));
        }
        let by = |by| phrases::by(self.locale, by).into();
        let mut signed = vec![self.say("recorded-by", &[("by", by(&decision.by))])];
        signed.extend(decision.endorsed_by.iter().map(|one| self.say("endorsed-by", &[("by", by(one))])));
        if section.is_endorsed() && decision.endorsed_by.is_empty() {
            signed.push(self.say("not-endorsed", &[]));
        }
        Decision {
            title: number.map(|number| self.say("decision-number", &[("number", number.into())])),
            answer: answer.map(|field| self.cpr(field)),
            marks,
            facts: fields.map(|field| self.fact(field)).collect(),
            items: decision.lists.iter().flat_map(|list| self.items(list)).collect(),
            signed,
        }
    }

    /// The answer about CPR: as coded it names itself; in somebody's words it is told what it is about.
    fn cpr(&self, field: &FieldView) -> String {
        let coded = |value: &&ValueView| value.code.is_some();
        match field.values.first().filter(coded) {
            Some(value) => self.answer(&field.key, value),
            None => {
                let words: Vec<String> = field.values.iter().map(|v| self.answer(&field.key, v)).collect();
                self.say("cpr-in-words", &[("answer", words.join("; ").into())])
            }
        }
    }

    /// Fields as one block; none when there are none.
    pub(super) fn facts(&self, fields: &[FieldView]) -> Option<Block> {
        let mut facts: Vec<Fact> = fields.iter().map(|field| self.fact(field)).collect();
        let note = self.common_note(&mut facts);
        (!facts.is_empty()).then_some(Block::Facts { facts, note })
    }

    /// Where all of some answers come from is said once.
    fn common_note(&self, facts: &mut [Fact]) -> Option<String> {
        let notes: BTreeSet<Option<String>> =
            facts.iter().flat_map(|fact| &fact.said).map(|said| said.note.clone()).collect();
        let mut notes = notes.into_iter();
        let (Some(Some(note)), None, true) = (notes.next(), notes.next(), facts.len() > 1) else {
            return None;
        };
        facts.iter_mut().flat_map(|fact| &mut fact.said).for_each(|said| said.note = None);
        Some(self.say("all-from", &[("note", note.into())]))
    }

    pub(super) fn fact(&self, field: &FieldView) -> Fact {
        let several = field.values.len() > 1;
        Fact {
            label: self.field_label(field),
            key: Some(field.key.clone()),
            several: several.then(|| self.say("more-than-one", &[])),
            said: field.values.iter().map(|value| self.said(&field.key, value, several)).collect(),
        }
    }

    fn field_label(&self, field: &FieldView) -> String {
        match schema::field(&field.key) {
            Some((known, _)) => self.label(&field_id(known), known.label),
            None => field.label.clone(),
        }
    }

    /// A question that nobody has answered.
    pub(super) fn not_recorded(&self, key: &'static str) -> Fact {
        let label = schema::field(key)
            .map_or_else(String::new, |(field, _)| self.label(&field_id(field), field.label));
        let said =
            Said { text: self.say("not-recorded", &[]), answer: "not-recorded", note: None, kept: None };
        Fact { key: Some(key.to_owned()), label, several: None, said: vec![said] }
    }

    fn said(&self, key: &str, value: &ValueView, several: bool) -> Said {
        let told = self.audience == Audience::CareTeam || several || value.correction;
        Said {
            text: self.answer(key, value),
            answer: value.answer,
            note: told.then(|| self.note(value)).flatten(),
            kept: self.kept(value.kept_in),
        }
    }

    /// Of what is restricted, its answer says so.
    fn kept(&self, kept_in: Option<&str>) -> Option<String> {
        (kept_in == Some("professional")).then(|| self.say("kept-from-person", &[]))
    }

    /// An answer in words.
    pub(super) fn answer(&self, key: &str, value: &ValueView) -> String {
        let control = &self.view.control;
        let approver = match key {
            "control.first_approver" => control.first_approver.as_ref(),
            "control.latest_approver" => control.latest_approver.as_ref(),
            _ => None,
        };
        if let Some(by) = approver {
            return phrases::by(self.locale, by);
        }
        match value.answer {
            "text" | "date" | "number" => value.text.clone(),
            "coded" => self.coded(key, value),
            kind => self.say(&format!("answer-{kind}"), &[]),
        }
    }

    fn coded(&self, key: &str, value: &ValueView) -> String {
        match phrases::coded(key, value.code.as_deref(), &value.text) {
            phrases::Coded::Code(code) => self.code(code),
            phrases::Coded::With(code, words) => {
                let told = [("answer", self.code(code).into()), ("words", words.into())];
                self.say("answer-with-words", &told)
            }
            phrases::Coded::Words(words) => words.to_owned(),
        }
    }

    fn code(&self, code: &Code) -> String {
        self.label(&code_id(code), code.display)
    }

    /// Where an answer comes from.
    fn note(&self, value: &ValueView) -> Option<String> {
        let mut notes = Vec::new();
        if value.correction {
            notes.push(self.say("correction", &[]));
        }
        if let Some(source) = value.heard_from.filter(|_| value.by.is_some()) {
            notes.push(self.say("heard-from", &[("source", source.into())]));
        }
        if let Some(by) = &value.by {
            let role = phrases::role(self.locale, by.role).into();
            let told = [("author", (&by.author).into()), ("role", role), ("day", (&by.day).into())];
            notes.push(if value.with.is_empty() {
                self.say("wrote", &told)
            } else {
                let others = [("others", value.with.join(", ").into())];
                self.say("wrote-with", &[&told[..], &others].concat())
            });
        }
        if let Some(confirmed) = &value.confirmed {
            let day =
                confirmed.get(..10).and_then(Partial::parse).map_or_else(|| confirmed.clone(), Partial::show);
            notes.push(self.say("confirmed", &[("day", day.into())]));
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    pub(super) fn list(&self, list: &ListView) -> Block {
        Block::List { list: list.list, items: self.items(list) }
    }

    pub(super) fn items(&self, list: &ListView) -> Vec<Item> {
        list.items.iter().map(|item| self.item(list.list, item)).collect()
    }

    pub(super) fn item(&self, list: &str, item: &ItemView) -> Item {
        let state = match (item.in_error, item.ended) {
            (true, _) => Some(self.say("item-in-error", &[])),
            (false, true) => Some(self.say("item-ended", &[])),
            (false, false) => None,
        };
        let (title, mut facts) =
            if list == "medicine" { self.medicine(item) } else { self.titled(list, item) };
        // The title's own origin counts: what it says has gone from the facts.
        let mut all: Vec<Fact> = item.fields.iter().map(|field| self.fact(field)).collect();
        let several = facts.iter().any(|fact| fact.several.is_some());
        let note = self.common_note(&mut all);
        if note.is_some() && !several {
            facts.iter_mut().flat_map(|fact| &mut fact.said).for_each(|said| said.note = None);
        }
        let note = note.or_else(|| self.last_writer(item));
        // What is true of all of it is said once.
        let said = || all.iter().flat_map(|fact| &fact.said);
        if said().all(|said| said.kept.is_some()) {
            facts.iter_mut().flat_map(|fact| &mut fact.said).for_each(|said| said.kept = None);
        }
        Item { title, state, kept: self.kept(item.kept_in), facts, note }
    }

    /// Who wrote the newest of an item's answers.
    fn last_writer(&self, item: &ItemView) -> Option<String> {
        if self.audience != Audience::CareTeam {
            return None;
        }
        let written =
            item.fields.iter().flat_map(|field| &field.values).filter_map(|value| value.by.as_ref());
        let last = written.max_by(|a, b| a.time.cmp(&b.time))?;
        Some(self.say("recorded-by", &[("by", phrases::by(self.locale, last).into())]))
    }

    /// An item by its first answer.
    fn titled(&self, list: &str, item: &ItemView) -> (String, Vec<Fact>) {
        let Some((first, rest)) = item.fields.split_first() else { return (String::new(), Vec::new()) };
        let [value] = first.values.as_slice() else {
            return (self.field_label(first), item.fields.iter().map(|field| self.fact(field)).collect());
        };
        let answer = self.answer(&first.key, value);
        let named = NAMED.contains(&list) && first.key.ends_with("/name") && is_answered(value);
        let title = if named {
            answer
        } else {
            let told = [("label", self.field_label(first).into()), ("answer", answer.into())];
            self.say("answer-labelled", &told)
        };
        (title, rest.iter().map(|field| self.fact(field)).collect())
    }

    fn medicine(&self, item: &ItemView) -> (String, Vec<Fact>) {
        let part = |wanted: &str| {
            let field = item.fields.iter().find(|field| name(field) == wanted);
            let Some(field) = field.filter(|field| field.values.iter().all(is_answered)) else {
                return match wanted {
                    "name" => Some(self.say("medicine-name-missing", &[])),
                    "dose" => Some(self.say("medicine-dose-missing", &[])),
                    _ => None,
                };
            };
            let answers: Vec<String> = field.values.iter().map(|v| self.answer(&field.key, v)).collect();
            let words = answers.join(&format!(" {} ", self.say("medicine-or", &[])));
            Some(match wanted {
                "brand" => words.to_uppercase(),
                "dose" => self.say("medicine-dose", &[("dose", words.into())]),
                _ => words,
            })
        };
        let line: Vec<String> = MEDICINE.iter().filter_map(|wanted| part(wanted)).collect();
        let rest = item.fields.iter().filter(|field| !is_on_the_line(field));
        (line.join(" - "), rest.map(|field| self.fact(field)).collect())
    }
}

/// True for an answer to the question, and not that it was declined, or has none.
pub(super) fn is_answered(value: &ValueView) -> bool {
    matches!(value.answer, "coded" | "text" | "date" | "number")
}

/// True for a medicine's field that its line says all about.
pub(super) fn is_on_the_line(field: &FieldView) -> bool {
    MEDICINE.contains(&name(field)) && field.values.len() == 1 && field.values.iter().all(is_answered)
}

/// An item's field without its list and id.
fn name(field: &FieldView) -> &str {
    field.key.rsplit('/').next().unwrap_or_default()
}
