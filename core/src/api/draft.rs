//! What somebody is about to write into a plan. Nothing of it is in the plan before [`Draft::commit`] returns.

use std::collections::BTreeMap;
use std::ops::Deref;

use bedside_protocol::entry::Decision;
use bedside_protocol::ids::EntryId;
use serde::Serialize;

use super::plans::PlanId;
use super::{ApiError, App};
use crate::crdt::Edit;
use crate::driver::commit::{Rows, Says};
use crate::limits::DRAFT_EDITS_MAX;
use crate::plan::check::{Given, check_decision, check_edit, encode_decision};
use crate::plan::leaf::Leaf;
use crate::plan::schema::{Compartment, Section};

/// A draft of changes to one plan. It holds the app by reference, or shares it.
pub struct Draft<A> {
    app: A,
    plan: PlanId,
    edits: Vec<Edit>,
    decisions: Vec<Decision>,
    /// The decisions that stood when the draft was begun: what its author saw.
    seen: BTreeMap<u8, Vec<EntryId>>,
}

/// A commit: durable on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// How many entries were written.
    pub entries: usize,
}

impl Saved {
    pub(super) const fn of(entries: &[EntryId]) -> Self {
        Self { entries: entries.len() }
    }
}

impl App {
    /// Begins a draft.
    pub fn draft(&self, plan: PlanId) -> Result<Draft<&Self>, ApiError> {
        Draft::begin(self, plan)
    }

    /// The decisions that stand, by section.
    fn standing_decisions(&self, plan: PlanId) -> Result<BTreeMap<u8, Vec<EntryId>>, ApiError> {
        self.with_replica(plan, |replica, _| {
            let ledger = replica.ledger();
            let heads = |section| ledger.decisions(section).iter().map(|standing| standing.entry).collect();
            Ok(ledger.decided_sections().into_iter().map(|section| (section, heads(section))).collect())
        })
    }
}

impl<A: Deref<Target = App>> Draft<A> {
    /// Begins a draft that keeps the app open for as long as it lives.
    pub fn begin(app: A, plan: PlanId) -> Result<Self, ApiError> {
        let seen = app.standing_decisions(plan)?;
        Ok(Self { app, plan, edits: Vec::new(), decisions: Vec::new(), seen })
    }

    /// Answers a field that holds one value. The key is `section.field`, or `list/item/field`.
    pub fn set(&mut self, key: &str, leaf: &Leaf) -> Result<(), ApiError> {
        check(key, Given::Leaf(leaf))?;
        self.push(Edit::Put { key: key.to_owned(), value: leaf.to_bytes() })
    }

    /// Gives the whole new text of a field that merges as text.
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ApiError> {
        check(key, Given::Text(text))?;
        self.push(Edit::Text { key: key.to_owned(), text: text.to_owned() })
    }

    /// The id for a new item of a list.
    #[must_use]
    pub fn new_item(&self) -> String {
        format!("{:016x}", self.app.device.chance())
    }

    /// Writes a decision on a section as a whole. It replaces the one that stood when the draft was begun.
    ///
    /// Of decisions in conflict it replaces all, and only when `resolve` says that whoever decides has looked at them.
    pub fn decide(
        &mut self,
        section: Section,
        fields: &BTreeMap<String, Leaf>,
        resolve: bool,
    ) -> Result<(), ApiError> {
        let content = encode_decision(fields);
        check_decision(section.number(), &content)
            .map_err(|error| ApiError::invalid(section.title(), error.to_string()))?;
        let supersedes = self.seen.get(&section.number()).cloned().unwrap_or_default();
        if supersedes.len() > 1 && !resolve {
            let reason =
                "there are decisions in conflict; look at all of them and say that this one resolves them";
            return Err(ApiError::NotAllowed { reason: reason.to_owned() });
        }
        self.decisions.push(Decision { section: section.number(), supersedes, content, endorses: None });
        Ok(())
    }

    /// Endorses the decision that stands on a section, unchanged.
    pub fn endorse(&mut self, section: Section) -> Result<(), ApiError> {
        let standing = self.seen.get(&section.number()).map(Vec::as_slice).unwrap_or_default();
        let [decision] = standing else {
            let reason = if standing.is_empty() {
                "there is no decision to endorse"
            } else {
                "the decisions are in conflict"
            };
            return Err(ApiError::NotAllowed { reason: reason.to_owned() });
        };
        self.decisions.push(Decision {
            section: section.number(),
            supersedes: Vec::new(),
            content: encode_decision(&BTreeMap::new()),
            endorses: Some(*decision),
        });
        Ok(())
    }

    fn push(&mut self, edit: Edit) -> Result<(), ApiError> {
        if self.edits.len() >= DRAFT_EDITS_MAX {
            let why = format!("more than {DRAFT_EDITS_MAX} changes at once; save some of them first");
            return Err(ApiError::invalid("draft", why));
        }
        self.edits.push(edit);
        Ok(())
    }

    /// Signs and writes everything, durably, all or nothing. The draft is empty then, and what it wrote counts as seen.
    ///
    /// Errors: [`ApiError::NotAllowed`] with the rule that forbids it, [`ApiError::Invalid`] when there is nothing to
    /// change or too much for one entry, [`ApiError::FreeSpace`]. After an error nothing was changed, and the draft holds what
    /// it held.
    pub fn commit(&mut self) -> Result<Saved, ApiError> {
        let mut says: Vec<Says> = Vec::new();
        if !self.edits.is_empty() {
            says.push(Says::Edits(self.edits.clone()));
        }
        says.extend(self.decisions.iter().cloned().map(Says::Decision));
        if says.is_empty() {
            return Err(ApiError::invalid("draft", "there is nothing to save"));
        }
        let open = self.app.vault()?;
        let entries = open.commit(self.plan.0, says, self.app.device.moment()?, Rows::default())?;
        self.edits.clear();
        self.decisions.clear();
        self.app.saved_something(self.plan.0)?;
        // What was seen before stays when this fails: the next decision is then in conflict, never silently on top.
        if let Ok(seen) = self.app.standing_decisions(self.plan) {
            self.seen = seen;
        }
        Ok(Saved::of(&entries))
    }
}

fn check(key: &str, given: Given<'_>) -> Result<(), ApiError> {
    let field = check_edit(key, given).map_err(|error| ApiError::invalid(key, error.to_string()))?;
    match field.compartment() {
        Compartment::Shared => Ok(()),
        Compartment::Restricted => Err(ApiError::invalid(
            key,
            "this belongs in a compartment of its own, which this version cannot write; it is not put where all could read it",
        )),
    }
}
