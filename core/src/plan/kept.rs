//! What professionals keep among themselves: beside what is shared with the person in a view for those who hold it, and gone from
//! everything that is made for the person.

use std::collections::{BTreeMap, BTreeSet};

use bedside_protocol::entry::Compartment;

use super::banner;
use super::dates;
use super::schema::{self, Part, Section};
use super::view::{
    Answers, FieldView, ItemView, ListView, Material, PlanView, ReviewView, SectionView, StandingApproval,
    ValueView, leaves, values,
};
use crate::crdt::Document;

/// What professionals keep among themselves, for a view.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// The professional log's document.
    pub document: &'a Document,
    /// Every approval that stands in it, oldest first.
    pub approvals: &'a [StandingApproval],
    /// What stands in each section of it, as an approval signs it.
    pub digests: &'a KeptDigests,
}

/// What professionals keep among themselves, section by section.
#[derive(Clone, Default)]
pub struct KeptDigests {
    /// SHA-256 of what stands in each, as an approval signs it.
    pub all: BTreeMap<Section, [u8; 32]>,
    /// In which of them anything does.
    pub filled: BTreeSet<Section>,
}

impl KeptDigests {
    /// Of the sections in which anything stands.
    pub(super) fn of_filled(&self) -> impl Iterator<Item = (&Section, &[u8; 32])> {
        self.all.iter().filter(|(section, _)| self.filled.contains(section))
    }
}

/// As a view marks what the person's device does not hold; none for what it does.
#[must_use]
pub const fn mark(compartment: Compartment) -> Option<&'static str> {
    match compartment {
        Compartment::Professional => Some("professional"),
        Compartment::Restricted => Some("restricted"),
        Compartment::Shared | Compartment::AccessRecord => None,
    }
}

/// Puts each answer that professionals keep among themselves beside the shared ones, never before them.
pub(super) fn professional(material: &Material<'_>, found: &mut Answers) {
    let Some(kept) = material.professional else { return };
    let kept_in = mark(Compartment::Professional);
    for (key, values) in answers_beside(material, kept.document) {
        let values = values.into_iter().map(|value| ValueView { kept_in, ..value });
        found.entry(key).or_default().extend(values);
    }
}

/// What stands in the document of a log beside the main one, by main key.
pub(super) fn answers_beside(material: &Material<'_>, document: &Document) -> Answers {
    let mut found = Answers::new();
    for key in document.keys() {
        let (main, values) = match schema::field(&key) {
            Some((field, Part::Main)) => (key.clone(), values(material, document, field, &key)),
            Some((field, part)) => {
                let correction = part == Part::Correction;
                let leaves = leaves(material, document, &key).into_iter();
                (field.key.to_owned(), leaves.map(|leaf| ValueView { correction, ..leaf }).collect())
            }
            None => (key.clone(), leaves(material, document, &key)),
        };
        found.entry(main).or_default().extend(values);
    }
    found
}

/// How many answers and decisions of a view are kept among professionals.
#[must_use]
pub fn count(plan: &PlanView) -> usize {
    let mark = mark(Compartment::Professional);
    plan.sections
        .iter()
        .map(|section| {
            let of_items = section.lists.iter().flat_map(|list| &list.items).flat_map(|item| &item.fields);
            let fields = section.fields.iter().chain(of_items);
            let answers =
                fields.flat_map(|field| &field.values).filter(|value| value.kept_in == mark).count();
            answers + section.decisions.iter().filter(|decision| decision.kept_in == mark).count()
        })
        .sum()
}

/// A view without what professionals keep among themselves, and without whatever was derived from it. A plan that is shown to
/// the person is made without that log to begin with; this is for a view that was not.
#[must_use]
pub(super) fn without_professional(mut plan: PlanView) -> PlanView {
    if count(&plan) == 0 {
        return plan;
    }
    plan.sections.iter_mut().for_each(strip);
    if let Some(now) = plan.as_of.now.as_deref().and_then(dates::from_rfc3339) {
        plan.banner = banner::banner(&plan.sections, now);
    }
    plan.alerts.retain(|alert| matches!(alert.kind, "break-glass" | "consent-withdrawn" | "deceased"));
    plan
}

fn strip(section: &mut SectionView) {
    let mark = mark(Compartment::Professional);
    let before = (section.fields.clone(), section.lists.clone(), section.decisions.len());
    let keep = |fields: &mut Vec<FieldView>| {
        fields.iter_mut().for_each(|field| field.values.retain(|value| value.kept_in != mark));
        fields.retain(|field| !field.values.is_empty());
    };
    keep(&mut section.fields);
    for ListView { items, .. } in &mut section.lists {
        let kept = std::mem::take(items).into_iter().map(|mut item| {
            keep(&mut item.fields);
            ItemView::of(item.id, item.fields)
        });
        items.extend(kept.filter(|item| !item.fields.is_empty()));
    }
    section.lists.retain(|list| !list.items.is_empty());
    section.decisions.retain(|decision| decision.kept_in != mark);
    section.in_conflict = section.decisions.len() > 1;
    if before != (section.fields.clone(), section.lists.clone(), section.decisions.len()) {
        section.review = ReviewView::new("empty", None);
        section.unapproved = 0;
    }
}
