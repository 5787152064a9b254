//! What differs between two views of one plan, in words.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::Compartment;
use serde::Serialize;

use super::kept::mark;
use super::locale::Locale;
use super::phrases;
use super::schema::Section;
use super::view::{FieldView, ItemView, ListView, PlanView, SectionView, ValueView};

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The section's title.
    pub section: String,
    /// The field's key; of decisions that came or went, the section's name.
    pub key: String,
    /// The field's label.
    pub label: String,
    /// What stood before; several when they stood beside each other.
    pub before: Vec<String>,
    /// What stands after.
    pub after: Vec<String>,
    /// For people.
    pub text: String,
}

/// Everything that differs, in the order of the sections and in a language. What the core derives is left out.
#[must_use]
pub fn differences(before: &PlanView, after: &PlanView, locale: &Locale) -> Vec<Difference> {
    let mut found = Vec::new();
    for consent in after.consents.iter().filter(|consent| !before.consents.contains(consent)) {
        let text = phrases::consent(locale, consent);
        found.push(Difference {
            section: locale.say("heading-consent", &[]),
            key: consent.scope.to_owned(),
            label: text.clone(),
            before: Vec::new(),
            after: vec![consent.outcome.to_owned()],
            text,
        });
    }
    for section in Section::ALL.into_iter().filter(|section| *section != Section::Control) {
        compare(section, before.section(section), after.section(section), locale, &mut found);
    }
    found
}

fn compare(
    section: Section,
    before: &SectionView,
    after: &SectionView,
    locale: &Locale,
    found: &mut Vec<Difference>,
) {
    let title = locale.section(section);
    let (old, new) = (said(before), said(after));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (was, is) = (old.get(key), new.get(key));
        if was.map(Said::texts).unwrap_or_default() == is.map(Said::texts).unwrap_or_default() {
            continue;
        }
        let words = |side: Option<&Said<'_>>| side.map(|said| said.words(locale)).unwrap_or_default();
        let label = was.or(is).map(|said| said.label(locale)).unwrap_or_default();
        let (was, is) = (words(was), words(is));
        let show = |values: &[String]| match values {
            [] => locale.say("not-recorded", &[]),
            values => values.join(" / "),
        };
        let told = [
            ("section", (&title).into()),
            ("label", (&label).into()),
            ("before", show(&was).into()),
            ("after", show(&is).into()),
        ];
        let (section, text) = (title.clone(), locale.say("difference", &told));
        found.push(Difference { section, key: key.clone(), label, before: was, after: is, text });
    }
    let endorsements = |section: &SectionView| -> BTreeMap<String, usize> {
        section.decisions.iter().map(|d| (d.entry.clone(), d.endorsed_by.len())).collect()
    };
    let before_by_entry = endorsements(before);
    for decision in &after.decisions {
        let known = before_by_entry.get(&decision.entry);
        for by in decision.endorsed_by.iter().skip(known.copied().unwrap_or_default()) {
            let told = [("section", (&title).into()), ("author", (&by.author).into())];
            found.push(Difference {
                section: title.clone(),
                key: after.name.to_owned(),
                label: locale.say("difference-endorsement", &[]),
                before: Vec::new(),
                after: vec![by.author.clone()],
                text: locale.say("difference-endorsed", &told),
            });
        }
    }
}

/// The answers under one key, in the order of their words.
struct Said<'a> {
    field: &'a FieldView,
    /// The first answer of the item that it is about.
    item: Option<(&'a str, &'a ValueView)>,
    /// Each with whether it is kept from the person.
    values: Vec<(bool, &'a ValueView)>,
}

/// Every answer of a section by key, document and decisions alike.
fn said(section: &SectionView) -> BTreeMap<String, Said<'_>> {
    let of_decisions = section
        .decisions
        .iter()
        .map(|decision| (&decision.fields, &decision.lists, decision.kept_in.is_some()));
    let mut all: BTreeMap<String, Said<'_>> = BTreeMap::new();
    for (fields, lists, kept) in [(&section.fields, &section.lists, false)].into_iter().chain(of_decisions) {
        let items = lists.iter().flat_map(|list: &ListView| &list.items);
        let of_items = items.flat_map(|item| item.fields.iter().map(|field| (field, name_of(item))));
        for (field, item) in fields.iter().map(|field| (field, None)).chain(of_items) {
            let said = all.entry(field.key.clone()).or_insert(Said { field, item, values: Vec::new() });
            let kept = |value: &ValueView| kept || value.kept_in == mark(Compartment::Professional);
            said.values.extend(field.values.iter().map(|value| (kept(value), value)));
            said.values.sort_by_key(|(kept, value)| (&value.text, *kept));
        }
    }
    all
}

/// What an item is called: its first answer.
fn name_of(item: &ItemView) -> Option<(&str, &ValueView)> {
    let first = item.fields.first()?;
    Some((&first.key, first.values.first()?))
}

impl Said<'_> {
    fn texts(&self) -> Vec<(bool, &String)> {
        self.values.iter().map(|(kept, value)| (*kept, &value.text)).collect()
    }

    fn words(&self, locale: &Locale) -> Vec<String> {
        let words = |value: &ValueView| phrases::value(locale, &self.field.key, value);
        let said = |(kept, value): &(bool, &ValueView)| match kept {
            true => locale.say("difference-kept", &[("answer", words(value).into())]),
            false => words(value),
        };
        self.values.iter().map(said).collect()
    }

    fn label(&self, locale: &Locale) -> String {
        let label = phrases::label(locale, self.field);
        match self.item {
            Some((key, value)) => {
                let told = [("item", phrases::value(locale, key, value).into()), ("label", label.into())];
                locale.say("difference-item", &told)
            }
            None => label,
        }
    }
}
