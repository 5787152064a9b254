//! What differs between two views of one plan, in words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::leaf::NOT_RECORDED;
use super::schema::Section;
use super::view::{DecisionView, FieldView, ItemView, ListView, PlanView, SectionView};

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The section's title.
    pub section: &'static str,
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

/// Everything that differs, in the order of the sections. What the core derives is left out.
#[must_use]
pub fn differences(before: &PlanView, after: &PlanView) -> Vec<Difference> {
    let mut found = Vec::new();
    for consent in after.consents.iter().filter(|consent| !before.consents.contains(consent)) {
        found.push(Difference {
            section: "Consent",
            key: consent.scope.to_owned(),
            label: consent.text.clone(),
            before: Vec::new(),
            after: vec![consent.outcome.to_owned()],
            text: consent.text.clone(),
        });
    }
    for section in Section::ALL.into_iter().filter(|section| *section != Section::Control) {
        compare(before.section(section), after.section(section), &mut found);
    }
    found
}

fn compare(before: &SectionView, after: &SectionView, found: &mut Vec<Difference>) {
    let (old, new) = (said(before), said(after));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (was, is) = (old.get(key), new.get(key));
        let values = |side: Option<&Said>| side.map(|said| said.values.clone()).unwrap_or_default();
        if values(was) == values(is) {
            continue;
        }
        let label = was.or(is).map(|said| said.label.clone()).unwrap_or_default();
        let show = |values: &[String]| {
            if values.is_empty() { NOT_RECORDED.to_owned() } else { values.join(" / ") }
        };
        let (was, is) = (values(was), values(is));
        let text = format!("{}: {label}: {} -> {}", after.title, show(&was), show(&is));
        found.push(Difference {
            section: after.title,
            key: key.clone(),
            label,
            before: was,
            after: is,
            text,
        });
    }
    let endorsements = |section: &SectionView| -> BTreeMap<String, usize> {
        section.decisions.iter().map(|d| (d.entry.clone(), d.endorsed_by.len())).collect()
    };
    let before_by_entry = endorsements(before);
    for decision in &after.decisions {
        let known = before_by_entry.get(&decision.entry);
        for by in decision.endorsed_by.iter().skip(known.copied().unwrap_or_default()) {
            let text = format!("{}: endorsed by {}", after.title, by.author);
            found.push(Difference {
                section: after.title,
                key: after.name.to_owned(),
                label: "Endorsement".to_owned(),
                before: Vec::new(),
                after: vec![by.author.clone()],
                text,
            });
        }
    }
}

struct Said {
    label: String,
    values: Vec<String>,
}

/// Every answer of a section by key, document and decisions alike.
fn said(section: &SectionView) -> BTreeMap<String, Said> {
    let mut all: BTreeMap<String, Said> = BTreeMap::new();
    let mut add = |field: &FieldView, name: Option<&str>| {
        let label = name.map_or_else(|| field.label.clone(), |name| format!("{name}: {}", field.label));
        let said = all.entry(field.key.clone()).or_insert(Said { label, values: Vec::new() });
        said.values.extend(field.values.iter().map(|value| value.text.clone()));
        said.values.sort();
    };
    section.fields.iter().for_each(|field| add(field, None));
    let lists = section.lists.iter().chain(section.decisions.iter().flat_map(|decision| &decision.lists));
    for item in lists.flat_map(|list: &ListView| &list.items) {
        item.fields.iter().for_each(|field| add(field, name_of(item)));
    }
    for field in section.decisions.iter().flat_map(|decision: &DecisionView| &decision.fields) {
        add(field, None);
    }
    all
}

/// What an item is called: its first answer.
fn name_of(item: &ItemView) -> Option<&str> {
    item.fields.first()?.values.first().map(|value| value.text.as_str())
}
