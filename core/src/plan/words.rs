//! What an entry changes, in a few words for the history.

use std::collections::BTreeSet;

use bedside_protocol::entry::Decision;

use super::schema::{self, Section, TEXTS};
use crate::crdt::inspect;

/// The labels of the fields that a change touches.
#[must_use]
pub fn change(change: &[u8]) -> String {
    let Ok(info) = inspect(change, TEXTS) else { return "a change that cannot be read".to_owned() };
    let labels: BTreeSet<&str> = info
        .keys
        .iter()
        .map(|key| schema::field(key).map_or("a field of a newer version", |(field, _)| field.label))
        .collect();
    labels.into_iter().collect::<Vec<_>>().join(", ")
}

/// Which section a decision is about, and whether it is one or endorses one.
#[must_use]
pub fn decision(decision: &Decision) -> String {
    let title = Section::from_number(decision.section).map_or("a section of a newer version", Section::title);
    match (decision.endorses, decision.supersedes.len()) {
        (Some(_), _) => format!("{title}: decision endorsed"),
        (None, 0) => format!("{title}: decision recorded"),
        (None, 1) => format!("{title}: decision replaced"),
        (None, _) => format!("{title}: decisions in conflict resolved"),
    }
}
